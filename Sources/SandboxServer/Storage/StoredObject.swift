package import JSON

/// The name of an object inside its resource.
package struct ObjectName: Sendable, Hashable, Comparable {
    /// The namespace; empty for cluster-scoped objects.
    package var namespace: String
    /// The name.
    package var name: String

    /// Names an object.
    package init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// The order of lists: by namespace, then by name, by bytes.
    package static func < (left: ObjectName, right: ObjectName) -> Bool {
        left.namespace == right.namespace
            ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
            : left.namespace.utf8.lexicographicallyPrecedes(right.namespace.utf8)
    }
}

/// One version of one object: immutable, and shared by the store, the history and all answers.
///
/// Kept as the bytes that go out, with the little that selectors and owners' checks need beside them, so that lists and
/// watches encode nothing and 100,000 objects stay small: `hack/bench --sandbox` says what a pod takes, all included.
package final class StoredObject: Sendable {
    /// Where it is.
    package let name: ObjectName
    /// `metadata.uid`.
    package let uid: String
    /// `metadata.resourceVersion` as a number.
    package let revision: UInt64
    /// `metadata.labels`.
    package let labels: [String: String]
    /// The uids in `metadata.ownerReferences`.
    package let owners: [String]
    /// Whether `metadata.deletionTimestamp` is set.
    package let isBeingDeleted: Bool
    /// The JSON document in the storage version, resourceVersion included.
    package let bytes: [UInt8]

    /// Takes a whole object; `metadata.resourceVersion` has to be there.
    init(_ object: JSONValue, name: ObjectName, revision: UInt64) {
        self.name = name
        self.revision = revision
        uid = object["metadata"]?["uid"]?.stringValue ?? ""
        labels = object["metadata"]?["labels"]?.stringDictionary ?? [:]
        owners = (object["metadata"]?["ownerReferences"]?.arrayValue ?? []).compactMap { $0["uid"]?.stringValue }
        isBeingDeleted = object["metadata"]?["deletionTimestamp"] != nil
        bytes = object.serialized()
    }

    /// The object as a value; parsed at each call.
    ///
    /// - Throws: ``APIFailure`` 500 when the bytes do not parse, which would be a fault of the store.
    package func value() throws(APIFailure) -> JSONValue {
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw APIFailure(code: 500, reason: "InternalError", message: "stored object \(name.name): \(error)")
        }
    }

    /// The same object under another revision, as watches show it when it went away.
    func stamped(_ revision: UInt64) -> StoredObject {
        do {
            var object = try value()
            object.set(.string(String(revision)), at: ["metadata", "resourceVersion"])
            return StoredObject(object, name: name, revision: revision)
        } catch {
            // The store wrote these bytes itself, so it can read them; if not, an old revision is the smaller evil.
            return self
        }
    }
}
