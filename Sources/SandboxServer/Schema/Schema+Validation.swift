package import JSON

extension Schema {
    /// The violations of the schema by an object, in the words of the API server.
    ///
    /// What is unchanged since `old` is not held against an update (ratcheting). For custom resources there is more to
    /// check: ``CustomResources/violations(by:old:in:subresource:)``.
    package func validate(_ object: JSONValue, old: JSONValue? = nil) -> [APIFailure.Cause] {
        validate(object, old: old, field: "")
    }

    /// The violations by a value that stands at `field` of an object.
    func validate(_ value: JSONValue, old: JSONValue?, field: String) -> [APIFailure.Cause] {
        var result = SchemaValidation()
        result.check(value, old: old, against: self, at: "")
        return result.failures.map { $0.cause(below: field) }
    }

    /// Whether there are CEL rules (`x-kubernetes-validations`) here or below.
    package var hasRules: Bool {
        if let rules = constraints?.keywords["x-kubernetes-validations"]?.arrayValue, !rules.isEmpty { return true }
        return properties.values.contains(where: \.hasRules) || items?.schema.hasRules ?? false
            || additional?.schema.hasRules ?? false
    }
}

/// One pass over a value: what fails, and how many checks passed, by which `anyOf` and `oneOf` choose what to report.
struct SchemaValidation {
    /// A violation at a path inside the value.
    struct Failure {
        /// What fails, with the sentence about it.
        enum Rule {
            case required
            case enumeration(JSONValue, supported: [String])
            case tooLong(Int64)
            case tooMany(Int, Int64)
            case type(JSONValue, String)
            case other(JSONValue, String)
            /// A combinator, which the server reports without a path.
            case combined(String)
        }

        let path: String
        let rule: Rule

        /// As the server reports it, for a value that stands at `field`.
        func cause(below field: String) -> APIFailure.Cause {
            let name = path.hasPrefix(".") ? String(path.dropFirst()) : path
            var place = field
            if !name.isEmpty { place += field.isEmpty ? name : ".\(name)" }
            if place.isEmpty { place = "<nil>" }
            switch rule {
            case .required: return .required(place)
            case .enumeration(let value, let supported): return .notSupported(place, value, supported)
            case .tooLong(let maximum): return .tooLong(place, maximum: maximum)
            case .tooMany(let actual, let maximum): return .tooMany(place, actual: actual, maximum: maximum)
            case .type(let value, let text): return .typeInvalid(place, value, text)
            case .other(let value, let text): return .invalid(place, value, text)
            case .combined(let text): return .invalid(field.isEmpty ? "<nil>" : field, "", text)
            }
        }
    }

    /// What fails, in the order in which the server finds it.
    private(set) var failures: [Failure] = []
    /// How many checks ran.
    private(set) var matchCount = 0
    private var seen: Set<String> = []

    /// Adds a violation; of two with the same sentence one counts.
    mutating func fail(_ path: String, _ rule: Failure.Rule) {
        let failure = Failure(path: path, rule: rule)
        let cause = failure.cause(below: "")
        guard seen.insert("\(cause.field): \(cause.message)").inserted else { return }
        failures.append(failure)
    }

    /// Adds what another pass found.
    mutating func merge(_ other: SchemaValidation) {
        matchCount += other.matchCount
        for failure in other.failures { fail(failure.path, failure.rule) }
    }

    /// Counts a check.
    mutating func count() { matchCount += 1 }

    /// Checks a value and everything below it.
    mutating func check(_ value: JSONValue, old: JSONValue?, against schema: Schema, at path: String) {
        // Whatever was accepted before stays acceptable while it does not change.
        if let old, old == value { return }
        checkType(value, schema, path)
        guard !value.isNull else {
            checkEnumeration(value, schema, path)
            return
        }
        checkCombinators(value, old, schema, path)
        switch value {
        case .string(let text): checkString(text, schema, path)
        case .number(let number): checkNumber(number, schema, path)
        case .array(let elements): checkArray(elements, old?.arrayValue, schema, path)
        default: break
        }
        checkEnumeration(value, schema, path)
        if case .object(let members) = value { checkObject(members, old?.objectValue, schema, path) }
        matchCount += 1
    }
}
