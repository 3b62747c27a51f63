internal import JSON

extension SchemaValidation {
    /// `anyOf`, `oneOf`, `allOf` and `not`: of several failing alternatives the one that got farthest is reported.
    mutating func checkCombinators(_ value: JSONValue, _ old: JSONValue?, _ schema: Schema, _ path: String) {
        guard let constraints = schema.constraints else {
            count()
            return
        }
        func outcome(_ schema: Schema) -> SchemaValidation {
            var result = SchemaValidation()
            result.check(value, old: old, against: schema, at: path)
            return result
        }
        if !constraints.anyOf.isEmpty { checkAny(constraints.anyOf, outcome, path) }
        if !constraints.oneOf.isEmpty { checkOne(constraints.oneOf.map(outcome), path) }
        if !constraints.allOf.isEmpty { checkAll(constraints.allOf.map(outcome), path) }
        for schema in constraints.not where outcome(schema).failures.isEmpty {
            fail(path, .combined("\(path.goQuoted) must not validate the schema (not)"))
        }
        count()
    }

    private mutating func checkAny(_ schemas: [Schema], _ outcome: (Schema) -> SchemaValidation, _ path: String) {
        var best: SchemaValidation?
        for schema in schemas {
            let result = outcome(schema)
            if result.failures.isEmpty {
                merge(result)
                return
            }
            if best.map({ result.matchCount > $0.matchCount }) ?? true { best = result }
        }
        fail(path, .combined("\(path.goQuoted) must validate at least one schema (anyOf)"))
        if let best { merge(best) }
    }

    private mutating func checkOne(_ results: [SchemaValidation], _ path: String) {
        let valid = results.filter(\.failures.isEmpty)
        if valid.count == 1 {
            merge(valid[0])
            return
        }
        let found = valid.isEmpty ? "Found none valid" : "Found \(valid.count) valid alternatives"
        fail(path, .combined("\(path.goQuoted) must validate one and only one schema (oneOf). \(found)"))
        guard valid.isEmpty, var best = results.first else { return }
        for result in results.dropFirst() where result.matchCount > best.matchCount { best = result }
        merge(best)
    }

    private mutating func checkAll(_ results: [SchemaValidation], _ path: String) {
        for result in results { merge(result) }
        let valid = results.count { $0.failures.isEmpty }
        guard valid < results.count else { return }
        let note = valid == 0 ? ". None validated" : ""
        fail(path, .combined("\(path.goQuoted) must validate all the schemas (allOf)\(note)"))
    }
}
