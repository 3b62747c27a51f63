public import JSON

/// An object with a Swift type of its own; ``Unstructured`` serves for all others.
///
/// `apiVersion` and `kind` follow from ``resource`` and need no stored properties: ``jsonValue()`` adds them.
///
/// ```swift
/// struct ConfigMap: KubernetesObject {
///     static let resource = APIResource.configMaps
///     var metadata: ObjectMeta
///     var data: [String: String]?
/// }
/// ```
public protocol KubernetesObject: Codable, Sendable {
    /// Where the API serves objects of this type.
    static var resource: APIResource { get }
    /// Name, labels and the rest of the standard metadata.
    var metadata: ObjectMeta { get set }
}

extension KubernetesObject {
    /// The namespace and name.
    public var key: ObjectKey { metadata.key }

    /// The wire form, with `apiVersion` and `kind` filled in where the type has not encoded them.
    ///
    /// - Throws: what the type's `encode(to:)` throws.
    public func jsonValue() throws -> JSONValue {
        var value = try JSONValue(encoding: self)
        if value["apiVersion"] == nil { value["apiVersion"] = .string(Self.resource.apiVersion) }
        if value["kind"] == nil { value["kind"] = .string(Self.resource.kind) }
        return value
    }

    /// Reads the wire form.
    ///
    /// - Throws: `DecodingError` with the coding path.
    public init(json value: JSONValue) throws {
        self = try value.decode(Self.self)
    }

    /// A reference to this object for events and status fields.
    public var reference: ObjectReference {
        ObjectReference(
            apiVersion: Self.resource.apiVersion,
            kind: Self.resource.kind,
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
            resourceVersion: metadata.resourceVersion
        )
    }

    /// A reference with which dependents name this object as their managing controller.
    public var controllerReference: OwnerReference {
        OwnerReference(
            apiVersion: Self.resource.apiVersion,
            kind: Self.resource.kind,
            name: metadata.name ?? "",
            uid: metadata.uid ?? "",
            controller: true,
            blockOwnerDeletion: true
        )
    }
}
