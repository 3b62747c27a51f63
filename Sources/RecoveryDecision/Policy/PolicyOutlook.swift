package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// What a policy's status says besides its books: how much is going on under it, and whether it can act at all.
package struct PolicyOutlook: Sendable {
    /// The Recoveries under the policy that are not final.
    package var recoveries: [Recovery] = []
    /// Decisions that are not in the status yet, newest last.
    package var decisions: [PolicyDecision] = []
    /// How many targets the policy's detection sees; nil while it does not see them all.
    package var base: DetectionBase?
    /// Who has to name a ServiceAccount, with the strategies that may run, and the controller's own namespace: the only one
    /// whose Recoveries reach member clusters.
    package var accounts: ServiceAccountRule
    /// Whether the server says that there is no ServiceAccount of the policy's name; false while nobody may ask.
    package var lacksServiceAccount = false

    private var catalogue: StrategyCatalogue { accounts.catalogue }
    private var controllerNamespace: String { accounts.controllerNamespace }

    /// Makes the outlook of a policy under which nothing happens.
    package init(_ accounts: ServiceAccountRule) {
        self.accounts = accounts
    }

    /// The status to write.
    ///
    /// - Parameters:
    ///   - policy: the policy as it was read.
    ///   - books: its books after everything that is known was entered.
    ///   - now: the wall clock.
    /// - Returns: the books with everything else that the status tells.
    package func status(of policy: RecoveryPolicy, books: RecoveryPolicyStatus, now: Date) -> RecoveryPolicyStatus {
        var status = books
        status.observedGeneration = policy.metadata.generation
        // Where detection counts targets, the number is its own.
        if policy.spec.detection == nil { status.matched = Set(recoveries.map(\.subject)).count }
        status.inFlight = recoveries.count { $0.status?.executions?.last?.state == .inProgress }
        let known = status.lastDecisions ?? []
        let new = decisions.filter { !known.contains($0) }
        status.lastDecisions = Array((known + new).suffix(RecoveryPolicyStatus.maxDecisions))
        if status.lastDecisions?.isEmpty == true { status.lastDecisions = nil }
        var conditions = status.conditions ?? []
        for condition in [ready(policy), storming(policy, status), breakersClosed(policy, status)] {
            var condition = condition
            condition.observedGeneration = policy.metadata.generation
            condition.message = String(condition.message.prefix(RecoveryStatus.maxMessageLength))
            conditions.set(condition, now: now)
        }
        status.conditions = conditions
        return status
    }

    // MARK: Conditions

    /// Whether the policy can act; when it never can, why.
    private func ready(_ policy: RecoveryPolicy) -> Condition {
        if let (reason, message) = obstacle(policy) {
            return Condition(type: ConditionType.ready, status: .false, reason: reason, message: message)
        }
        let (reason, message) =
            switch policy.spec.effectiveMode {
            case .observe:
                (
                    "Observing",
                    "what detection opens is observed only (spec.mode); Recoveries that people create are carried out"
                )
            case .approve: ("AwaitingApprovals", "what detection opens waits for a RecoveryApproval (spec.mode)")
            case .auto: ("Acting", "the policy acts")
            }
        return Condition(type: ConditionType.ready, status: .true, reason: reason, message: message)
    }

    private func obstacle(_ policy: RecoveryPolicy) -> (reason: String, message: String)? {
        let spec = policy.spec
        if spec.effectiveServiceAccountName == nil,
            let missing = accounts.violation(spec.strategies ?? [], namespace: policy.metadata.namespace)
        {
            return (ConditionReason.serviceAccountRequired, missing.description)
        }
        let violations = policy.validate()
        if !violations.isEmpty {
            return (ConditionReason.invalidSpec, violations.map(\.description).joined(separator: "; "))
        }
        if lacksServiceAccount, let account = spec.effectiveServiceAccountName {
            let space = policy.metadata.namespace ?? ""
            let message =
                "spec.serviceAccountName: there is no ServiceAccount \(account) in namespace \(space), so nothing can be done as "
                + "it; make it (kubectl create serviceaccount \(account) -n \(space)) with what manifests/tenant grants, or "
                + "name another one"
            return (ConditionReason.serviceAccountNotFound, message)
        }
        if spec.isSuspended { return (ConditionReason.suspended, "spec.suspend is true; set it to false to go on") }
        let unknown = (spec.strategies ?? []).map(\.name).filter { catalogue[$0] == nil }
        if !unknown.isEmpty {
            let known = catalogue.names.joined(separator: ", ")
            let names = unknown.joined(separator: ", ")
            return (
                ConditionReason.unknownStrategy, "spec.strategies: \(names) not known or not enabled; known: \(known)"
            )
        }
        if let fall = catalogue.fall(in: spec.strategies ?? []) {
            return ("InvalidLadder", fall.violation("spec.strategies").description)
        }
        if spec.match?.clusterSelector != nil, policy.metadata.namespace != controllerNamespace {
            let message =
                "spec.match.clusterSelector: only Recoveries in namespace \(controllerNamespace) reach member clusters, so "
                + "this policy matches none"
            return (ConditionReason.outsideFence, message)
        }
        if spec.circuitBreaker?.effectiveForce == .open {
            return (ConditionReason.breakerOpen, "spec.circuitBreaker.force is Open; set it to None to go on")
        }
        if StormRule(spec, base: base)?.allowsNothing == true {
            let message =
                "spec.limits: when no target may be unhealthy (maxUnhealthy) and nothing may start in a storm (alwaysAllow "
                + "0), nothing ever starts; raise one of them"
            return (ConditionReason.tooManyUnhealthy, message)
        }
        return unstrategic(policy) ?? blindness(policy)
    }

    /// Nothing starts while nobody knows how many targets are unhealthy, and detection says that it cannot see them.
    private func blindness(_ policy: RecoveryPolicy) -> (reason: String, message: String)? {
        guard base == nil, StormRule(policy.spec, base: nil) != nil,
            let detecting = policy.status?.conditions?[type: ConditionType.detecting], detecting.status == .false
        else { return nil }
        let message =
            "nothing starts while it is not known how many targets are unhealthy, which limits.maxUnhealthy is about: "
            + detecting.message
        return (ConditionReason.detectionBlind, message)
    }

    /// What detection opens has no strategy: neither the policy nor its error types name one.
    private func unstrategic(_ policy: RecoveryPolicy) -> (reason: String, message: String)? {
        guard policy.spec.strategies ?? [] == [] else { return nil }
        let rules = DetectionPlan(policy, controllerNamespace: controllerNamespace).rules
        let hasStrategy = rules.contains { rule in
            // A code may have a strategy in the error catalogue.
            rule.code != nil || !catalogue.candidates(forErrorType: rule.errorType).isEmpty
                || catalogue.fallback != nil && ErrorType.isRetryable(rule.errorType)
        }
        guard !rules.isEmpty, !hasStrategy else { return nil }
        let types = Set(rules.map(\.errorType)).sorted().joined(separator: ", ")
        return (ConditionReason.noStrategy, "spec.strategies names none, and no strategy is made for \(types)")
    }

    private func storming(_ policy: RecoveryPolicy, _ status: RecoveryPolicyStatus) -> Condition {
        if let storms = StormRule(policy.spec, base: base) { return storms.condition(status.storm) }
        let message =
            policy.spec.limits?.maxUnhealthy == nil
            ? "there is no limits.maxUnhealthy"
            : "limits.maxUnhealthy is about the targets of spec.detection, which is absent: it limits nothing"
        return Condition(type: ConditionType.storming, status: .false, reason: "NoLimit", message: message)
    }

    private func breakersClosed(_ policy: RecoveryPolicy, _ status: RecoveryPolicyStatus) -> Condition {
        let open = (status.breakers ?? []).filter { $0.state != .closed }
        let isForced = policy.spec.circuitBreaker?.effectiveForce ?? .unforced
        let type = ConditionType.breakersClosed
        switch isForced {
        case .open:
            return Condition(
                type: type,
                status: .false,
                reason: "ForcedOpen",
                message: "spec.circuitBreaker.force is Open"
            )
        case .closed where !open.isEmpty:
            let message = "spec.circuitBreaker.force is Closed: what is open holds nothing"
            return Condition(type: type, status: .true, reason: "ForcedClosed", message: message)
        case .closed, .unforced: break
        }
        guard !open.isEmpty else {
            let message = policy.spec.circuitBreaker == nil ? "there is no circuit breaker" : "all breakers are closed"
            return Condition(type: type, status: .true, reason: "AllClosed", message: message)
        }
        let words = open.map { breaker in
            let next = breaker.nextProbeTime.map { ", next probe at \($0.text)" } ?? ""
            return "\(breaker.scope.rawValue) \(breaker.key) is \(breaker.state.rawValue)\(next)"
        }
        return Condition(
            type: type,
            status: .false,
            reason: ConditionReason.breakerOpen,
            message: words.joined(separator: "; ")
        )
    }
}

extension Recovery {
    /// What it is about: its target, or itself when it has none.
    fileprivate var subject: String { status?.target.flatMap(LockKey.init)?.text ?? metadata.key.description }
}
