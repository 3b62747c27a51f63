internal import JSON

extension SchemaValidation {
    /// The rules for numbers; whole values are compared as integers and printed as such, as the server does.
    mutating func checkNumber(_ number: JSONNumber, _ schema: Schema, _ path: String) {
        count()
        checkRange(number, schema, path)
        guard let keywords = schema.constraints?.keywords else { return }
        if let factor = keywords["multipleOf"]?.doubleValue { checkMultiple(number, of: factor, path) }
        let whole = number.isGoInteger ? number.int64 : nil
        if let maximum = keywords["maximum"]?.doubleValue {
            let isExclusive = keywords["exclusiveMaximum"]?.boolValue == true
            if isBeyond(bound: maximum, number.double, whole, isExclusive, sign: 1) {
                let relation = isExclusive ? "less than" : "less than or equal to"
                fail(path, .other(.number(number), "\(path) in body should be \(relation) \(text(of: maximum, whole))"))
            }
        }
        if let minimum = keywords["minimum"]?.doubleValue {
            let isExclusive = keywords["exclusiveMinimum"]?.boolValue == true
            if isBeyond(bound: minimum, number.double, whole, isExclusive, sign: -1) {
                let relation = isExclusive ? "greater than" : "greater than or equal to"
                fail(path, .other(.number(number), "\(path) in body should be \(relation) \(text(of: minimum, whole))"))
            }
        }
    }

    /// The range of `int32` and `float`.
    private mutating func checkRange(_ number: JSONNumber, _ schema: Schema, _ path: String) {
        guard let name = schema.constraints?.keywords["format"]?.stringValue else { return }
        let isInRange: Bool
        switch (schema.kind, name) {
        case (.integer, "int32"): isInRange = number.int64.map { Int32(exactly: $0) != nil } ?? false
        case (.integer, "int64"): isInRange = number.int64 != nil
        case (.number, "float"): isInRange = number.double.magnitude <= Double(Float.greatestFiniteMagnitude)
        default: return
        }
        guard !isInRange else { return }
        let type = schema.kind.rawValue
        fail(path, .combined("Checked value must be of type \(type) with format \(name) in \(path)"))
    }

    private mutating func checkMultiple(_ number: JSONNumber, of factor: Double, _ path: String) {
        let whole = number.isGoInteger ? number.int64 : nil
        let isMultiple: Bool
        if let whole, let factor = Int64(exactly: factor.rounded(.towardZero)) {
            guard factor > 0 else {
                fail(
                    path,
                    .other(.number(factor), "factor MultipleOf declared for \(path) must be positive: \(factor)")
                )
                return
            }
            isMultiple = whole % factor == 0
        } else {
            guard factor > 0 else {
                let text = "factor MultipleOf declared for \(path) must be positive: \(factor.goText)"
                fail(path, .other(JSONNumber(factor).map { .number($0) } ?? .null, text))
                return
            }
            let quotient = factor < 1 ? 1 / factor * number.double : number.double / factor
            isMultiple = quotient.isWhole
        }
        guard !isMultiple else { return }
        fail(path, .other(.number(number), "\(path) in body should be a multiple of \(text(of: factor, whole))"))
    }

    private func isBeyond(bound: Double, _ value: Double, _ whole: Int64?, _ isExclusive: Bool, sign: Double) -> Bool {
        if let whole, let bound = Int64(exactly: bound.rounded(.towardZero)) {
            if whole == bound { return isExclusive }
            return sign > 0 ? whole > bound : whole < bound
        }
        if value == bound { return isExclusive }
        return sign > 0 ? value > bound : value < bound
    }

    private func text(of bound: Double, _ whole: Int64?) -> String {
        if whole != nil, let bound = Int64(exactly: bound.rounded(.towardZero)) { return String(bound) }
        return bound.goText
    }
}
