internal import JSON

/// What makes a schema structural: every place has one type, and combinators only narrow values that have a schema
/// outside of them.
struct StructuralInvariants {
    /// Where in the schema a node is.
    private enum Level {
        case root, item, field

        /// What a node without a type is told.
        var missingType: String {
            switch self {
            case .root: "must not be empty at the root"
            case .item: "must not be empty for specified array items"
            case .field: "must not be empty for specified object fields"
            }
        }
    }

    private var causes: [APIFailure.Cause] = []

    /// The violations, sorted by path and text as the server sorts them.
    static func causes(of schema: JSONValue, at path: String) -> [APIFailure.Cause] {
        var review = StructuralInvariants()
        review.check(schema, .root, path)
        review.checkCompleteness(of: schema, against: schema, path, path)
        return review.causes.sorted {
            "\($0.field): \($0.message)".utf8.lexicographicallyPrecedes("\($1.field): \($1.message)".utf8)
        }
    }

    private mutating func check(_ schema: JSONValue, _ level: Level, _ path: String) {
        let type = schema.text("type")
        if type == "array", schema.present("items") == nil {
            causes.append(.required("\(path).items", "must be specified"))
        }
        if let items = schema.present("items") { check(items, .item, "\(path).items") }
        for (name, property) in schema.members("properties") {
            check(property, .field, "\(path).properties[\(name)]")
        }
        checkAdditional(schema, level, path)
        checkExtensions(schema, path)
        checkCombinators(schema, skippingTypes: true, path)
        checkType(schema, type, level, path)
        checkTypeMembers(schema, level, path)
        if schema.flag("x-kubernetes-embedded-resource"), !schema.flag("x-kubernetes-preserve-unknown-fields"),
            schema.members("properties").isEmpty
        {
            let detail =
                "must not be empty if x-kubernetes-embedded-resource is true without"
                + " x-kubernetes-preserve-unknown-fields"
            causes.append(.required("\(path).properties", detail))
        }
    }

    private mutating func checkAdditional(_ schema: JSONValue, _ level: Level, _ path: String) {
        guard let additional = schema.present("additionalProperties") else { return }
        if level == .root {
            causes.append(.forbidden("\(path).additionalProperties", "must not be used at the root"))
        }
        if additional.objectValue != nil { check(additional, .field, "\(path).additionalProperties") }
        if schema.flag("x-kubernetes-embedded-resource") {
            let detail = "must not be used if x-kubernetes-embedded-resource is set"
            causes.append(.forbidden("\(path).additionalProperties", detail))
        }
    }

