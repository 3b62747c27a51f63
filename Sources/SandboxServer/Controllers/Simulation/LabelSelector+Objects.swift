internal import JSON

extension LabelSelector {
    /// Reads a `LabelSelector` object, as in `spec.selector` of a Deployment; nil when there is none.
    ///
    /// An unknown comparison selects nothing.
    init?(_ selector: JSONValue?) {
        guard let selector else { return nil }
        let labels = selector["matchLabels"]?.stringDictionary ?? [:]
        requirements =
            labels.map { Requirement(key: $0.key, condition: .isOneOf([$0.value])) }
            + (selector["matchExpressions"]?.arrayValue ?? []).map(Requirement.init)
    }

    /// Selects by equality, as the selectors of Services.
    init(labels: [String: String]) {
        requirements = labels.map { Requirement(key: $0.key, condition: .isOneOf([$0.value])) }
    }
}

extension LabelSelector.Requirement {
    /// Reads an entry of `matchExpressions`, of a node affinity too.
    init(_ expression: JSONValue) {
        let values = (expression["values"]?.arrayValue ?? []).compactMap(\.stringValue)
        let number = values.first.flatMap { Int64($0) }
        let condition: Operator =
            switch expression["operator"]?.stringValue {
            case "In": .isOneOf(values)
            case "NotIn": .isNoneOf(values)
            case "Exists": .exists
            case "DoesNotExist": .isAbsent
            case "Gt": number.map(Operator.isGreater) ?? .isOneOf([])
            case "Lt": number.map(Operator.isLess) ?? .isOneOf([])
            default: .isOneOf([])
            }
        self.init(key: expression["key"]?.stringValue ?? "", condition: condition)
    }
}
