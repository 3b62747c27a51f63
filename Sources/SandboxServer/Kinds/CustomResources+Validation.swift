internal import JSON

extension CustomResources {
    /// What is wrong with a CustomResourceDefinition, in the words of the API server; `old` is nil when it is created.
    ///
    /// Its metadata is not looked at, save that its name has to be made of the plural and the group.
    static func violations(of object: JSONValue, old: JSONValue?) -> [APIFailure.Cause] {
        let spec = object["spec"] ?? .null
        var review = DefinitionReview(spec: spec)
        let name = object["metadata"]?["name"]?.stringValue ?? ""
        if old == nil, name != "\(spec["names"]?.text("plural") ?? "").\(spec.text("group"))" {
            let detail = "must be spec.names.plural+\".\"+spec.group"
            review.causes.append(.invalid("metadata.name", .string(name), detail))
        }
        review.checkSpec()
        if let old { review.checkUpdate(of: old) }
        review.checkStoredVersions(object["status"]?["storedVersions"] ?? .null)
        review.checkApproval(object["metadata"]?["annotations"], old)
        if spec.flag("preserveUnknownFields"), old?["spec"]?.flag("preserveUnknownFields") != true {
            let detail =
                "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema"
                + " instead"
            review.causes.append(.invalid("spec.preserveUnknownFields", true, detail))
        }
        return review.causes
    }
}

/// The rules for the `spec` of a CustomResourceDefinition.
///
/// What all versions have in common the server moves from the versions to the top, and so do the paths of its messages.
struct DefinitionReview {
    let spec: JSONValue
    let versions: [JSONValue]
    var causes: [APIFailure.Cause] = []

    init(spec: JSONValue) {
        self.spec = spec
        versions = spec.list("versions")
    }

    mutating func checkSpec() {
        checkGroup(spec.text("group"))
        checkChoice(spec.text("scope"), of: ["Cluster", "Namespaced"], "spec.scope")
        for (index, version) in versions.enumerated()
        where version["schema"]?.present("openAPIV3Schema") == nil {
            causes.append(.required("spec.versions[\(index)].schema.openAPIV3Schema"))
        }
        for (index, version) in versions.enumerated() { check(version, "spec.versions[\(index)]") }
        checkVersionNames()
        let names = spec["names"] ?? .null
        for name in ["plural", "singular", "kind", "listKind"] where names.text(name).isEmpty {
            causes.append(.required("spec.names.\(name)"))
        }
        checkNames(names, "spec.names")
        checkShared()
        checkConversion(spec["conversion"] ?? .null)
    }

    private mutating func checkGroup(_ group: String) {
        if group.isEmpty {
            causes.append(.required("spec.group"))
            return
        }
        let problems = ObjectNames.subdomain(group)
        if !problems.isEmpty {
            causes.append(.invalid("spec.group", .string(group), problems.joined(separator: ",")))
        } else if !group.contains(".") {
            causes.append(.invalid("spec.group", .string(group), "should be a domain with at least one dot"))
        }
    }

    private mutating func checkChoice(_ value: String, of choices: [String], _ path: String) {
        if value.isEmpty {
            causes.append(.required(path))
        } else if !choices.contains(value) {
            causes.append(.notSupported(path, .string(value), choices))
        }
    }

    private mutating func checkVersionNames() {
        let names = versions.map { $0.text("name") }
        if Set(names).count != names.count {
            causes.append(.invalid("spec.versions", .array(versions), "must contain unique version names"))
        }
        if versions.count(where: { $0.flag("storage") }) != 1 {
            let detail = "must have exactly one version marked as storage version"
            causes.append(.invalid("spec.versions", .array(versions), detail))
        }
        guard let first = names.first else { return }
        checkLabel(first, "spec.version")
    }

    /// The rules for a name that is a DNS label once it is in lower case.
    private mutating func checkLabel(_ value: String, isMixedCase: Bool = false, _ path: String) {
        let problems = ObjectNames.violations(isMixedCase ? value.lowercased() : value, .strictLabel)
        guard !problems.isEmpty else { return }
        let prefix = isMixedCase ? "may have mixed case, but should otherwise match: " : ""
        causes.append(.invalid(path, .string(value), prefix + problems.joined(separator: ",")))
    }

