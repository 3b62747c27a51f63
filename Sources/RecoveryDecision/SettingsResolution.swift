internal import JSON
internal import KubernetesCore
package import RecoveryAPI

/// Turns a Recovery, its policy and the configuration into the settings it runs under, once, at acceptance.
///
/// Precedence for every setting: Recovery, policy rung, configuration for the error type, configuration, strategy.
package struct SettingsResolution: Sendable, Hashable {
    /// Why a Recovery gets no settings.
    package enum Refusal: Error, Sendable, Hashable {
        /// A strategy is named that is not registered, or not enabled.
        case unknownStrategy(name: String, field: String, known: [String])
        /// No strategy is made for the error, and it is not retryable.
        case noStrategy(errorType: String)
        /// The strategy finds fault with the parameters.
        case parameters([FieldViolation])
        /// A rung does less harm than the one before it.
        case fallingLadder(FieldViolation)
        /// Nobody says as which ServiceAccount it is to act.
        case noServiceAccount(FieldViolation)
    }

    /// The settings, with a complete ladder.
    package var settings: EffectiveSettings
    /// The priority of the first rung's strategy.
    package var priority: Int

    /// Resolves the settings.
    ///
    /// - Throws: `Refusal`, which names the field and what would be right.
    package static func resolve(
        _ recovery: Recovery,
        policy: RecoveryPolicy?,
        facts: RecoveryFacts
    ) throws(Refusal) -> SettingsResolution {
        let resolver = LadderResolver(recovery: recovery, policy: policy, facts: facts)
        let rungs = try resolver.rungs()
        if let policy, let fall = facts.catalogue.fall(in: rungs) {
            throw .fallingLadder(fall.violation("RecoveryPolicy \(policy.metadata.key) spec.strategies"))
        }
        for rung in rungs {
            let violations = resolver.violations(in: rung)
            guard violations.isEmpty else { throw .parameters(violations) }
        }
        let account = recovery.spec.effectiveServiceAccountName ?? policy?.spec.effectiveServiceAccountName
        if account == nil, let missing = facts.accounts.violation(rungs, namespace: recovery.metadata.namespace) {
            throw .noServiceAccount(missing)
        }
        var settings = EffectiveSettings()
        settings.error = facts.errors.entry(for: recovery.spec.error)
        settings.ladder = rungs
        settings.maxAttempts = resolver.maxAttempts(rungs)
        settings.timeoutSeconds = recovery.spec.timeoutSeconds ?? facts.configuration.recoveryTimeout.wholeSeconds
        settings.serviceAccountName = account
        if let policy {
            settings.mode = policy.spec.mode
            settings.limits = policy.spec.limits
            settings.circuitBreaker = policy.spec.circuitBreaker
            settings.verify = policy.spec.verify
            settings.escalation = policy.spec.escalation
            settings.gitOps = policy.spec.gitOps
        }
        return SettingsResolution(settings: settings, priority: rungs.first?.priority ?? 0)
    }
}

private struct LadderResolver {
    let recovery: Recovery
    let policy: RecoveryPolicy?
    let facts: RecoveryFacts

    private var forType: ErrorTypeConfiguration {
        facts.configuration.strategies[recovery.spec.error.type] ?? ErrorTypeConfiguration()
    }

