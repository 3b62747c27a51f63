import FoundationEssentials
import JSON
import YAML

@testable import RecoveryAPI

/// The YAML files of the project that belong to this module.
enum ProjectFiles {
    /// The root of the package, found from this file.
    static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// Names of the YAML files of a folder, sorted; folders within it are left out.
    static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").filter { $0.hasSuffix(".yaml") }
            .sorted()
    }

    /// The documents of one file.
    static func documents(_ path: String) throws -> [JSONValue] {
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: "\(root)/\(path)")))
        return try YAMLDocument.parseAll(bytes, source: path)
    }

    /// The documents of all files of a folder.
    static func allDocuments(in folder: String) throws -> [JSONValue] {
        try names(in: folder).flatMap { try documents("\(folder)/\($0)") }
    }

    /// Every CRD by kind.
    static func customResources() throws -> [String: CustomResource] {
        let all = try allDocuments(in: "crds").map(CustomResource.init)
        return Dictionary(uniqueKeysWithValues: all.map { ($0.kind, $0) })
    }
}

/// One CRD, with its schema laid out by path.
struct CustomResource {
    let document: JSONValue
    let kind: String
    /// Every schema of the tree by path: `[]` for array items, `*` for map values.
    let schemas: [String: JSONValue]
    /// Paths of the fields that need not be there.
    let optionals: Set<String>

    init(_ document: JSONValue) {
        self.document = document
        kind = document.value(at: ["spec", "names", "kind"])?.stringValue ?? ""
        var layout = Layout()
        layout.visit(document["spec"]?["versions"]?[index: 0]?["schema"]?["openAPIV3Schema"] ?? .null, "")
        schemas = layout.schemas
        optionals = layout.optionals
    }

    /// The only version.
    var version: JSONValue { document["spec"]?["versions"]?[index: 0] ?? .null }

    /// The schemas below `spec`.
    var specSchemas: [String: JSONValue] { schemas.filter { $0.key.hasPrefix("spec.") } }

    private struct Layout {
        var schemas: [String: JSONValue] = [:]
        var optionals: Set<String> = []

        mutating func visit(_ schema: JSONValue, _ path: String) {
            schemas[path] = schema
            let required = (schema["required"]?.arrayValue ?? []).compactMap(\.stringValue)
            for (name, property) in schema["properties"]?.objectValue ?? [:] {
                let child = path.isEmpty ? name : "\(path).\(name)"
                if !required.contains(name) { optionals.insert(child) }
                visit(property, child)
            }
            if let items = schema["items"] { visit(items, "\(path)[]") }
            if let values = schema["additionalProperties"] { visit(values, "\(path).*") }
        }
    }
}

extension CustomResource {
    /// The shape of each field, to be compared with what `SchemaProbe` finds.
    var fields: [String: FieldShape] {
        var fields: [String: FieldShape] = [:]
        for (path, schema) in schemas where !["", "apiVersion", "kind", "metadata"].contains(path) {
            let words = schema["enum"]?.arrayValue?.compactMap(\.stringValue).sorted()
            fields[path] = FieldShape(
                kind: Self.kind(of: schema),
                isOptional: optionals.contains(path),
                words: words
            )
        }
        return fields
    }

    private static func kind(of schema: JSONValue) -> String {
        if schema["x-kubernetes-int-or-string"]?.boolValue == true { return "int-or-string" }
        if schema["x-kubernetes-preserve-unknown-fields"]?.boolValue == true { return "free" }
        if schema["additionalProperties"] != nil { return "map" }
        if let format = schema["format"]?.stringValue, format == "date-time" { return format }
        return schema["type"]?.stringValue ?? "nothing"
    }
}
