import HTTPTransport
import JSON
public import KubernetesCore

/// How a list was read.
public struct ListSummary: Sendable, Hashable {
    /// The list's metadata; its resourceVersion is where a watch goes on.
    public var metadata: ListMeta
    /// How many pages it took; more than one for `resourceVersion: "0"` means that the server has no watch cache for it.
    public var pages: Int
    /// How many items there were.
    public var itemCount: Int
}

extension KubernetesClient {
    /// The page size where none is asked for; client-go's.
    public static let standardPageSize = 500

    /// Reads a collection page by page; all namespaces when `namespace` is nil.
    public func list(
        _ resource: APIResource,
        namespace: String? = nil,
        options: ListOptions = ListOptions()
    ) async throws -> KubernetesList<Unstructured> {
        try await collect(resource, namespace: namespace, options: options) { bytes in
            try resource.item(bytes)
        }
    }

    /// Reads a collection item by item while it arrives, so that no more than a chunk of it is in memory.
    ///
    /// Without `options.limit` it is read in pages of 500, except at an exact or minimum version other than `0`: such a
    /// list comes from the watch cache in one piece and spares etcd. When a later page has expired (410), `restart` is
    /// called and all is read again in one piece; what was given to `body` before is to be forgotten then.
    ///
    /// - Parameters:
    ///   - resource: what to list.
    ///   - namespace: nil for all namespaces.
    ///   - options: selectors, version, page size (0 for none).
    ///   - accept: the media type; ``MediaType/metadataOnlyList`` for metadata alone.
    ///   - restart: forgets the items so far.
    ///   - body: takes the bytes of one item, which has neither `apiVersion` nor `kind` where the server leaves them out.
    /// - Returns: the metadata of the last page, and how it was read.
    /// - Throws: ``ClientError``; what `body` throws, and the reading ends there.
    @discardableResult
    public func forEachListItem(
        _ resource: APIResource,
        namespace: String? = nil,
        options: ListOptions = ListOptions(),
        accept: String = MediaType.json,
        restart: () async throws -> Void = {},
        body: ([UInt8]) async throws -> Void
    ) async throws -> ListSummary {
        var page = options
        page.limit = Self.pageSize(options)
        var summary = ListSummary(metadata: ListMeta(), pages: 0, itemCount: 0)
        while true {
            var request = APIRequest.list(resource, namespace: namespace, options: page)
            request.accept = accept
            let stream: HTTPStream
            do {
                stream = try await self.stream(request)
            } catch ClientError.api(let error) where error.isGone && summary.pages > 0 && options.continue == nil {
                page = options
                page.limit = nil
                summary = ListSummary(metadata: ListMeta(), pages: 0, itemCount: 0)
                try await restart()
                continue
            }
            summary.metadata = try await readPage(stream, of: request) { item in
                summary.itemCount += 1
                try await body(item)
            }
            summary.pages += 1
            guard let token = summary.metadata.continueToken else { return summary }
            // The token carries the version; `ListOptions` leaves it out then.
            page.continue = token
        }
    }

    /// The whole collection, each item decoded as it arrives, so that its JSON is never there as a whole.
    ///
    /// - Throws: `ClientError`; one of decoding where `decode` throws.
    package func collect<Object: Sendable>(
        _ resource: APIResource,
        namespace: String?,
        options: ListOptions,
        decode: ([UInt8]) throws -> Object
    ) async throws -> KubernetesList<Object> {
        var items: [Object] = []
        let summary = try await forEachListItem(
            resource,
            namespace: namespace,
            options: options
        ) {
            items = []
        } body: { bytes in
            do {
                items.append(try decode(bytes))
            } catch {
                let request = APIRequest.list(resource, namespace: namespace)
                throw ClientError.decoding(error, request: RequestSummary(request))
            }
        }
        return KubernetesList(metadata: summary.metadata, items: items)
    }

    private static func pageSize(_ options: ListOptions) -> Int? {
        if let limit = options.limit { return limit > 0 ? limit : nil }
        return ["", "0"].contains(options.resourceVersion ?? "") ? standardPageSize : nil
    }

    /// Reads one page and returns its metadata.
    private func readPage(
        _ stream: HTTPStream,
        of request: APIRequest,
        _ body: ([UInt8]) async throws -> Void
    ) async throws -> ListMeta {
        var splitter = JSONListSplitter()
        var chunks = stream.body.makeAsyncIterator()
        while let chunk = try await reading(request, { try await chunks.next() }) {
            for item in try await reading(request, { try splitter.append(chunk) }) { try await body(item) }
        }
        return try await reading(request) {
            // A Table, which has no items, would otherwise look like an empty collection and wipe a cache.
            try ListEnvelope(json: splitter.finish()).metadata
        }
    }

    /// Gives errors of an arriving body their context.
    func reading<Value>(_ request: APIRequest, _ operation: () async throws -> Value) async throws -> Value {
        do {
            return try await operation()
        } catch let error as CancellationError {
            throw error
        } catch let error as HTTPTransportError {
            throw ClientError.transport(error, request: RequestSummary(request))
        } catch {
            throw ClientError.decoding(error, request: RequestSummary(request))
        }
    }
}

extension APIResource {
    /// Reads an object, also an item of a list, to which servers give no type fields.
    func item(_ bytes: [UInt8]) throws -> Unstructured {
        var object = Unstructured(try JSONValue(parsing: bytes, projection: .kubernetes))
        if object.apiVersion.isEmpty { object.apiVersion = apiVersion }
        if object.kind.isEmpty { object.kind = kind }
        return object
    }
}
