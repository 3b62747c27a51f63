public import JSON
public import KubernetesCore

// Operations on objects with a Swift type of their own.
extension KubernetesClient {
    /// Reads an object.
    public func get<Object: KubernetesObject>(
        _ type: Object.Type,
        _ key: ObjectKey,
        options: GetOptions = GetOptions()
    ) async throws -> Object {
        try await object(.get(Object.resource, key, options: options))
    }

    /// Reads an object again; one that the server still has in the same version is not decoded anew.
    ///
    /// Another object that has its name by now is returned like a newer version.
    public func refresh<Object: KubernetesObject>(_ object: Object) async throws -> Object {
        try await self.object(.get(Object.resource, object.key), known: object)
    }

    /// Reads a collection page by page; all namespaces when `namespace` is nil.
    public func list<Object: KubernetesObject>(
        _ type: Object.Type,
        namespace: String? = nil,
        options: ListOptions = ListOptions()
    ) async throws -> KubernetesList<Object> {
        try await collect(Object.resource, namespace: namespace, options: options) { bytes in
            try Object(json: JSONValue(parsing: bytes, projection: .kubernetes))
        }
    }

    /// Follows a collection; all namespaces when `namespace` is nil.
    public func watch<Object: KubernetesObject>(
        _ type: Object.Type,
        namespace: String? = nil,
        options: WatchOptions = WatchOptions()
    ) async throws -> WatchSequence<Object> {
        try await watch(Object.resource, namespace: namespace, options: options) { bytes in
            try Object(json: JSONValue(parsing: bytes, projection: .kubernetes))
        }
    }

    /// Makes an object; its own metadata says in which namespace.
    public func create<Object: KubernetesObject>(
        _ object: Object,
        options: WriteOptions = WriteOptions()
    ) async throws -> Object {
        let body = try encode(object)
        return try await self.object(
            .create(Object.resource, namespace: object.metadata.namespace, body: body, options: options)
        )
    }

    /// Replaces an object; a resourceVersion in it makes that conditional.
    public func update<Object: KubernetesObject>(
        _ object: Object,
        subresource: String? = nil,
        options: WriteOptions = WriteOptions()
    ) async throws -> Object {
        let body = try encode(object)
        return try await self.object(
            .update(Object.resource, object.key, body: body, subresource: subresource, options: options)
        )
    }

    /// Replaces the status of an object; a resourceVersion in it makes that conditional.
    public func updateStatus<Object: KubernetesObject>(
        _ object: Object,
        options: WriteOptions = WriteOptions()
    ) async throws -> Object {
        try await update(object, subresource: "status", options: options)
    }

    /// Changes parts of an object or of one of its subresources; see the dynamic ``patch(_:_:_:type:subresource:options:)``.
    public func patch<Object: KubernetesObject>(
        _ type: Object.Type,
        _ key: ObjectKey,
        _ patch: JSONValue,
        type patchType: PatchType,
        subresource: String? = nil,
        options: WriteOptions = WriteOptions()
    ) async throws -> Object {
        let answer: Unstructured = try await self.patch(
            Object.resource,
            key,
            patch,
            type: patchType,
            subresource: subresource,
            options: options
        )
        do {
            return try Object(json: answer.content)
        } catch {
            let request = APIRequest.patch(Object.resource, key, body: .null, type: patchType, subresource: subresource)
            throw ClientError.decoding(error, request: RequestSummary(request))
        }
    }

    /// Removes an object.
    ///
    /// - Returns: whether it is gone; false while finalizers or a grace period keep it.
    @discardableResult
    public func delete<Object: KubernetesObject>(
        _ type: Object.Type,
        _ key: ObjectKey,
        options: DeleteOptions = DeleteOptions()
    ) async throws -> Bool {
        try await delete(Object.resource, key, options: options) == nil
    }

    /// Sends a request whose answer is an object; `known` is returned when it is that one.
    private func object<Object: KubernetesObject>(
        _ request: APIRequest,
        known: Object? = nil
    ) async throws -> Object {
        let response = try await send(request)
        let content = try response.json()
        if let known, let version = known.metadata.resourceVersion, let metadata = content["metadata"],
            metadata["resourceVersion"]?.stringValue == version, metadata["uid"]?.stringValue == known.metadata.uid
        {
            return known
        }
        do {
            return try Object(json: content)
        } catch {
            throw ClientError.decoding(error, request: response.request)
        }
    }

    private func encode<Object: KubernetesObject>(_ object: Object) throws -> JSONValue {
        do {
            return try object.jsonValue()
        } catch {
            let request = APIRequest.get(Object.resource, object.key)
            throw ClientError.invalidRequest("cannot be encoded: \(error)", request: RequestSummary(request))
        }
    }
}
