public import JSON
public import KubernetesCore

/// How an informer turns what the server sends into what it keeps.
///
/// Fields that the projection drops are skipped while the bytes are scanned and never exist in memory; whatever `decode`
/// returns is all that is ever stored and handed out.
public struct ObjectDecoder<Object: Sendable>: Sendable {
    /// Which fields are built at all; must keep name, namespace, uid and resourceVersion of the metadata.
    public var projection: JSONProjection
    /// Makes the object.
    ///
    /// Must be pure. An error makes that one object ``UndecodableObject``.
    public var decode: @Sendable (JSONValue) throws -> Object

    /// Makes a decoder.
    public init(
        projection: JSONProjection = .kubernetes,
        decode: @escaping @Sendable (JSONValue) throws -> Object
    ) {
        self.projection = projection
        self.decode = decode
    }

    /// Reads one object from its JSON.
    ///
    /// - Throws: `JSONError` or `ObjectFormatError` when the bytes do not even name an object: that is a broken stream,
    ///   not a broken object.
    func stored(_ bytes: [UInt8], of resource: APIResource) throws -> StoredObject<Object> {
        var value = try JSONValue(parsing: bytes, projection: projection)
        // Servers leave both out of list items.
        if value["apiVersion"] == nil { value["apiVersion"] = .string(resource.apiVersion) }
        if value["kind"] == nil { value["kind"] = .string(resource.kind) }
        guard let metadata = value["metadata"], let name = metadata["name"]?.stringValue, !name.isEmpty else {
            throw ObjectFormatError("\(resource): object without metadata.name")
        }
        let key = ObjectKey(namespace: metadata["namespace"]?.stringValue, name: name)
        let uid = metadata["uid"]?.stringValue ?? ""
        let resourceVersion = metadata["resourceVersion"]?.stringValue ?? ""
        let content: Result<Object, UndecodableObject>
        do {
            content = .success(try decode(value))
        } catch {
            let reason = Self.describe(error)
            content = .failure(
                UndecodableObject(key: key, uid: uid, resourceVersion: resourceVersion, reason: reason)
            )
        }
        return StoredObject(key: key, uid: uid, resourceVersion: resourceVersion, content: content)
    }

    /// The path of the field and what is wrong with it, where the error knows them.
    private static func describe(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found):
            context = found
        case .keyNotFound(let key, let found):
            context = .init(codingPath: found.codingPath + [key], debugDescription: "required field is missing")
        @unknown default:
            return "\(error)"
        }
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}

extension ObjectDecoder where Object == Unstructured {
    /// Keeps objects as they are, less what the projection drops.
    public static func unstructured(projection: JSONProjection = .kubernetes) -> ObjectDecoder {
        ObjectDecoder(projection: projection) { Unstructured($0) }
    }
}

extension ObjectDecoder where Object: KubernetesObject {
    /// Decodes objects with their Swift type.
    public static func typed(projection: JSONProjection = .kubernetes) -> ObjectDecoder {
        ObjectDecoder(projection: projection) { try Object(json: $0) }
    }
}