    private mutating func checkExtensions(_ schema: JSONValue, _ path: String) {
        guard schema.flag("x-kubernetes-int-or-string") else { return }
        for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] where schema.flag(name) {
            causes.append(.invalid("\(path).\(name)", true, "must be false if x-kubernetes-int-or-string is true"))
        }
    }

    private mutating func checkType(_ schema: JSONValue, _ type: String, _ level: Level, _ path: String) {
        let place = "\(path).type"
        if schema.flag("x-kubernetes-embedded-resource"), type != "object" {
            let detail = "must be object if x-kubernetes-embedded-resource is true"
            causes.append(type.isEmpty ? .required(place, detail) : .invalid(place, .string(type), detail))
        } else if type.isEmpty, !schema.flag("x-kubernetes-int-or-string"),
            !schema.flag("x-kubernetes-preserve-unknown-fields")
        {
            causes.append(.required(place, level.missingType))
        }
        if level == .root, !type.isEmpty, type != "object" {
            causes.append(.invalid(place, .string(type), "must be object at the root"))
        }
    }

    /// `apiVersion`, `kind` and `metadata` of whole objects say hardly more than their type.
    private mutating func checkTypeMembers(_ schema: JSONValue, _ level: Level, _ path: String) {
        guard level == .root || schema.flag("x-kubernetes-embedded-resource") else { return }
        for name in ["kind", "apiVersion"] {
            guard let member = schema["properties"]?[name], member.text("type") != "string" else { continue }
            let place = "\(path).properties[\(name)].type"
            causes.append(.invalid(place, .string(member.text("type")), "must be string"))
        }
        guard let metadata = schema["properties"]?["metadata"] else { return }
        let place = "\(path).properties[metadata]"
        if metadata.text("type") != "object" {
            causes.append(.invalid("\(place).type", .string(metadata.text("type")), "must be object"))
        }
        guard level == .root, saysMoreThanNames(metadata) else { return }
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        causes.append(.forbidden(place, detail))
    }

    private func saysMoreThanNames(_ metadata: JSONValue) -> Bool {
        metadata.objectValue?.contains { key, value in
            switch key {
            case "type", "default": false
            case "properties":
                value.objectValue?.contains { $0.key != "name" && $0.key != "generateName" } ?? false
            default: !value.isNull
            }
        } ?? false
    }

    // MARK: - Combinators

    /// The rules that combine schemas; `anyOf` with the types integer and string may stand where the server puts it for
    /// `x-kubernetes-int-or-string`.
    private mutating func checkCombinators(_ schema: JSONValue, skippingTypes: Bool, _ path: String) {
        let any = schema.list("anyOf")
        if !skippingTypes || !isIntOrString(any) {
            for (index, nested) in any.enumerated() { checkNested(nested, "\(path).anyOf[\(index)]") }
        }
        for (index, nested) in schema.list("allOf").enumerated() {
            let place = "\(path).allOf[\(index)]"
            checkNested(nested, place, skippingTypes: skippingTypes && index == 0)
        }
        for (index, nested) in schema.list("oneOf").enumerated() { checkNested(nested, "\(path).oneOf[\(index)]") }
        if let nested = schema.present("not") { checkNested(nested, "\(path).not") }
        checkPattern(schema.text("pattern"), path)
    }

    private func isIntOrString(_ alternatives: [JSONValue]) -> Bool {
        alternatives == [["type": "integer"], ["type": "string"]]
    }

    private mutating func checkPattern(_ pattern: String, _ path: String) {
        guard !pattern.isEmpty, case .failure(let problem) = PatternCache.shared.pattern(pattern) else { return }
        let detail = "must be a valid regular expression, but isn't: \(problem)"
        causes.append(.invalid("\(path).pattern", .string(pattern), detail))
    }

    private mutating func checkNested(_ schema: JSONValue, _ path: String, skippingTypes: Bool = false) {
        checkCombinators(schema, skippingTypes: skippingTypes, path)
        if let items = schema.present("items") { checkNested(items, "\(path).items") }
        for (name, property) in schema.members("properties") { checkNested(property, "\(path).properties[\(name)]") }
        for rule in Self.nestedRules where rule.isBroken(by: schema) {
            causes.append(.forbidden("\(path).\(rule.keyword)", "must be \(rule.demand) to be structural"))
        }
        if schema["properties"]?["metadata"] != nil {
            causes.append(.forbidden("\(path).properties[metadata]", "must not be specified in a nested context"))
        }
    }

    /// A keyword that belongs outside of combinators.
    private struct NestedRule {
        let keyword: String
        let demand: String

        func isBroken(by schema: JSONValue) -> Bool {
            switch schema[keyword] {
            case nil, .null: false
            case .bool(false): keyword == "default"
            case .string(let text): !text.isEmpty || demand == "undefined"
            case .array(let elements): !elements.isEmpty || demand == "undefined"
            default: true
            }
        }
    }

    private static let nestedRules = [
        NestedRule(keyword: "type", demand: "empty"),
        NestedRule(keyword: "additionalProperties", demand: "undefined"),
        NestedRule(keyword: "default", demand: "undefined"),
        NestedRule(keyword: "title", demand: "empty"),
        NestedRule(keyword: "description", demand: "empty"),
        NestedRule(keyword: "nullable", demand: "false"),
        NestedRule(keyword: "x-kubernetes-preserve-unknown-fields", demand: "false"),
        NestedRule(keyword: "x-kubernetes-embedded-resource", demand: "false"),
        NestedRule(keyword: "x-kubernetes-int-or-string", demand: "false"),
        NestedRule(keyword: "x-kubernetes-list-map-keys", demand: "empty"),
        NestedRule(keyword: "x-kubernetes-list-type", demand: "undefined"),
        NestedRule(keyword: "x-kubernetes-map-type", demand: "undefined"),
        NestedRule(keyword: "x-kubernetes-validations", demand: "empty"),
    ]

    // MARK: - Completeness

    /// What combinators speak of has to have a schema outside of them: `outer` at `place`.
    private mutating func checkCompleteness(
        of schema: JSONValue,
        against outer: JSONValue,
        _ place: String,
        _ path: String
    ) {
        var nested = ["allOf", "anyOf", "oneOf"].flatMap { keyword in
            schema.list(keyword).enumerated().map { ($0.element, "\(path).\(keyword)[\($0.offset)]") }
        }
        if let not = schema.present("not") { nested.append((not, "\(path).not")) }
        for (inner, path) in nested { checkPresence(of: inner, in: outer, place, path) }
    }

    private mutating func checkPresence(of inner: JSONValue, in outer: JSONValue?, _ place: String, _ path: String) {
        guard let outer else {
            causes.append(.required(place, "because it is defined in \(path)"))
            return
        }
        checkCompleteness(of: inner, against: outer, place, path)
        if let items = inner.present("items") {
            checkPresence(of: items, in: outer.present("items"), "\(place).items", "\(path).items")
        }
        for (name, property) in inner.members("properties") {
            let member = "properties[\(name)]"
            checkPresence(of: property, in: outer["properties"]?[name], "\(place).\(member)", "\(path).\(member)")
        }
    }
}
