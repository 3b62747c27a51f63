public import FoundationEssentials
public import JSON

/// An object of any kind, kept as the JSON value that the server sent.
///
/// Accessors never fail: a field of the wrong type reads as absent, and setting nil removes the field.
public struct Unstructured: Sendable, Hashable {
    /// The whole object.
    public var content: JSONValue

    /// Wraps a JSON value, which should be an object.
    public init(_ content: JSONValue) {
        self.content = content
    }

    /// Starts a new object with type and name only.
    public init(resource: APIResource, key: ObjectKey) {
        content = ["apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind)]
        name = key.name
        namespace = key.namespace
    }

    /// The `apiVersion`; empty when absent.
    public var apiVersion: String {
        get { content["apiVersion"]?.stringValue ?? "" }
        set { content["apiVersion"] = .string(newValue) }
    }

    /// The kind; empty when absent.
    public var kind: String {
        get { content["kind"]?.stringValue ?? "" }
        set { content["kind"] = .string(newValue) }
    }

    /// Group, version and kind together.
    public var groupVersionKind: GroupVersionKind { GroupVersionKind(apiVersion: apiVersion, kind: kind) }

    /// The name; empty when absent.
    public var name: String {
        get { metadataString("name") ?? "" }
        set { setMetadata("name", .string(newValue)) }
    }

    /// The namespace; nil when cluster-scoped.
    public var namespace: String? {
        get { metadataString("namespace").flatMap { $0.isEmpty ? nil : $0 } }
        set { setMetadata("namespace", newValue.map(JSONValue.string)) }
    }

    /// The namespace and name.
    public var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }

    /// The uid; empty when absent.
    public var uid: String { metadataString("uid") ?? "" }

    /// The resourceVersion; empty when absent.
    public var resourceVersion: String {
        get { metadataString("resourceVersion") ?? "" }
        set { setMetadata("resourceVersion", newValue.isEmpty ? nil : .string(newValue)) }
    }

    /// The generation; nil where the kind has none.
    public var generation: Int64? { content.value(at: ["metadata", "generation"])?.intValue }

    /// The labels; empty when absent.
    public var labels: [String: String] {
        get { metadataMap("labels") }
        set { setMetadata("labels", newValue.isEmpty ? nil : .object(newValue.mapValues(JSONValue.string))) }
    }

    /// The annotations; empty when absent.
    public var annotations: [String: String] {
        get { metadataMap("annotations") }
        set { setMetadata("annotations", newValue.isEmpty ? nil : .object(newValue.mapValues(JSONValue.string))) }
    }

    /// The finalizers; empty when absent.
    public var finalizers: [String] {
        get { content.value(at: ["metadata", "finalizers"])?.arrayValue?.compactMap(\.stringValue) ?? [] }
        set { setMetadata("finalizers", newValue.isEmpty ? nil : .array(newValue.map(JSONValue.string))) }
    }

    /// When the server created it; nil when absent or unreadable.
    public var creationTimestamp: Date? { metadataString("creationTimestamp").flatMap(Timestamp.parse) }

    /// When it was asked to go; nil when it was not.
    public var deletionTimestamp: Date? { metadataString("deletionTimestamp").flatMap(Timestamp.parse) }

    /// Whether it was asked to go, even if the time is unreadable.
    public var isBeingDeleted: Bool { metadataString("deletionTimestamp") != nil }

    /// All metadata, typed.
    ///
    /// - Throws: `DecodingError` when a field has the wrong type.
    public func metadata() throws -> ObjectMeta {
        try (content["metadata"] ?? .object([:])).decode(ObjectMeta.self)
    }

    /// A reference to this object for events and status fields.
    public var reference: ObjectReference {
        ObjectReference(
            apiVersion: apiVersion,
            kind: kind,
            namespace: namespace,
            name: name,
            uid: metadataString("uid"),
            resourceVersion: metadataString("resourceVersion")
        )
    }

    /// Reads or writes a field of the object by its path, such as `["spec", "replicas"]`.
    public subscript(path: String...) -> JSONValue? {
        get { content.value(at: path) }
        set { content.set(newValue, at: path) }
    }

    private func metadataString(_ field: String) -> String? {
        content.value(at: ["metadata", field])?.stringValue
    }

    private func metadataMap(_ field: String) -> [String: String] {
        content.value(at: ["metadata", field])?.objectValue?.compactMapValues(\.stringValue) ?? [:]
    }

    private mutating func setMetadata(_ field: String, _ value: JSONValue?) {
        content.set(value, at: ["metadata", field])
    }
}
