public import JSON
public import KubernetesCore

// Operations on objects of any kind.
extension KubernetesClient {
    /// Reads an object, or one of its subresources such as `scale`.
    public func get(
        _ resource: APIResource,
        _ key: ObjectKey,
        subresource: String? = nil,
        options: GetOptions = GetOptions()
    ) async throws -> Unstructured {
        try await object(.get(resource, key, subresource: subresource, options: options))
    }

    /// Makes an object; its own metadata says in which namespace.
    public func create(
        _ resource: APIResource,
        _ object: Unstructured,
        options: WriteOptions = WriteOptions()
    ) async throws -> Unstructured {
        let body = typed(object.content, resource)
        return try await self.object(.create(resource, namespace: object.namespace, body: body, options: options))
    }

    /// Posts to a subresource of an object, such as `eviction` or `token`; returns what the server answers.
    public func createSubresource(
        _ subresource: String,
        of resource: APIResource,
        _ key: ObjectKey,
        _ body: JSONValue,
        options: WriteOptions = WriteOptions()
    ) async throws -> Unstructured {
        try await object(.createSubresource(subresource, of: resource, key, body: body, options: options))
    }

    /// Replaces an object or one of its subresources; a resourceVersion in it makes that conditional.
    public func update(
        _ resource: APIResource,
        _ object: Unstructured,
        subresource: String? = nil,
        options: WriteOptions = WriteOptions()
    ) async throws -> Unstructured {
        let body = subresource == nil || subresource == "status" ? typed(object.content, resource) : object.content
        return try await self.object(
            .update(resource, object.key, body: body, subresource: subresource, options: options)
        )
    }

    /// Changes parts of an object or of one of its subresources.
    ///
    /// For ``PatchType/apply(fieldManager:force:)`` the patch is the part of the object that the manager wants; type
    /// and name are added when they are missing, and the object is made when there is none.
    public func patch(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSONValue,
        type: PatchType,
        subresource: String? = nil,
        options: WriteOptions = WriteOptions()
    ) async throws -> Unstructured {
        var body = patch
        if case .apply = type {
            if subresource == nil || subresource == "status" { body = typed(body, resource) }
            if body.value(at: ["metadata", "name"]) == nil { body.set(.string(key.name), at: ["metadata", "name"]) }
        }
        return try await object(
            .patch(resource, key, body: body, type: type, subresource: subresource, options: options)
        )
    }

    /// Removes an object.
    ///
    /// - Returns: the object while finalizers or a grace period keep it; nil when it is gone.
    @discardableResult
    public func delete(
        _ resource: APIResource,
        _ key: ObjectKey,
        options: DeleteOptions = DeleteOptions()
    ) async throws -> Unstructured? {
        let answer = try await object(.delete(resource, key, options: options))
        return answer.kind == "Status" ? nil : answer
    }

    /// Removes the objects of a collection that the selectors of `list` choose; all of them when it has none.
    public func deleteCollection(
        _ resource: APIResource,
        namespace: String?,
        list: ListOptions = ListOptions(),
        options: DeleteOptions = DeleteOptions()
    ) async throws {
        _ = try await send(.deleteCollection(resource, namespace: namespace, list: list, options: options))
    }

    /// Sends a request whose answer is an object.
    private func object(_ request: APIRequest) async throws -> Unstructured {
        let content = try await send(request).json()
        guard content.objectValue != nil else {
            throw ClientError.decoding(
                ObjectFormatError("expected an object"),
                request: RequestSummary(request)
            )
        }
        return Unstructured(content)
    }

    /// Adds the type fields, which the server insists on.
    private func typed(_ content: JSONValue, _ resource: APIResource) -> JSONValue {
        var content = content
        if (content["apiVersion"]?.stringValue ?? "").isEmpty { content["apiVersion"] = .string(resource.apiVersion) }
        if (content["kind"]?.stringValue ?? "").isEmpty { content["kind"] = .string(resource.kind) }
        return content
    }
}
