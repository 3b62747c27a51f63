public import JSON

/// One event of a watch stream.
public enum WatchEvent<Object: Sendable>: Sendable {
    /// The object is new, or is part of the initial state.
    case added(Object)
    /// The object has changed.
    case modified(Object)
    /// The object is gone; its resourceVersion is that of the deletion.
    case deleted(Object)
    /// All changes up to this version have been sent.
    ///
    /// `initialEventsEnd` marks the end of the initial state of a streaming list (KEP-3157).
    case bookmark(resourceVersion: String, initialEventsEnd: Bool)
    /// The server ends the watch, with the reason.
    case error(KubernetesStatus)

    /// Reads one event.
    ///
    /// - Parameters:
    ///   - event: the value `{"type": ..., "object": ...}`.
    ///   - decode: makes the object of added, modified and deleted events.
    /// - Throws: ``ObjectFormatError`` for an unknown type or an event without object or version; what `decode` throws.
    public init(json event: JSONValue, decode: (JSONValue) throws -> Object) throws {
        guard let type = event["type"]?.stringValue, let object = event["object"] else {
            throw ObjectFormatError("watch event without type or object")
        }
        switch type {
        case "ADDED": self = .added(try decode(object))
        case "MODIFIED": self = .modified(try decode(object))
        case "DELETED": self = .deleted(try decode(object))
        case "BOOKMARK": self = try Self.bookmark(from: object)
        case "ERROR": self = .error(Self.status(from: object))
        default: throw ObjectFormatError("unknown watch event type \(type.prefix(32))")
        }
    }

    private static func bookmark(from object: JSONValue) throws -> WatchEvent {
        let bookmark = Unstructured(object)
        guard !bookmark.resourceVersion.isEmpty else { throw ObjectFormatError("bookmark without resourceVersion") }
        let ends = bookmark.annotations["k8s.io/initial-events-end"] == "true"
        return .bookmark(resourceVersion: bookmark.resourceVersion, initialEventsEnd: ends)
    }

    /// The Status of an error event; aggregated servers send other objects too, which must not hide that it failed.
    private static func status(from object: JSONValue) -> KubernetesStatus {
        do {
            return try object.decode(KubernetesStatus.self)
        } catch {
            return KubernetesStatus(message: "unreadable error event: \(error)", reason: "Unknown")
        }
    }
}

extension WatchEvent where Object == Unstructured {
    /// Reads one event of any kind of object.
    ///
    /// - Throws: ``ObjectFormatError`` for an unknown type, or an object without name or kind.
    public init(json event: JSONValue) throws {
        try self.init(json: event) { value in
            let object = Unstructured(value)
            guard !object.name.isEmpty, !object.kind.isEmpty else {
                throw ObjectFormatError("watch event whose object has no name or kind")
            }
            return object
        }
    }
}

extension WatchEvent where Object: KubernetesObject {
    /// Reads one event of a typed object.
    ///
    /// - Throws: ``ObjectFormatError`` for an unknown type; `DecodingError` for a malformed object.
    public init(json event: JSONValue) throws {
        try self.init(json: event) { try Object(json: $0) }
    }
}

extension WatchEvent: Equatable where Object: Equatable {}
extension WatchEvent: Hashable where Object: Hashable {}
