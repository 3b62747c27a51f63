package import JSON

/// CustomResourceDefinitions: what they define, and what the server says about them.
///
/// ```swift
/// let definition = try CustomResources.definition(of: crd)
/// ```
package enum CustomResources {
    /// Where CustomResourceDefinitions are stored.
    package static let id = ResourceID(group: "apiextensions.k8s.io", plural: "customresourcedefinitions")

    /// What the server serves for a CustomResourceDefinition that has been validated and accepted.
    ///
    /// The names are those of `spec.names` with the server's defaults; the versions are the served ones, in the order
    /// of preference.
    ///
    /// - Throws: ``APIFailure`` 422 when the object defines nothing that can be served.
    package static func definition(of object: JSONValue) throws(APIFailure) -> ResourceDefinition {
        let spec = object["spec"] ?? .null
        let names = spec["names"] ?? .null
        guard let group = spec["group"]?.stringValue, let plural = names["plural"]?.stringValue,
            let kind = names["kind"]?.stringValue, let versions = spec["versions"]?.arrayValue,
            let storage = versions.first(where: { $0["storage"]?.boolValue == true })?["name"]?.stringValue
        else { throw incomplete(object) }
        let served = versions.filter { $0["served"]?.boolValue == true }.compactMap { version(of: $0, in: spec) }
        var definition = ResourceDefinition(
            id: ResourceID(group: group, plural: plural),
            singular: names["singular"]?.stringValue ?? kind.lowercased(),
            kind: kind,
            isNamespaced: spec["scope"]?.stringValue == "Namespaced",
            versions: served.sorted { APIVersionOrder.precedes($0.name, $1.name) },
            storageVersion: storage
        )
        definition.listKind = names["listKind"]?.stringValue ?? kind + "List"
        definition.shortNames = names["shortNames"]?.strings ?? []
        definition.categories = names["categories"]?.strings ?? []
        definition.isCustom = true
        definition.storageSchema = versions.first { $0.text("name") == storage }.map { schema(of: $0, in: spec) }
        definition.hasChanged = (object["metadata"]?["generation"]?.intValue ?? 1) > 1
        definition.isTerminating = isTrue("Terminating", of: object)
        return definition
    }

    private static func incomplete(_ object: JSONValue) -> APIFailure {
        let name = object["metadata"]?["name"]?.stringValue ?? ""
        let message = "CustomResourceDefinition.apiextensions.k8s.io \(name.goQuoted) is invalid"
        return APIFailure(code: 422, reason: "Invalid", message: message)
    }

    /// The schema of whole objects of a version.
    private static func schema(of document: JSONValue, in spec: JSONValue) -> Schema {
        var schema = Schema(openAPI: document["schema"]?["openAPIV3Schema"] ?? ["type": "object"])
        if spec["preserveUnknownFields"]?.boolValue == true { schema.preservesUnknownFields = true }
        schema.completeObject()
        return schema
    }

    private static func version(of document: JSONValue, in spec: JSONValue) -> ResourceDefinition.Version? {
        guard let name = document["name"]?.stringValue else { return nil }
        var version = ResourceDefinition.Version(name: name, schema: schema(of: document, in: spec))
        version.hasStatus = document["subresources"]?["status"] != nil
        version.scale = document["subresources"]?["scale"].flatMap(scale)
        version.columns = columns(document["additionalPrinterColumns"]?.arrayValue)
        version.selectableFields = (document["selectableFields"]?.arrayValue ?? [])
            .compactMap { $0["jsonPath"]?.stringValue.map(simplePath) }
        if document["deprecated"]?.boolValue == true {
            let text = document["deprecationWarning"]?.stringValue
            version.deprecationWarning = text ?? deprecationWarning(of: name, in: spec)
        }
        return version
    }

    /// Names the best of the newer versions, when one is served that is not deprecated itself.
    private static func deprecationWarning(of version: String, in spec: JSONValue) -> String {
        let kind = spec["names"]?.text("kind") ?? ""
        let versions = spec.list("versions").filter { $0.flag("served") && !$0.flag("deprecated") }
            .map { $0.text("name") }.filter { APIVersionOrder.precedes($0, version) }
        let successor = versions.min { APIVersionOrder.precedes($0, $1) }
        let text = "\(spec.text("group"))/\(version) \(kind) is deprecated"
        return text + (successor.map { "; use \(spec.text("group"))/\($0) \(kind)" } ?? "")
    }

    private static func scale(_ document: JSONValue) -> ResourceDefinition.ScalePaths? {
        guard let specReplicas = document["specReplicasPath"]?.stringValue,
            let statusReplicas = document["statusReplicasPath"]?.stringValue
        else { return nil }
        return ResourceDefinition.ScalePaths(
            specReplicas: simplePath(specReplicas),
            statusReplicas: simplePath(statusReplicas),
            selector: document["labelSelectorPath"]?.stringValue.map(simplePath)
        )
    }

    /// The names of a path as `.spec.replicas`.
    static func simplePath(_ path: String) -> [String] {
        path.split(separator: ".").map(String.init)
    }

    /// The columns of a version: `Name`, then those that it lists, or else `Age`.
    private static func columns(_ documents: [JSONValue]?) -> [ResourceDefinition.PrinterColumn] {
        let name = ResourceDefinition.PrinterColumn(
            name: "Name",
            type: "string",
            format: "name",
            description: "Name must be unique within a namespace. Is required when creating resources, although some"
                + " resources may allow a client to request the generation of an appropriate name automatically. Name"
                + " is primarily intended for creation idempotence and configuration definition. Cannot be updated."
                + " More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
            priority: 0,
            cell: .path(".metadata.name")
        )
        guard let documents, !documents.isEmpty else { return [name, age] }
        return [name] + documents.map(column)
    }

    private static var age: ResourceDefinition.PrinterColumn {
        ResourceDefinition.PrinterColumn(
            name: "Age",
            type: "date",
            format: "",
            description: "CreationTimestamp is a timestamp representing the server time when this object was created."
                + " It is not guaranteed to be set in happens-before order across separate operations. Clients may not"
                + " set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system."
                + " Read-only. Null for lists. More info:"
                + " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
            priority: 0,
            cell: .path(".metadata.creationTimestamp")
        )
    }

    private static func column(_ document: JSONValue) -> ResourceDefinition.PrinterColumn {
        let path = document["jsonPath"]?.stringValue ?? ""
        return .column(
            document.text("name"),
            type: document.text("type"),
            format: document.text("format"),
            description: document["description"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
                ?? "Custom resource definition column (in JSONPath format): \(path)",
            priority: Int(clamping: document["priority"]?.intValue ?? 0),
            path: path
        )
    }
}

extension Schema {
    /// Adds what every object has.
    fileprivate mutating func completeObject() {
        kind = .object
        for name in ["apiVersion", "kind"] where properties[name] == nil { properties[name] = Schema(.string) }
        var meta = Schema.objectMeta
        for name in ["name", "generateName"] {
            guard let stated = properties["metadata"]?.properties[name]?.constraints else { continue }
            meta.properties[name]?.constraints = stated
        }
        properties["metadata"] = meta
    }
}
