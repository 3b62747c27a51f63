/// Points at an object from another one, such as `involvedObject` of an Event (core/v1 ObjectReference).
public struct ObjectReference: Codable, Sendable, Hashable {
    /// The `apiVersion` of the object.
    public var apiVersion: String?
    /// Its kind.
    public var kind: String?
    /// Its namespace; nil when cluster-scoped.
    public var namespace: String?
    /// Its name.
    public var name: String?
    /// Its uid; tells it from a later object of the same name.
    public var uid: String?
    /// The version that was seen.
    public var resourceVersion: String?
    /// A part of the object, such as `spec.containers{web}`.
    public var fieldPath: String?

    /// Makes a reference.
    public init(
        apiVersion: String? = nil,
        kind: String? = nil,
        namespace: String? = nil,
        name: String? = nil,
        uid: String? = nil,
        resourceVersion: String? = nil,
        fieldPath: String? = nil
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.fieldPath = fieldPath
    }

    /// The namespace and name.
    public var key: ObjectKey { ObjectKey(namespace: namespace, name: name ?? "") }
}