    /// The ladder: the forced strategy alone, else the policy's rungs, else the best strategy for the error type.
    func rungs() throws(SettingsResolution.Refusal) -> [StrategyRung] {
        if let forced = recovery.spec.forcedStrategy {
            let rung = policy?.spec.strategies?.first { $0.name == forced } ?? StrategyRung(name: forced)
            return [try completed(rung, field: "spec.strategy")]
        }
        if let policy, let named = policy.spec.strategies, !named.isEmpty {
            var rungs: [StrategyRung] = []
            for (index, rung) in named.enumerated() {
                rungs.append(
                    try completed(rung, field: "RecoveryPolicy \(policy.metadata.key) spec.strategies[\(index)].name")
                )
            }
            return rungs
        }
        let error = recovery.spec.error
        let known = facts.errors.entry(for: error)?.strategy.flatMap { facts.catalogue[$0] }
        // A catalogue that anybody with a ConfigMap can write names no strategy that destroys.
        let advised = known.flatMap { $0.destructiveness < .destructive ? $0 : nil }
        let chosen = facts.catalogue.candidates(forErrorType: error.type).first ?? advised
        guard let chosen = chosen ?? (error.isRetryable ? facts.catalogue.fallback : nil) else {
            throw .noStrategy(errorType: error.type)
        }
        return [try completed(StrategyRung(name: chosen.name), field: "spec.error.type")]
    }

    private func completed(_ rung: StrategyRung, field: String) throws(SettingsResolution.Refusal) -> StrategyRung {
        guard let strategy = facts.catalogue[rung.name] else {
            throw .unknownStrategy(name: rung.name, field: field, known: facts.catalogue.names)
        }
        var rung = rung
        rung.priority = rung.priority ?? forType.priority ?? strategy.priority
        rung.timeoutSeconds = rung.timeoutSeconds ?? (forType.timeout ?? strategy.timeout).wholeSeconds
        // Bounded, so that the sum over all rungs cannot overflow.
        rung.maxAttempts = max(1, min(rung.maxAttempts ?? attemptsPerRung, StrategyRung.mostAttempts))
        rung.parameters = merged(recovery.spec.parameters, over: rung.parameters)
        return rung
    }

    /// Attempts of a rung that names no number: a single rung has all that the Recovery asks for; else those of the
    /// error type, one in a policy's ladder, or what the configuration says.
    private var attemptsPerRung: Int {
        let isLadder = recovery.spec.forcedStrategy == nil && (policy?.spec.strategies?.count ?? 0) > 1
        if !isLadder, let own = recovery.spec.maxAttempts { return own }
        if let retries = forType.maxRetries { return min(retries, StrategyRung.mostAttempts) + 1 }
        return isLadder ? 1 : facts.configuration.retryAttempts
    }

    /// The cap over all rungs: what the Recovery says, else what the rungs add up to.
    func maxAttempts(_ rungs: [StrategyRung]) -> Int {
        recovery.spec.maxAttempts ?? rungs.reduce(0) { $0 + ($1.maxAttempts ?? 1) }
    }

    /// What the rung's strategy finds wrong with its parameters, each at the field that it came from.
    func violations(in rung: StrategyRung) -> [FieldViolation] {
        guard let parameters = rung.parameters, !parameters.isEmpty else { return [] }
        let own = "spec.parameters."
        return facts.parameterViolations(rung.name, parameters).map { violation in
            guard let policy, violation.path.hasPrefix(own),
                let index = policy.spec.strategies?.firstIndex(where: { $0.name == rung.name })
            else { return violation }
            let field = violation.path.dropFirst(own.count)
            // A list's item is reported as `name[2]`, a map's as `name.key`.
            let name = String(field.prefix { $0 != "." && $0 != "[" })
            if recovery.spec.parameters?[name] != nil { return violation }
            var moved = violation
            moved.path = "RecoveryPolicy \(policy.metadata.key) spec.strategies[\(index)].parameters.\(field)"
            return moved
        }
    }

    private func merged(_ own: [String: JSONValue]?, over base: [String: JSONValue]?) -> [String: JSONValue]? {
        guard let own else { return base }
        return (base ?? [:]).merging(own) { _, own in own }
    }
}

extension StrategyRung {
    /// As many as the API allows for one rung.
    static let mostAttempts = 100
}

extension Duration {
    /// Whole seconds, rounded up, at least one: what the API's `...Seconds` fields hold.
    package var wholeSeconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(clamping: attoseconds > 0 && seconds < .max ? seconds + 1 : seconds))
    }
}
