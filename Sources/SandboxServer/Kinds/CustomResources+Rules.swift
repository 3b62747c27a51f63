package import JSON

extension CustomResources {
    /// The finalizer that keeps a CustomResourceDefinition until its objects are gone.
    package static let finalizer = "customresourcecleanup.apiextensions.k8s.io"

    /// What CustomResourceDefinitions do beyond their own schema.
    package static let rules: KindRules = {
        var rules = KindRules()
        rules.setDefaults = setDefaults
        rules.complete = { object, old in complete(&object, old: old) }
        rules.validate = { object, old in violations(of: object, old: old) }
        return rules
    }()

    /// Fills in the names and the settings that the author left out.
    private static let setDefaults: @Sendable (inout JSONValue) -> Void = { object in
        let spec = object["spec"] ?? .null
        let names = spec["names"] ?? .null
        let kind = names.text("kind")
        if names.text("singular").isEmpty, !kind.isEmpty {
            object.set(.string(kind.lowercased()), at: ["spec", "names", "singular"])
        }
        if names.text("listKind").isEmpty, !kind.isEmpty {
            object.set(.string(kind + "List"), at: ["spec", "names", "listKind"])
        }
        if spec.present("conversion") == nil { object.set(["strategy": "None"], at: ["spec", "conversion"]) }
    }

    /// Notes the version that objects are stored in.
    private static func complete(_ object: inout JSONValue, old: JSONValue?) {
        let spec = object["spec"] ?? .null
        var stored = (old == nil ? nil : object["status"]?["storedVersions"]?.strings) ?? []
        for version in spec.list("versions") where version.flag("storage") && !stored.contains(version.text("name")) {
            stored.append(version.text("name"))
            break
        }
        guard !stored.isEmpty else { return }
        object.set(.array(stored.map { .string($0) }), at: ["status", "storedVersions"])
        if old == nil {
            // Until the names are looked at, the server has none.
            object.set(["kind": "", "plural": ""], at: ["status", "acceptedNames"])
            object.set(.null, at: ["status", "conditions"])
        }
    }

    /// What the author should know although the CustomResourceDefinition is accepted: texts of `Warning` headers.
    package static func warnings(for object: JSONValue) -> [String] {
        let spec = object["spec"] ?? .null
        var warnings: [String] = []
        let schemas = spec.list("versions").compactMap { $0["schema"]?["openAPIV3Schema"] }.map { Schema(openAPI: $0) }
        for format in schemas.flatMap(\.unknownFormats) {
            warnings.append("unrecognized format \(format.goQuoted)")
        }
        if schemas.contains(where: \.hasRules) {
            warnings.append("this server keeps the rules in x-kubernetes-validations but does not run them")
        }
        if spec["conversion"]?.text("strategy") == "Webhook" {
            warnings.append("this server does not call conversion webhooks: it changes nothing but apiVersion")
        }
        var seen: Set<String> = []
        return warnings.filter { seen.insert($0).inserted }
    }
}

extension Schema {
    /// The formats here and below that mean nothing to the server.
    fileprivate var unknownFormats: [String] {
        var formats: [String] = []
        if let format = constraints?.keywords["format"]?.stringValue, !format.isEmpty, SchemaFormat(of: self) == nil {
            formats.append(format)
        }
        for (_, property) in properties.sorted(by: { $0.key < $1.key }) { formats += property.unknownFormats }
        return formats + (items?.schema.unknownFormats ?? []) + (additional?.schema.unknownFormats ?? [])
    }
}
