internal import JSON

extension SchemaValidation {
    /// The names of the types that a schema allows; none where any value will do.
    private func types(_ schema: Schema) -> [String] {
        switch schema.kind {
        case .any: []
        case .intOrString: ["integer", "string"]
        default: [schema.kind.rawValue]
        }
    }

    mutating func checkType(_ value: JSONValue, _ schema: Schema, _ path: String) {
        let types = types(schema)
        guard !types.isEmpty else { return }
        count()
        let actual = value.goType
        if value.isNull {
            if !schema.isNullable { failType(path, types, actual) }
            return
        }
        let format = SchemaFormat(of: schema)
        // The server leaves the type of strings and arrays to the format where there is one.
        let isNumeric = types.contains("number") || types.contains("integer")
        if !isNumeric, format != nil, actual == "string" || actual == "array" { return }
        if types.contains(actual) || actual == "integer" && types.contains("number") { return }
        if actual == "number", types.contains("integer"), value.doubleValue?.isWhole == true { return }
        if let format, actual != "string", actual != "array" {
            let actualFormat = actual == "integer" ? "int64" : actual == "number" ? "float64" : ""
            fail(
                path,
                .type(.string(actualFormat), "\(path) in body must be of type \(format.name): \(actualFormat.goQuoted)")
            )
            return
        }
        failType(path, types, actual)
    }

    private mutating func failType(_ path: String, _ types: [String], _ actual: String) {
        let expected = types.joined(separator: ",")
        fail(path, .type(.string(actual), "\(path) in body must be of type \(expected): \(actual.goQuoted)"))
    }

    mutating func checkEnumeration(_ value: JSONValue, _ schema: Schema, _ path: String) {
        guard !value.isNull || schema.constraints != nil else { return }
        count()
        guard let allowed = schema.constraints?.keywords["enum"]?.arrayValue, !allowed.isEmpty else { return }
        guard !allowed.contains(value) else { return }
        fail(path, .enumeration(value, supported: allowed.map { $0.stringValue ?? $0.goJSON }))
    }

    mutating func checkString(_ text: String, _ schema: Schema, _ path: String) {
        count()
        guard let keywords = schema.constraints?.keywords else { return }
        let length = text.unicodeScalars.count
        if let maximum = keywords["maxLength"]?.intValue, length > maximum {
            fail(path, .tooLong(maximum))
        } else if let minimum = keywords["minLength"]?.intValue, length < minimum {
            fail(path, .other(.string(text), "\(path) in body should be at least \(minimum) chars long"))
        } else if let pattern = keywords["pattern"]?.stringValue, !pattern.isEmpty {
            checkPattern(text, pattern, path)
        }
        if let format = SchemaFormat(of: schema), format.isOfStrings {
            count()
            if !format.accepts(text) {
                fail(path, .type(.string(text), "\(path) in body must be of type \(format.name): \(text.goQuoted)"))
            }
        }
    }

    private mutating func checkPattern(_ text: String, _ pattern: String, _ path: String) {
        switch PatternCache.shared.pattern(pattern) {
        case .success(let compiled):
            guard !compiled.matches(text) else { return }
            fail(path, .other(.string(text), "\(path) in body should match '\(pattern)'"))
        case .failure(let problem):
            let text = "\(path) in body should match '\(pattern), but pattern is invalid: \(problem)'"
            fail(path, .other(.string(text), text))
        }
    }

    mutating func checkArray(_ elements: [JSONValue], _ old: [JSONValue]?, _ schema: Schema, _ path: String) {
        if let items = schema.items?.schema {
            let correlation = ListCorrelation(old: old ?? [], schema: schema)
            for (index, element) in elements.enumerated() {
                check(element, old: correlation?.counterpart(of: element), against: items, at: "\(path)[\(index)]")
            }
        }
        count()
        guard let keywords = schema.constraints?.keywords else { return }
        if let minimum = keywords["minItems"]?.intValue, elements.count < minimum {
            fail(path, .other(.number(elements.count), "\(path) in body should have at least \(minimum) items"))
        }
        if let maximum = keywords["maxItems"]?.intValue, elements.count > maximum {
            fail(path, .tooMany(elements.count, maximum))
        }
        if keywords["uniqueItems"]?.boolValue == true, Set(elements).count != elements.count {
            fail(path, .other("", "\(path) in body shouldn't contain duplicates"))
        }
    }

    mutating func checkObject(_ members: JSONObject, _ old: JSONObject?, _ schema: Schema, _ path: String) {
        count()
        let keywords = schema.constraints?.keywords
        if let minimum = keywords?["minProperties"]?.intValue, members.count < minimum {
            fail(path, .other(.number(members.count), "\(path) in body should have at least \(minimum) properties"))
        }
        if let maximum = keywords?["maxProperties"]?.intValue, members.count > maximum {
            fail(path, .tooMany(members.count, maximum))
        }
        if let additional = schema.additional?.schema {
            for (key, member) in members where schema.properties[key] == nil {
                check(member, old: old?[key], against: additional, at: "\(path).\(key)")
            }
        }
        for (key, member) in members {
            guard let property = schema.properties[key] else { continue }
            check(member, old: old?[key], against: property, at: path.isEmpty ? key : "\(path).\(key)")
        }
        for name in schema.required where members[name] == nil {
            fail("\(path).\(name)", .required)
        }
    }
}

/// Finds the old elements of a list of type `map`, the only one whose elements have an identity.
private struct ListCorrelation {
    private let keys: [(name: String, fallback: JSONValue?)]
    private var elements: [[JSONValue]: JSONValue] = [:]

    init?(old: [JSONValue], schema: Schema) {
        guard schema.listType == .map, !old.isEmpty else { return nil }
        keys = schema.listMapKeys.map { ($0, schema.items?.schema.properties[$0]?.defaultValue) }
        for element in old { elements[identity(element)] = element }
    }

    private func identity(_ element: JSONValue) -> [JSONValue] {
        keys.map { element[$0.name] ?? $0.fallback ?? .null }
    }

    func counterpart(of element: JSONValue) -> JSONValue? {
        elements[identity(element)]
    }
}

extension Double {
    /// Whether the server takes the number for an integer.
    var isWhole: Bool { isFinite && rounded(.towardZero) == self && magnitude <= 0x1p53 }
}
