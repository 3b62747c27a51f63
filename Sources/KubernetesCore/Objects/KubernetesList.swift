public import JSON

/// The metadata of a list (meta/v1 ListMeta).
public struct ListMeta: Codable, Sendable, Hashable {
    /// The version of the whole collection: where a watch goes on.
    public var resourceVersion: String?
    /// The token for the next page; nil or empty on the last one.
    public var `continue`: String?
    /// How many items follow on later pages; the server gives it only without selectors.
    public var remainingItemCount: Int64?

    /// Makes list metadata.
    public init(resourceVersion: String? = nil, continue token: String? = nil, remainingItemCount: Int64? = nil) {
        self.resourceVersion = resourceVersion
        self.continue = token
        self.remainingItemCount = remainingItemCount
    }

    /// The token for the next page; nil on the last one, also when the server sent an empty string.
    public var continueToken: String? { self.continue.flatMap { $0.isEmpty ? nil : $0 } }
}

/// A page of objects, or all of them.
public struct KubernetesList<Item: Sendable>: Sendable {
    /// Version and paging.
    public var metadata: ListMeta
    /// The objects of this page.
    public var items: [Item]

    /// Makes a list.
    public init(metadata: ListMeta, items: [Item]) {
        self.metadata = metadata
        self.items = items
    }
}

extension KubernetesList where Item == Unstructured {
    /// Reads a list; items take `apiVersion` and `kind` from it, since servers leave them out of the items.
    ///
    /// - Throws: ``ObjectFormatError`` for anything that is not a list of objects, a `Table` among them.
    public init(json list: JSONValue) throws {
        let envelope = try ListEnvelope(json: list)
        let items = list["items"] ?? .null
        guard let values = items.arrayValue ?? (items.isNull ? [] : nil) else {
            throw ObjectFormatError("\(envelope.kind): items is not an array")
        }
        self.init(metadata: envelope.metadata, items: values.map(envelope.complete))
    }
}

/// What surrounds the items of a list; for reading the items one by one while they stream in.
public struct ListEnvelope: Sendable, Hashable {
    /// The kind of the list, such as `PodList`.
    public var kind: String
    /// The `apiVersion` of list and items.
    public var apiVersion: String
    /// Version and paging.
    public var metadata: ListMeta

    /// Reads the fields around `items`.
    ///
    /// - Throws: ``ObjectFormatError`` when it is no list; `DecodingError` when its metadata is malformed.
    public init(json list: JSONValue) throws {
        guard let kind = list["kind"]?.stringValue, kind.hasSuffix("List") else {
            // A Table (k/k#132926) or a Status would otherwise look like an empty collection and wipe a cache.
            throw ObjectFormatError("expected a list, got kind \(list["kind"]?.stringValue ?? "none")")
        }
        self.kind = kind
        apiVersion = list["apiVersion"]?.stringValue ?? ""
        metadata = try (list["metadata"] ?? .object([:])).decode(ListMeta.self)
    }

    /// Wraps an item and gives it the type fields that lists leave out.
    public func complete(_ item: JSONValue) -> Unstructured {
        var object = Unstructured(item)
        if object.apiVersion.isEmpty { object.apiVersion = apiVersion }
        // "List" itself is a mixed list (kubectl's): its items carry their own kinds.
        if object.kind.isEmpty, kind != "List" { object.kind = String(kind.dropLast(4)) }
        return object
    }
}

/// A JSON value that is not the Kubernetes object it should be.
public struct ObjectFormatError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was expected and what was found.
    public let message: String

    /// Makes an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
