/// Finds the object that owns a changed one, of the kind that a controller is about, without reading either.
struct OwnedObjects: Sendable {
    /// The kind of the owners.
    let owner: ResourceID
    /// The kind of what they own.
    let owned: ResourceID
    private var references: [String: ObjectReference] = [:]

    init(of owner: ResourceID, _ owned: ResourceID) {
        self.owner = owner
        self.owned = owned
    }

    /// The owners to look at after a change of themselves or of what they own.
    mutating func owners(after change: ObjectStore.Change) -> [ObjectReference] {
        if change.resource == owner {
            guard let object = change.new else {
                change.old.map { references[$0.uid] = nil }
                return []
            }
            let reference = ObjectReference(resource: owner, name: object.name)
            references[object.uid] = reference
            return [reference]
        }
        guard change.resource == owned else { return [] }
        return [change.old, change.new].compactMap(\.self).flatMap(\.owners).compactMap { references[$0] }
    }
}
