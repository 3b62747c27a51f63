internal import FoundationEssentials
internal import JSON

/// What a watch is to send.
package struct WatchRequest: Sendable {
    /// The resource.
    package var resource: ResourceID
    /// The namespace; nil for all, and for cluster-scoped resources.
    package var namespace: String?
    /// `apiVersion` of bookmarks, before the representation changes them as it changes objects.
    package var apiVersion: String
    /// `kind` of bookmarks.
    package var kind: String
    /// The query.
    package var options: ListOptions
    /// How objects go out.
    package var representation: WatchRepresentation
    /// What is to go wrong with it.
    package var fault: WatchFault

    /// Describes a watch.
    package init(
        resource: ResourceID,
        namespace: String? = nil,
        apiVersion: String,
        kind: String,
        options: ListOptions,
        representation: WatchRepresentation = .stored,
        fault: WatchFault = .none
    ) {
        self.resource = resource
        self.namespace = namespace
        self.apiVersion = apiVersion
        self.kind = kind
        self.options = options
        self.representation = representation
        self.fault = fault
    }

    /// A bookmark as an object of the resource, so that it takes the same ways as others.
    func bookmark(at revision: UInt64, endsInitialEvents: Bool) -> StoredObject {
        var object: JSONValue = ["kind": .string(kind), "apiVersion": .string(apiVersion)]
        object.set(.string(String(revision)), at: ["metadata", "resourceVersion"])
        if endsInitialEvents {
            object.set("true", at: ["metadata", "annotations", "k8s.io/initial-events-end"])
        }
        return StoredObject(object, name: ObjectName(name: ""), revision: revision)
    }
}

/// How the objects of a watch go out: whole, as tables, metadata only, in which version.
package struct WatchRepresentation: Sendable {
    /// Watches with equal keys share the bytes of an event.
    package var key: String
    /// The bytes of an object; it may be a bookmark, which has little more than its metadata.
    package var encode: @Sendable (StoredObject) throws -> [UInt8]
    /// The same for the first event of a watch, where that differs: tables describe their columns once.
    package var encodeFirst: (@Sendable (StoredObject) throws -> [UInt8])?

    /// Describes a representation.
    package init(
        key: String,
        encode: @escaping @Sendable (StoredObject) throws -> [UInt8],
        encodeFirst: (@Sendable (StoredObject) throws -> [UInt8])? = nil
    ) {
        self.key = key
        self.encode = encode
        self.encodeFirst = encodeFirst
    }

    /// Objects as they are stored.
    package static let stored = WatchRepresentation(key: "") { $0.bytes }
}

/// What goes wrong with a watch.
package struct WatchFault: Sendable, Hashable {
    /// The two ways in which watches fail in the field.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The connection breaks.
        case cut
        /// The connection stays, and nothing comes any more.
        case silent
    }

    /// What happens; nil for nothing.
    package var kind: Kind?
    /// How many events are sent before; nil does not count them.
    package var afterEvents: Int?
    /// How much time passes before; nil does not wait for it.
    ///
    /// Without both it happens at once.
    package var after: Duration?

    /// Describes a fault.
    package init(kind: Kind?, afterEvents: Int? = nil, after: Duration? = nil) {
        self.kind = kind
        self.afterEvents = afterEvents
        self.after = after
    }

    /// Nothing goes wrong.
    package static let none = WatchFault(kind: nil)
}
