import KubernetesCore

/// Collects the violations of one object; every check names the field and ignores absent values.
struct FieldChecks {
    private(set) var violations: [FieldViolation] = []

    /// Notes that a rule is broken.
    mutating func report(_ path: String, _ message: String) {
        violations.append(FieldViolation(path: path, message: message))
    }

    /// Notes a message unless a rule holds.
    mutating func require(_ holds: Bool, _ path: String, _ message: String) {
        if !holds { report(path, message) }
    }

    /// A text follows its rule.
    mutating func text(_ value: String?, _ path: String, _ rule: TextRule) {
        guard let value else { return }
        if value.unicodeScalars.count > rule.maxLength {
            report(path, "must be no more than \(rule.maxLength) characters")
        } else if value.isEmpty {
            require(rule.allowsEmpty, path, "must not be empty")
        } else if let problem = rule.problem(value) {
            report(path, problem)
        }
    }

    /// A number is within its bounds.
    mutating func number(_ value: Int?, _ path: String, _ bounds: ClosedRange<Int>) {
        guard let value, !bounds.contains(value) else { return }
        report(path, "must be between \(bounds.lowerBound) and \(bounds.upperBound)")
    }

    /// A word is one of its vocabulary.
    mutating func word<Known>(_ value: Open<Known>?, _ path: String) {
        guard case .unknown(let word) = value else { return }
        report(path, "'\(word.prefix(64))' is not one of \(Open<Known>.words.joined(separator: ", "))")
    }

    /// A list is as long as it may be, and every item passes.
    mutating func list<Item>(
        _ items: [Item]?,
        _ path: String,
        _ count: ClosedRange<Int>,
        each: (inout FieldChecks, Item, String) -> Void
    ) {
        guard let items else { return }
        size(items.count, path, count, of: "items")
        // Items beyond the limit are not looked at: a hostile object must not cost more than a legal one.
        for (index, item) in items.prefix(count.upperBound).enumerated() {
            each(&self, item, "\(path)[\(index)]")
        }
    }

    /// A list of texts, none twice, all by one rule.
    mutating func set(_ items: [String]?, _ path: String, _ count: ClosedRange<Int>, _ rule: TextRule) {
        list(items, path, count) { $0.text($1, $2, rule) }
        unique(items, path) { $0 }
    }

    /// No two items of a list have the same key.
    mutating func unique<Item>(_ items: [Item]?, _ path: String, by key: (Item) -> String) {
        var seen: Set<String> = []
        for (index, item) in (items ?? []).enumerated() where !seen.insert(key(item)).inserted {
            report("\(path)[\(index)]", "is there twice")
        }
    }

    /// A map is as large as it may be, and every value has a length.
    mutating func map(_ values: [String: String]?, _ path: String, _ count: ClosedRange<Int>, _ rule: TextRule) {
        guard let values else { return }
        size(values.count, path, count, of: "entries")
        for (key, value) in values.sorted(by: { $0.key < $1.key }).prefix(count.upperBound) {
            text(value, "\(path)[\(key.prefix(64))]", rule)
        }
    }

    /// A label selector that a list request can carry.
    mutating func selector(_ selector: LabelSelector?, _ path: String) {
        guard let selector else { return }
        map(selector.matchLabels, "\(path).matchLabels", 0...32, .labelValue)
        for key in (selector.matchLabels ?? [:]).keys.sorted().prefix(32) {
            text(key, "\(path).matchLabels[\(key.prefix(64))]", .labelKey)
        }
        list(selector.matchExpressions, "\(path).matchExpressions", 0...16) { checks, requirement, path in
            checks.text(requirement.key, "\(path).key", .labelKey)
            checks.list(requirement.values, "\(path).values", 0...64) { $0.text($1, $2, .labelValue) }
            let needsValues = requirement.operator == .in || requirement.operator == .notIn
            let hasValues = !(requirement.values ?? []).isEmpty
            checks.require(
                needsValues == hasValues,
                "\(path).values",
                needsValues ? "is required for \(requirement.operator.rawValue)" : "must be absent"
            )
        }
    }

    /// Entries of a map or list are as many as may be.
    mutating func size(_ actual: Int, _ path: String, _ count: ClosedRange<Int>, of what: String) {
        if actual > count.upperBound { report(path, "must have no more than \(count.upperBound) \(what)") }
        if actual < count.lowerBound { report(path, "must have at least \(count.lowerBound) \(what)") }
    }
}
