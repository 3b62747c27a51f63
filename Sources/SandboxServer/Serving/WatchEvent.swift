internal import JSON

/// A change on its way to the watches: which event it is for whom, and its bytes, made once for each representation.
struct WatchEvent {
    /// `type` of an event.
    enum Kind: String {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }

    private struct Key: Hashable {
        var kind: Kind
        var representation: String
        var isFirst: Bool
    }

    let change: ObjectStore.Change
    private var encodings: [Key: [UInt8]] = [:]
    private var oldContent: JSONValue?
    private var newContent: JSONValue?
    private var departed: StoredObject?

    init(_ change: ObjectStore.Change) {
        self.change = change
    }

    /// What the change is to somebody who sees only selected objects; nil when he sees nothing of it.
    mutating func kind(for options: ListOptions) -> Kind? {
        let wasSelected = change.old.map { options.matches($0, content: &oldContent) } ?? false
        let isSelected = change.new.map { options.matches($0, content: &newContent) } ?? false
        return switch (wasSelected, isSelected) {
        case (false, true): .added
        case (true, true): .modified
        case (true, false): .deleted
        case (false, false): nil
        }
    }

    /// The line that goes out.
    mutating func line(_ kind: Kind, _ representation: WatchRepresentation, isFirst: Bool) throws -> [UInt8] {
        let isFirst = isFirst && representation.encodeFirst != nil
        let key = Key(kind: kind, representation: representation.key, isFirst: isFirst)
        if let known = encodings[key] { return known }
        let line = try Self.line(kind, object(for: kind), representation, isFirst: isFirst)
        encodings[key] = line
        return line
    }

    /// An object that is no longer selected is shown as it was, under the revision at which it went.
    private mutating func object(for kind: Kind) -> StoredObject {
        guard kind == .deleted, change.new != nil, let old = change.old else { return change.object }
        let object = departed ?? old.stamped(change.revision)
        departed = object
        return object
    }

    /// The line for an object that is no change.
    static func line(
        _ kind: Kind,
        _ object: StoredObject,
        _ representation: WatchRepresentation,
        isFirst: Bool
    ) throws -> [UInt8] {
        let encode = isFirst ? representation.encodeFirst ?? representation.encode : representation.encode
        return line(kind, try encode(object))
    }

    /// The line that tells why a watch ends.
    static func line(_ failure: APIFailure) -> [UInt8] {
        line(.error, failure.status.serialized())
    }

    private static func line(_ kind: Kind, _ object: [UInt8]) -> [UInt8] {
        var line = Array("{\"type\":\"\(kind.rawValue)\",\"object\":".utf8)
        line.reserveCapacity(line.count + object.count + 2)
        line += object
        line += "}\n".utf8
        return line
    }
}