    private mutating func checkNames(_ names: JSONValue, _ path: String) {
        for name in ["plural", "singular"] where !names.text(name).isEmpty {
            checkLabel(names.text(name), "\(path).\(name)")
        }
        for name in ["kind", "listKind"] where !names.text(name).isEmpty {
            checkLabel(names.text(name), isMixedCase: true, "\(path).\(name)")
        }
        for (index, name) in (names["shortNames"]?.strings ?? []).enumerated() {
            checkLabel(name, "\(path).shortNames[\(index)]")
        }
        if !names.text("kind").isEmpty, names.text("kind") == names.text("listKind") {
            let detail = "kind and listKind may not be the same"
            causes.append(.invalid("\(path).listKind", .string(names.text("listKind")), detail))
        }
        for (index, name) in (names["categories"]?.strings ?? []).enumerated() {
            checkLabel(name, "\(path).categories[\(index)]")
        }
    }

    /// What is the same in all versions, or nil.
    private func shared(_ key: String) -> JSONValue? {
        guard let first = versions.first?[key], versions.allSatisfy({ $0[key] == first }) else { return nil }
        return first
    }

    private mutating func check(_ version: JSONValue, _ path: String) {
        checkLabel(version.text("name"), "\(path).name")
        checkDeprecation(version, path)
        if shared("schema") == nil, let schema = version["schema"]?.present("openAPIV3Schema") {
            checkSchema(schema, hasStatus: version["subresources"]?.present("status") != nil, "\(path).schema")
        }
        if shared("subresources") == nil { checkSubresources(version["subresources"], "\(path).subresources") }
        if shared("additionalPrinterColumns") == nil {
            checkColumns(version.list("additionalPrinterColumns"), "\(path).additionalPrinterColumns")
        }
        if shared("selectableFields") == nil {
            let schema = version["schema"]?["openAPIV3Schema"] ?? .null
            checkSelectable(version.list("selectableFields"), schema, "\(path).selectableFields")
        }
    }

    private mutating func checkShared() {
        if let schema = shared("schema")?.present("openAPIV3Schema") {
            let hasStatus = versions.contains { $0["subresources"]?.present("status") != nil }
            checkSchema(schema, hasStatus: hasStatus, "spec.validation")
        }
        checkSubresources(shared("subresources"), "spec.subresources")
        checkColumns(shared("additionalPrinterColumns")?.arrayValue ?? [], "spec.additionalPrinterColumns")
        guard let fields = shared("selectableFields")?.arrayValue else { return }
        checkSelectable(fields, versions.first?["schema"]?["openAPIV3Schema"] ?? .null, "spec.selectableFields")
    }

    private mutating func checkDeprecation(_ version: JSONValue, _ path: String) {
        guard let text = version["deprecationWarning"]?.stringValue else { return }
        let isDeprecated = version.flag("deprecated")
        let problem: String? =
            if !isDeprecated {
                "can only be set for deprecated versions"
            } else if text.isEmpty {
                "must not be an empty string"
            } else if text.utf8.count > 256 {
                "must be <= 256 characters long"
            } else {
                nil
            }
        if let problem { causes.append(.invalid("\(path).deprecationWarning", .string(text), problem)) }
    }

    private mutating func checkConversion(_ conversion: JSONValue) {
        let strategy = conversion.text("strategy")
        checkChoice(strategy, of: ["None", "Webhook"], "spec.conversion.strategy")
        let webhook = conversion.present("webhook")
        guard strategy == "Webhook" else {
            guard let webhook else { return }
            let detail = "should not be set when strategy is not set to Webhook"
            if webhook.present("clientConfig") != nil {
                causes.append(.forbidden("spec.conversion.webhookClientConfig", detail))
            }
            if !webhook.list("conversionReviewVersions").isEmpty {
                causes.append(.forbidden("spec.conversion.conversionReviewVersions", detail))
            }
            return
        }
        if webhook?.present("clientConfig") == nil {
            let detail = "required when strategy is set to Webhook"
            causes.append(.required("spec.conversion.webhookClientConfig", detail))
        }
        if webhook?.list("conversionReviewVersions").isEmpty ?? true {
            causes.append(.required("spec.conversion.conversionReviewVersions"))
        }
    }
}
