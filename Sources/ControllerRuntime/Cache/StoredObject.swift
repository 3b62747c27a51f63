public import KubernetesCore

/// An object as a cache keeps it: decoded, or known to be undecodable.
struct StoredObject<Object: Sendable>: Sendable {
    let key: ObjectKey
    let uid: String
    let resourceVersion: String
    let content: Result<Object, UndecodableObject>

    /// The object, unless it could not be decoded.
    var object: Object? {
        if case .success(let object) = content { object } else { nil }
    }

    /// Why there is no object.
    var failure: UndecodableObject? {
        if case .failure(let failure) = content { failure } else { nil }
    }
}

/// An object that the server has and that the program cannot read.
///
/// One such object must not stop the cache of its kind for ever, and must not vanish silently either: the cache keeps
/// this note in its place, handlers are told, and the log names the object and the field.
public struct UndecodableObject: Error, Sendable, Hashable, CustomStringConvertible {
    /// The namespace and name.
    public let key: ObjectKey
    /// The uid, or empty when that is unreadable too.
    public let uid: String
    /// The resourceVersion of the state that could not be read.
    public let resourceVersion: String
    /// What is wrong, with the path of the field where it is known.
    public let reason: String

    /// Makes a note.
    public init(key: ObjectKey, uid: String, resourceVersion: String, reason: String) {
        self.key = key
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.reason = reason
    }

    /// The object and what is wrong with it.
    public var description: String { "\(key) cannot be decoded: \(reason)" }
}
