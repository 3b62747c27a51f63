package import JSON
package import RecoveryAPI
package import RecoveryDecision

/// The strategies that this controller has, by name.
package struct StrategyRegistry: Sendable {
    private var strategies: [String: any RecoveryStrategy] = [:]

    /// Makes a registry; of two strategies with one name the later one counts.
    package init(_ strategies: [any RecoveryStrategy] = []) {
        for strategy in strategies { register(strategy) }
    }

    /// Adds a strategy, or replaces the one of the same name.
    package mutating func register(_ strategy: any RecoveryStrategy) {
        strategies[strategy.descriptor.name] = strategy
    }

    /// The strategy of that name.
    package subscript(name: String) -> (any RecoveryStrategy)? {
        strategies[name]
    }

    /// What the decision core may choose from: all, or those that are enabled.
    ///
    /// - Parameter enabled: names from the configuration; nil means all.
    /// - Returns: the descriptors of those strategies.
    package func catalogue(enabled: Set<String>?) -> StrategyCatalogue {
        StrategyCatalogue(strategies.values.map(\.descriptor).filter { enabled?.contains($0.name) ?? true })
    }

    /// Names in the configuration that no strategy has.
    package func unknown(in enabled: Set<String>?) -> [String] {
        (enabled ?? []).filter { strategies[$0] == nil }.sorted()
    }

    /// What the strategy of that name finds wrong with the parameters.
    @Sendable package func parameterViolations(
        strategy: String,
        parameters: [String: JSONValue]
    ) -> [FieldViolation] {
        strategies[strategy]?.validate(parameters: parameters) ?? []
    }
}
