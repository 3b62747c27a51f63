import FoundationEssentials
import JSON
import KubernetesCore

/// The database of a ``FakeAPIServer``: objects, their history, and one counter of versions for all, as etcd has.
struct FakeState: Sendable {
    /// One write, as watches replay it.
    struct Change: Sendable {
        let version: Int
        let collection: FakeCollection
        let key: ObjectKey
        /// The state before; nil for a new object.
        let old: JSONValue?
        /// The state after; nil for a deleted object.
        let new: JSONValue?
    }

    /// A list that is read in pages.
    struct Snapshot: Sendable {
        let version: Int
        let objects: [JSONValue]
    }

    typealias Objects = [FakeCollection: [ObjectKey: JSONValue]]

    /// The version of the last write.
    var version = 1000
    var objects: Objects = [:]
    var history: [Change] = []
    /// Watches cannot start at versions below this one.
    var compactedVersion = 0
    var kinds: [FakeCollection: String] = [:]
    var resources: [APIResource] = []
    var snapshots: [Int: Snapshot] = [:]
    var nextSnapshot = 1
    var nextUID = 1
    var uidSpace = 0
    /// What reads see while they are stale.
    var staleView: (version: Int, objects: Objects, includesConsistentReads: Bool)?

    /// Stores a new state of an object, or removes it; everything is one version later then.
    mutating func commit(_ collection: FakeCollection, _ key: ObjectKey, _ new: JSONValue?) -> JSONValue {
        version += 1
        let old = objects[collection]?[key]
        var final = new ?? old ?? .null
        final.set(.string(String(version)), at: ["metadata", "resourceVersion"])
        let stored = new == nil ? nil : final
        objects[collection, default: [:]][key] = stored
        // A deleted object is replayed in its last state with the version of the deletion.
        history.append(
            Change(version: version, collection: collection, key: key, old: new == nil ? final : old, new: stored)
        )
        if let kind = final["kind"]?.stringValue { kinds[collection] = kind }
        return final
    }

    mutating func makeUID() -> String {
        defer { nextUID += 1 }
        func hex(_ number: Int, _ count: Int) -> String {
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: max(0, count - digits.count)) + digits
        }
        return "\(hex(uidSpace, 8))-0000-4000-8000-\(hex(nextUID, 12))"
    }

    /// The objects of a collection, sorted by key.
    func list(_ collection: FakeCollection, _ selector: FakeSelector, in view: Objects? = nil) -> [JSONValue] {
        ((view ?? objects)[collection] ?? [:]).sorted { $0.key < $1.key }.map(\.value).filter(selector.matches)
    }

    func kind(of collection: FakeCollection) -> String {
        resources.first { FakeCollection($0) == collection }?.kind ?? kinds[collection] ?? "Object"
    }
}
