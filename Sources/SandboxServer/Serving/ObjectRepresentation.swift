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
    package init(_ call: APICall) {
        let included = call.request.queryValue("includeObject").flatMap { IncludedObject(rawValue: $0) }
        self.init(call.resource, call.mediaType, included: included ?? .metadata, now: call.now)
    }

    var isTable: Bool { mediaType.shape == .table }

    /// One object.
    package func document(_ object: JSONValue) -> JSONValue {
        switch mediaType.shape {
        case .object, .aggregatedDiscovery: return object
        case .partialMetadata: return partial(object)
        case .table:
            let version = object["metadata"]?["resourceVersion"]
            return table([object], metadata: version.map { ["resourceVersion": $0] } ?? [:])
        }
    }

    /// A list; `metadata` is that of the list.
    package func list(_ objects: [JSONValue], metadata: JSONValue) -> JSONValue {
        switch mediaType.shape {
        case .table: return table(objects, metadata: metadata)
        case .partialMetadata:
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
