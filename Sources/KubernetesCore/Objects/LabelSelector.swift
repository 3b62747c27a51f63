/// Chooses objects by their labels (meta/v1 LabelSelector); all requirements must hold.
///
/// A selector without requirements matches everything. Whether an absent one matches all or nothing depends on the
/// field that holds it.
public struct LabelSelector: Codable, Sendable, Hashable {
    /// Labels that must have these values.
    public var matchLabels: [String: String]?
    /// Further requirements.
    public var matchExpressions: [Requirement]?

    /// One requirement on one label.
    public struct Requirement: Codable, Sendable, Hashable {
        /// How the values are meant.
        public enum Operator: String, Codable, Sendable, Hashable {
            /// The label has one of the values.
            case `in` = "In"
            /// The label is absent or has none of the values.
            case notIn = "NotIn"
            /// The label is there.
            case exists = "Exists"
            /// The label is absent.
            case doesNotExist = "DoesNotExist"
        }

        /// The label.
        public var key: String
        /// The relation.
        public var `operator`: Operator
        /// The values, for `In` and `NotIn`.
        public var values: [String]?

        /// Makes a requirement.
        public init(key: String, operator relation: Operator, values: [String]? = nil) {
            self.key = key
            self.operator = relation
            self.values = values
        }
    }

    /// Makes a selector.
    public init(matchLabels: [String: String]? = nil, matchExpressions: [Requirement]? = nil) {
        self.matchLabels = matchLabels
        self.matchExpressions = matchExpressions
    }

    /// Whether it has no requirement and so matches everything.
    public var isEmpty: Bool { (matchLabels ?? [:]).isEmpty && (matchExpressions ?? []).isEmpty }

    /// Whether an object with these labels is chosen.
    public func matches(_ labels: [String: String]) -> Bool {
        (matchLabels ?? [:]).allSatisfy { labels[$0.key] == $0.value }
            && (matchExpressions ?? []).allSatisfy { $0.matches(labels) }
    }

    /// The selector as list and watch requests take it, such as `app=web,tier in (a,b),!canary`.
    ///
    /// Labels are sorted by key, so equal selectors give equal text.
    public var queryString: String {
        let labels = (matchLabels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return (labels + (matchExpressions ?? []).map(\.queryString)).joined(separator: ",")
    }
}

extension LabelSelector.Requirement {
    /// Whether labels meet the requirement; an absent label meets `NotIn`.
    public func matches(_ labels: [String: String]) -> Bool {
        let value = labels[key]
        return switch `operator` {
        case .in: value.map { (values ?? []).contains($0) } ?? false
        case .notIn: value.map { !(values ?? []).contains($0) } ?? true
        case .exists: value != nil
        case .doesNotExist: value == nil
        }
    }

    var queryString: String {
        let list = (values ?? []).sorted().joined(separator: ",")
        return switch `operator` {
        case .in: "\(key) in (\(list))"
        case .notIn: "\(key) notin (\(list))"
        case .exists: key
        case .doesNotExist: "!\(key)"
        }
    }
}

extension LabelSelector {
    /// A rule that a selector breaks.
    public struct Violation: Sendable, Hashable {
        /// The field, such as `matchExpressions[0].values`.
        public var path: String
        /// What is wrong.
        public var message: String
    }

    /// Checks the selector by the API server's rules; an empty result means that it is valid.
    public func violations() -> [Violation] {
        var found: [Violation] = []
        for (key, value) in (matchLabels ?? [:]).sorted(by: { $0.key < $1.key }) {
            let path = "matchLabels[\(key)]"
            if let problem = NameRules.problem(labelKey: key) { found.append(Violation(path: path, message: problem)) }
            if let problem = NameRules.problem(labelValue: value) {
                found.append(Violation(path: path, message: problem))
            }
        }
        for (index, requirement) in (matchExpressions ?? []).enumerated() {
            found += requirement.violations(path: "matchExpressions[\(index)]")
        }
        return found
    }
}

extension LabelSelector.Requirement {
    func violations(path: String) -> [LabelSelector.Violation] {
        var found: [LabelSelector.Violation] = []
        if let problem = NameRules.problem(labelKey: key) { found.append(.init(path: "\(path).key", message: problem)) }
        let values = values ?? []
        switch `operator` {
        case .in, .notIn:
            if values.isEmpty {
                found.append(.init(path: "\(path).values", message: "must not be empty for \(`operator`.rawValue)"))
            }
        case .exists, .doesNotExist:
            if !values.isEmpty {
                found.append(.init(path: "\(path).values", message: "must be empty for \(`operator`.rawValue)"))
            }
        }
        for (index, value) in values.enumerated() {
            guard let problem = NameRules.problem(labelValue: value) else { continue }
            found.append(.init(path: "\(path).values[\(index)]", message: problem))
        }
        return found
    }
}
