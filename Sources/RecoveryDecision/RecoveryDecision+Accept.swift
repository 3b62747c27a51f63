internal import FoundationEssentials
internal import KubernetesCore
internal import RecoveryAPI

extension DecisionMaker {
    enum Acceptance {
        case accepted(RecoveryStatus)
        case held(GateVerdict, RecoveryStatus)
        case refused(RecoveryStatus)
    }

    /// Resolves target and settings once and for all; later looks read only what was resolved.
    func accept() throws -> Acceptance {
        var status = recovery.status ?? RecoveryStatus()
        status.observedGeneration = recovery.metadata.generation
        if status.effective != nil { return .accepted(status) }
        let violations = recovery.validate()
        guard violations.isEmpty else { return refuse(status, "InvalidSpec", violations) }
        let outside = NamespaceFence.violations(
            of: recovery,
            controllerNamespace: facts.controllerNamespace,
            targetIsNamespaced: facts.targetIsNamespaced
        )
        guard outside.isEmpty else { return refuse(status, "OutsideFence", outside) }
        // Chosen from half a list of policies, the wrong one would govern for good.
        guard facts.isWarmedUp else { return .held(.warmingUp(until: nil), status) }
        let policy: RecoveryPolicy?
        switch PolicySelection.select(for: recovery, facts: facts) {
        case .policy(let found): policy = found
        case .ungoverned: policy = nil
        case .missing(let name):
            let message = "RecoveryPolicy \(name) does not exist in namespace \(recovery.metadata.namespace ?? "")"
            return .held(GateVerdict(.policyNotFound, "\(message); create it, or cancel this Recovery"), status)
        case .unreadable(let name, let reason):
            return .held(.policyUnreadable(name, reason), status)
        }
        let snapshot = try policy.map { try $0.snapshot() }
        let hash = try recovery.spec.immutableHash()
        do throws(SettingsResolution.Refusal) {
            let resolution = try SettingsResolution.resolve(recovery, policy: policy, facts: facts)
            status.target = resolvedTarget()
            status.effective = resolution.settings
            status.effective?.policy = snapshot
            status.specHash = hash
            status.priority = resolution.priority
            status.strategy = resolution.settings.ladder?.first?.name
            status.set(ConditionType.accepted, .true, reason: "Accepted", recovery: recovery, now: now)
            if recovery.isOpenedByPolicy, let former = facts.former,
                let end = status.goOn(after: former, recovery: recovery, now: now)
            {
                status.finish(end, recovery: recovery, now: now)
                return .refused(status)
            }
            return .accepted(status)
        } catch {
            return refuse(status, error, policy)
        }
    }

    private func resolvedTarget() -> ResolvedTarget? {
        let cluster = recovery.spec.clusterRef?.name
        guard let target = recovery.spec.targetRef else { return cluster.map { ResolvedTarget(cluster: $0) } }
        var namespace = target.namespace.flatMap { $0.isEmpty ? nil : $0 }
        if facts.targetIsNamespaced == false {
            namespace = nil
        } else if namespace == nil {
            namespace = recovery.metadata.namespace
        }
        return ResolvedTarget(
            cluster: cluster,
            apiVersion: target.apiVersion,
            kind: target.kind,
            namespace: namespace,
            name: target.name,
            uid: target.uid.flatMap { $0.isEmpty ? nil : $0 } ?? facts.targetUID
        )
    }

    private func refuse(
        _ status: RecoveryStatus,
        _ refusal: SettingsResolution.Refusal,
        _ policy: RecoveryPolicy?
    ) -> Acceptance {
        switch refusal {
        case .unknownStrategy(let name, let field, let known):
            let message = "strategy \(name) is not known or not enabled; enabled are \(known.joined(separator: ", "))"
            return refuse(status, "UnknownStrategy", [FieldViolation(path: field, message: message)])
        case .noStrategy(let type):
            let message =
                "no strategy is made for \(type) and the error is not retryable; "
                + "set spec.error.retryable or name one in spec.strategy"
            return refuse(status, "NoStrategy", [FieldViolation(path: "spec.error.type", message: message)])
        case .parameters(let violations):
            return refuse(status, "InvalidParameters", violations)
        case .fallingLadder(let violation): return refuse(status, "InvalidLadder", [violation])
        case .noServiceAccount(let violation):
            let steps = ServiceAccountRule.nextSteps(recovery, policy: policy)
            return refuse(status, ConditionReason.serviceAccountRequired, [violation], steps)
        }
    }

    private func refuse(
        _ status: RecoveryStatus,
        _ reason: String,
        _ violations: [FieldViolation],
        _ remedies: [String]? = nil
    ) -> Acceptance {
        var status = status
        let message = violations.map(\.description).joined(separator: "; ")
        status.set(ConditionType.accepted, .false, reason: reason, message: message, recovery: recovery, now: now)
        let steps =
            (remedies ?? violations.prefix(8).map { "Correct \($0.path): \($0.message)" })
            + [
                recovery.isOpenedByDetection
                    ? "Delete this Recovery: the next look at the failure opens another one"
                    : "Delete this Recovery and create it again: its error, targets and references cannot be changed"
            ]
        status.finish(
            FinalVerdict(state: .failed, reason: reason, message: message, level: .manual, nextSteps: steps),
            recovery: recovery,
            now: now
        )
        return .refused(status)
    }
}

extension RecoveryPolicy {
    /// Which policy, in which version, a Recovery was accepted under.
    func snapshot() throws -> PolicySnapshot {
        PolicySnapshot(
            name: metadata.name ?? "",
            uid: metadata.uid,
            generation: metadata.generation,
            hash: try spec.hash()
        )
    }
}
