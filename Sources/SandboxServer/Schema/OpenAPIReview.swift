internal import JSON

/// The rules for schemas of CustomResourceDefinitions beside structure: what is supported, and how lists and maps are
/// described.
struct OpenAPIReview {
    /// What the places around a node forbid.
    private struct Context {
        /// Why defaults are not allowed; nil where they are.
        var defaultsForbidden: String?
        /// Whether the node describes `metadata`, `apiVersion` or `kind`.
        var isInsideMeta = false
    }

    private var causes: [APIFailure.Cause] = []

    /// The violations.
    static func causes(of schema: JSONValue, at path: String) -> [APIFailure.Cause] {
        var review = OpenAPIReview()
        review.check(schema, Context(), isRoot: true, path)
        return review.causes
    }

    private mutating func check(_ schema: JSONValue, _ context: Context, isRoot: Bool = false, _ path: String) {
        checkSupport(schema, context, path)
        if schema.flag("uniqueItems") {
            let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            causes.append(.forbidden("\(path).uniqueItems", detail))
        }
        checkAdditional(schema, context, path)
        checkProperties(schema, context, isRoot: isRoot, path)
        if let not = schema.present("not") { check(not, context, "\(path).not") }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            for (index, nested) in schema.list(keyword).enumerated() {
                check(nested, context, "\(path).\(keyword)[\(index)]")
            }
        }
        if let items = schema["items"], items.objectValue != nil { check(items, context, "\(path).items") }
        if schema["x-kubernetes-preserve-unknown-fields"] == .bool(false) {
            let place = "\(path).x-kubernetes-preserve-unknown-fields"
            causes.append(.invalid(place, false, "must be true or undefined"))
        }
        checkMapType(schema, path)
        checkListType(schema, path)
        checkRules(schema.list("x-kubernetes-validations"), path)
    }

    private mutating func checkProperties(_ schema: JSONValue, _ context: Context, isRoot: Bool, _ path: String) {
        for (name, property) in schema.members("properties") {
            var inner = context
            let isMeta = ["metadata", "apiVersion", "kind"].contains(name)
            if isMeta, isRoot || schema.flag("x-kubernetes-embedded-resource") {
                inner.isInsideMeta = true
                if isRoot { inner.defaultsForbidden = "in top-level \(name)" }
            }
            check(property, inner, "\(path).properties[\(name)]")
        }
    }

    private mutating func checkAdditional(_ schema: JSONValue, _ context: Context, _ path: String) {
        guard let additional = schema.present("additionalProperties") else { return }
        if !schema.members("properties").isEmpty, additional != .bool(true) {
            let detail = "additionalProperties and properties are mutual exclusive"
            causes.append(.forbidden("\(path).additionalProperties", detail))
        }
        guard additional.objectValue != nil else { return }
        var inner = context
        if context.isInsideMeta {
            inner.defaultsForbidden = "inside additionalProperties applying to object metadata"
        }
        check(additional, inner, "\(path).additionalProperties")
    }

    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    private mutating func checkSupport(_ schema: JSONValue, _ context: Context, _ path: String) {
        let type = schema.text("type")
        if !type.isEmpty, !Self.types.contains(type) {
            causes.append(.notSupported("\(path).type", .string(type), Self.types))
        }
        if schema.present("default") != nil, let reason = context.defaultsForbidden {
            causes.append(.forbidden("\(path).default", "must not be set \(reason)"))
        }
        for keyword in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"]
        where schema.present(keyword) != nil {
            causes.append(.forbidden("\(path).\(keyword)", "\(keyword) is not supported"))
        }
        if type == "null" {
            let detail = "type cannot be set to null, use nullable as an alternative"
            causes.append(.forbidden("\(path).type", detail))
        }
        if schema["items"]?.arrayValue?.isEmpty == false {
            causes.append(.forbidden("\(path).items", "items must be a schema object and not an array"))
        }
        if context.isInsideMeta, schema.flag("x-kubernetes-embedded-resource") {
            let place = "\(path).x-kubernetes-embedded-resource"
            causes.append(.forbidden(place, "must not be used inside of resource meta"))
        }
    }

    // MARK: - Maps and lists

    /// `x-kubernetes-map-type` and `x-kubernetes-list-type` stand beside the one type that they speak of.
    private mutating func checkType(_ schema: JSONValue, is type: String, for keyword: String, _ path: String) -> Bool {
        let actual = schema.text("type")
        guard actual != type else { return true }
        let detail = "must be \(type) if \(keyword) is specified"
        let place = "\(path).type"
        causes.append(actual.isEmpty ? .required(place, detail) : .invalid(place, .string(actual), detail))
        return false
    }

    private mutating func checkMapType(_ schema: JSONValue, _ path: String) {
        let keyword = "x-kubernetes-map-type"
        guard let mapType = schema[keyword]?.stringValue else { return }
        _ = checkType(schema, is: "object", for: keyword, path)
        guard mapType != "atomic", mapType != "granular" else { return }
        causes.append(.notSupported("\(path).\(keyword)", .string(mapType), ["atomic", "granular"]))
    }

    private mutating func checkListType(_ schema: JSONValue, _ path: String) {
        let keyword = "x-kubernetes-list-type"
        let keys = schema["x-kubernetes-list-map-keys"]?.arrayValue ?? []
        let listType = schema[keyword]?.stringValue
        if let listType {
            if checkType(schema, is: "array", for: keyword, path), listType == "set" {
                checkSetItems(schema["items"] ?? .null, "\(path).items")
            }
            if Schema.ListType(rawValue: listType) == nil {
                causes.append(.notSupported("\(path).\(keyword)", .string(listType), ["atomic", "set", "map"]))
            }
        }
        if !keys.isEmpty, listType != "map" {
            let detail = "must be map if x-kubernetes-list-map-keys is non-empty"
            let place = "\(path).\(keyword)"
            causes.append(listType.map { .invalid(place, .string($0), detail) } ?? .required(place, detail))
        }
        if listType == "map" { checkMapKeys(schema, keys, path) }
        guard let listType, listType != "atomic", let items = schema["items"] else { return }
        checkIdentity(items, listType, keys.compactMap(\.stringValue), "\(path).items")
    }

    private mutating func checkSetItems(_ items: JSONValue, _ path: String) {
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
        switch items.text("type") {
        case "array":
            guard let type = items["x-kubernetes-list-type"]?.stringValue, type != "atomic" else { return }
            causes.append(.invalid("\(path).x-kubernetes-list-type", .string(type), detail))
        case "object":
            guard items["x-kubernetes-map-type"]?.stringValue != "atomic" else { return }
            // The server shows the list type here.
            let shown = items["x-kubernetes-list-type"] ?? .null
            causes.append(.invalid("\(path).x-kubernetes-map-type", shown, detail))
        default: break
        }
    }

    private mutating func checkMapKeys(_ schema: JSONValue, _ keys: [JSONValue], _ path: String) {
        let place = "\(path).x-kubernetes-list-map-keys"
        if keys.isEmpty {
            causes.append(.required(place, "must not be empty if x-kubernetes-list-type is map"))
        }
        guard let items = schema.present("items") else {
            causes.append(.required("\(path).items", "must have a schema if x-kubernetes-list-type is map"))
            return
        }
        let type = items.text("type")
        guard type == "object" else {
            let detail = "must be object if parent array's x-kubernetes-list-type is map"
            causes.append(.invalid("\(path).items.type", .string(type), detail))
            return
        }
        var seen: Set<JSONValue> = []
        for key in keys {
            let name = key.stringValue ?? ""
            if let property = items["properties"]?[name] {
                if ["array", "object"].contains(property.text("type")) {
                    let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
                    causes.append(.invalid("\(path).items.properties[\(name)].type", .string(type), detail))
                }
            } else {
                causes.append(.invalid(place, .array(keys), "entries must all be names of item properties"))
            }
            if !seen.insert(key).inserted {
                causes.append(.invalid(place, .array(keys), "must not contain duplicate entries"))
            }
        }
    }

    /// Elements with an identity are never null, and neither is what identifies them.
    private mutating func checkIdentity(_ items: JSONValue, _ listType: String, _ keys: [String], _ path: String) {
        guard listType == "set" || listType == "map" else { return }
        if items.flag("nullable") {
            let detail = "cannot be nullable when x-kubernetes-list-type is \(listType)"
            causes.append(.forbidden("\(path).nullable", detail))
        }
        guard listType == "map" else { return }
        let required = items["required"]?.strings ?? []
        for key in keys {
            guard let property = items["properties"]?[key] else { continue }
            let place = "\(path).properties[\(key)]"
            if !required.contains(key), property.present("default") == nil {
                let detail =
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                causes.append(.required("\(place).default", detail))
            }
            if property.flag("nullable") {
                let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
                causes.append(.forbidden("\(place).nullable", detail))
            }
        }
    }

    // MARK: - CEL rules

    private static let reasons = [
        "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
    ]

    /// The form of CEL rules; what they say is not compiled.
    private mutating func checkRules(_ rules: [JSONValue], _ path: String) {
        for (index, rule) in rules.enumerated() {
            let place = "\(path).x-kubernetes-validations[\(index)]"
            checkTexts(of: rule, place)
            if let reason = rule["reason"]?.stringValue, !Self.reasons.contains(reason) {
                causes.append(.notSupported("\(place).reason", .string(reason), Self.reasons))
            }
            if let fieldPath = rule["fieldPath"]?.stringValue, !fieldPath.isEmpty {
                if fieldPath.isBlank {
                    causes.append(.invalid("\(place).fieldPath", .string(fieldPath), "must be non-empty if specified"))
                }
                if fieldPath.hasLineBreaks {
                    causes.append(.invalid("\(place).fieldPath", .string(fieldPath), "must not contain line breaks"))
                }
            }
        }
    }

    private mutating func checkTexts(of rule: JSONValue, _ place: String) {
        let text = rule.text("rule")
        let message = rule.text("message")
        if text.isBlank {
            causes.append(.required("\(place).rule", "rule is not specified"))
        } else if !message.isEmpty, message.isBlank {
            causes.append(.invalid("\(place).message", .string(message), "must be non-empty if specified"))
        } else if message.hasLineBreaks {
            causes.append(.invalid("\(place).message", .string(message), "must not contain line breaks"))
        } else if text.hasLineBreaks, message.isBlank {
            let detail = "message must be specified if rule contains line breaks"
            causes.append(.required("\(place).message", detail))
        }
        let expression = rule.text("messageExpression")
        if !expression.isEmpty, expression.isBlank {
            let detail = "messageExpression must be non-empty if specified"
            causes.append(.required("\(place).messageExpression", detail))
        }
    }
}

extension String {
    /// Whether there is nothing but white space.
    fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }

    /// Whether there is a line break between other characters.
    fileprivate var hasLineBreaks: Bool {
        let isBreak: (Unicode.Scalar) -> Bool = { $0 == "\n" || $0 == "\r" }
        guard let first = unicodeScalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = unicodeScalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return false }
        return unicodeScalars[first...last].contains(where: isBreak)
    }
}
