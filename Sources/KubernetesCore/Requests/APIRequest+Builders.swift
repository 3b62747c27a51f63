public import JSON

extension APIRequest {
    /// Reads one object or one of its subresources.
    public static func get(
        _ resource: APIResource,
        _ key: ObjectKey,
        subresource: String? = nil,
        options: GetOptions = GetOptions()
    ) -> APIRequest {
        onObject(.get, "GET", resource, key, subresource, query: options.query)
    }

    /// Reads a collection; all namespaces when `namespace` is nil.
    public static func list(
        _ resource: APIResource,
        namespace: String? = nil,
        options: ListOptions = ListOptions()
    ) -> APIRequest {
        onCollection(.list, "GET", resource, namespace, query: options.query)
    }

    /// Follows a collection; all namespaces when `namespace` is nil.
    public static func watch(
        _ resource: APIResource,
        namespace: String? = nil,
        options: WatchOptions = WatchOptions()
    ) -> APIRequest {
        onCollection(.watch, "GET", resource, namespace, query: options.query)
    }

    /// Makes an object.
    public static func create(
        _ resource: APIResource,
        namespace: String?,
        body: JSONValue,
        options: WriteOptions = WriteOptions()
    ) -> APIRequest {
        var request = onCollection(.create, "POST", resource, namespace, query: options.query)
        request.setJSON(body)
        return request
    }

    /// Posts to a subresource of an existing object: `eviction`, `token`, `binding`.
    public static func createSubresource(
        _ subresource: String,
        of resource: APIResource,
        _ key: ObjectKey,
        body: JSONValue,
        options: WriteOptions = WriteOptions()
    ) -> APIRequest {
        var request = onObject(.create, "POST", resource, key, subresource, query: options.query)
        request.setJSON(body)
        return request
    }

    /// Replaces an object or one of its subresources; a resourceVersion in the body makes it conditional.
    public static func update(
        _ resource: APIResource,
        _ key: ObjectKey,
        body: JSONValue,
        subresource: String? = nil,
        options: WriteOptions = WriteOptions()
    ) -> APIRequest {
        var request = onObject(.update, "PUT", resource, key, subresource, query: options.query)
        request.setJSON(body)
        return request
    }

    /// Changes parts of an object or of one of its subresources.
    ///
    /// With ``PatchType/apply(fieldManager:force:)`` the body is the part of the object that the manager wants, with
    /// `apiVersion` and `kind`; the object is made when it is missing.
    public static func patch(
        _ resource: APIResource,
        _ key: ObjectKey,
        body: JSONValue,
        type: PatchType,
        subresource: String? = nil,
        options: WriteOptions = WriteOptions()
    ) -> APIRequest {
        var options = options
        if case .apply(let fieldManager, _) = type { options.fieldManager = fieldManager }
        var query = options.query
        // Sent only when true: that is what every server version accepts, and only for apply.
        if case .apply(_, force: true) = type { query.append(("force", "true")) }
        var request = onObject(.patch, "PATCH", resource, key, subresource, query: query)
        request.setJSON(body, contentType: type.contentType)
        return request
    }

    /// Removes one object.
    public static func delete(
        _ resource: APIResource,
        _ key: ObjectKey,
        options: DeleteOptions = DeleteOptions()
    ) -> APIRequest {
        var request = onObject(.delete, "DELETE", resource, key, nil, query: [])
        if let body = options.body { request.setJSON(body) }
        return request
    }

    /// Removes what the selectors of `list` choose.
    public static func deleteCollection(
        _ resource: APIResource,
        namespace: String?,
        list: ListOptions = ListOptions(),
        options: DeleteOptions = DeleteOptions()
    ) -> APIRequest {
        var request = onCollection(.deleteCollection, "DELETE", resource, namespace, query: list.query)
        if let body = options.body { request.setJSON(body) }
        return request
    }

    /// Anything else, such as `/version` or `/readyz`.
    ///
    /// The path is percent-encoded already, starts with a slash and has no query.
    public static func raw(
        _ path: String,
        method: String = "GET",
        query: [(String, String)] = [],
        body: [UInt8]? = nil,
        contentType: String? = nil,
        accept: String = MediaType.json
    ) -> APIRequest {
        APIRequest(
            verb: .raw,
            resource: nil,
            method: method,
            path: path,
            query: query,
            contentType: contentType ?? (body == nil ? nil : MediaType.json),
            accept: accept,
            body: body
        )
    }

    private static func onCollection(
        _ verb: APIVerb,
        _ method: String,
        _ resource: APIResource,
        _ namespace: String?,
        query: [(String, String)]
    ) -> APIRequest {
        APIRequest(
            verb: verb,
            resource: resource,
            namespace: resource.isNamespaced ? namespace : nil,
            method: method,
            path: resource.collectionPath(namespace: namespace),
            query: query
        )
    }

    private static func onObject(
        _ verb: APIVerb,
        _ method: String,
        _ resource: APIResource,
        _ key: ObjectKey,
        _ subresource: String?,
        query: [(String, String)]
    ) -> APIRequest {
        APIRequest(
            verb: verb,
            resource: resource,
            namespace: resource.isNamespaced ? key.namespace : nil,
            name: key.name,
            subresource: subresource,
            method: method,
            path: resource.path(key, subresource: subresource),
            query: query
        )
    }

    private mutating func setJSON(_ value: JSONValue, contentType: String = MediaType.json) {
        body = value.serialized()
        self.contentType = contentType
    }
}
