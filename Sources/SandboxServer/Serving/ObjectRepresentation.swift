package import FoundationEssentials
internal import HTTPServer
package import JSON

/// Shows objects in the shape that the client asked for: whole, as rows of a table, or their metadata only.
package struct ObjectRepresentation: Sendable {
    /// What rows of a table have beside their cells.
    package enum IncludedObject: String, Sendable, Hashable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    private let resource: ServedResource
    private let mediaType: MediaType
    private let included: IncludedObject
    private let now: Date

    /// Makes a representation.
    package init(_ resource: ServedResource, _ mediaType: MediaType, included: IncludedObject, now: Date) {
        self.resource = resource
        self.mediaType = mediaType
        self.included = included
        self.now = now
    }

    /// The representation that a request asks for.
    ///
    /// - Throws: ``APIFailure`` 400 when it asks for rows with something that there is not.
    package init(_ call: APICall) throws(APIFailure) {
        self.init(call.resource, call.mediaType, included: try IncludedObject(call), now: call.now)
    }

    /// One object.
    ///
    /// - Throws: ``APIFailure`` 406 when the client wants a list.
    package func document(_ object: JSONValue) throws(APIFailure) -> JSONValue {
        switch mediaType.shape {
        case .object, .aggregatedDiscovery: return object
        case .partialMetadata: return partial(object)
        case .partialMetadataList:
            throw .notAcceptable(
                "you requested PartialObjectMetadataList, but the requested object is not a list "
                    + "(\(resource.goType(of: resource.definition.kind)))"
            )
        case .table:
            let version = object["metadata"]?["resourceVersion"]
            return table([object], metadata: version.map { ["resourceVersion": $0] } ?? [:])
        }
    }

    /// A list; `metadata` is that of the list.
    ///
    /// - Throws: ``APIFailure`` 406 when the client wants a single object.
    package func list(_ objects: [JSONValue], metadata: JSONValue) throws(APIFailure) -> JSONValue {
        switch mediaType.shape {
        case .table: return table(objects, metadata: metadata)
        case .partialMetadata:
            throw .notAcceptable(
                "you requested PartialObjectMetadata, but the requested object is a list "
                    + "(\(resource.goType(of: resource.definition.listKind)))"
            )
        case .partialMetadataList:
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": .string(mediaType.metaAPIVersion),
                "metadata": metadata, "items": .array(objects.map(partial)),
            ]
        case .object, .aggregatedDiscovery:
            return [
                "kind": .string(resource.definition.listKind), "apiVersion": .string(resource.apiVersion),
                "metadata": metadata, "items": .array(objects),
            ]
        }
    }

    /// The object of one event of a watch; only the first table of a watch describes the columns.
    package func event(_ object: JSONValue, isFirst: Bool) -> JSONValue {
        switch mediaType.shape {
        case .object, .aggregatedDiscovery: return object
        case .partialMetadata, .partialMetadataList: return partial(object)
        case .table:
            let version = object["metadata"]?["resourceVersion"]
            let metadata: JSONValue = version.map { ["resourceVersion": $0] } ?? [:]
            let isBookmark = (object["metadata"]?["name"]?.stringValue ?? "").isEmpty
            return table(isBookmark ? [] : [object], metadata: metadata, hasColumns: isFirst)
        }
    }

    private func partial(_ object: JSONValue) -> JSONValue {
        [
            "kind": "PartialObjectMetadata",
            "apiVersion": .string(
                mediaType.metaAPIVersion.hasSuffix("/") ? "meta.k8s.io/v1" : mediaType.metaAPIVersion
            ),
            "metadata": object["metadata"] ?? [:],
        ]
    }

    /// A table with one row for each object.
    package func table(_ objects: [JSONValue], metadata: JSONValue, hasColumns: Bool = true) -> JSONValue {
        let columns = resource.version.columns
        let definitions = columns.map { column -> JSONValue in
            [
                "name": .string(column.name), "type": .string(column.type), "format": .string(column.format),
                "description": .string(column.description), "priority": .number(column.priority),
            ]
        }
        return [
            "kind": "Table", "apiVersion": .string(mediaType.metaAPIVersion), "metadata": metadata,
            "columnDefinitions": hasColumns ? .array(definitions) : .null,
            "rows": .array(objects.map { row($0, columns) }),
        ]
    }

    private func row(_ object: JSONValue, _ columns: [ResourceDefinition.PrinterColumn]) -> JSONValue {
        var row: JSONValue = ["cells": .array(columns.map { $0.value(of: object, now: now) })]
        switch included {
        case .none: row["object"] = .null
        case .metadata: row["object"] = partial(object)
        case .object: row["object"] = object
        }
        return row
    }
}

extension ObjectRepresentation.IncludedObject {
    /// What the query asks for: by default the metadata.
    ///
    /// - Throws: ``APIFailure`` 400 for other words; only tables look at it.
    package init(_ call: APICall) throws(APIFailure) {
        let text = call.request.queryValue("includeObject") ?? ""
        guard call.mediaType.shape == .table, !text.isEmpty else {
            self = .metadata
            return
        }
        guard let known = Self(rawValue: text) else {
            throw .badRequest(
                "Unable to convert to Table as requested: includeObject: Invalid value: \(text.goQuoted): "
                    + "must be 'Metadata', 'Object', 'None', or empty"
            )
        }
        self = known
    }
}

extension ServedResource {
    /// The Go type of objects of a kind of this resource, as messages name it.
    fileprivate func goType(of kind: String) -> String {
        guard definition.isCustom else { return "*\(goPackage).\(kind)" }
        return "*unstructured.Unstructured" + (kind == definition.listKind ? "List" : "")
    }

    /// The Go package of the kind's internal form.
    var goPackage: String { storage.group.split(separator: ".").first.map(String.init) ?? "core" }
}
