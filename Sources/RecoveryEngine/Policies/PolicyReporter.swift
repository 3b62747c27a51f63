package import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
package import Telemetry

/// Tells the outside what happens to policies: events, a counter and log lines.
package struct PolicyReporter: Sendable {
    private let recorder: EventRecorder
    private let transitions: Counter
    private let logger: Logger

    /// Makes a reporter and registers its metric families.
    package init(recorder: EventRecorder, metrics: MetricsRegistry, logger: Logger) {
        self.recorder = recorder
        self.logger = logger
        transitions = metrics.counter(
            "tmc_circuit_breaker_transitions_total",
            help: "Changes of state of circuit breakers, by the state after the change.",
            labels: ["state"]
        )
        for state in BreakerState.allCases { _ = transitions.series([state.rawValue]) }
    }

    /// A policy's status was written: one event for each change of a breaker's state, and of a storm.
    package func booksChanged(_ before: RecoveryPolicy, _ after: RecoveryPolicy) {
        tellStorm(before.status?.storm, after)
        for breaker in after.status?.breakers ?? [] {
            let known = before.status?.breakers?.first { $0.scope == breaker.scope && $0.key == breaker.key }?.history
            for change in breaker.history ?? [] where known?.contains(change) != true {
                tell(change, breaker, after)
            }
        }
    }

    private func tellStorm(_ before: StormStatus?, _ policy: RecoveryPolicy) {
        let storm = policy.status?.storm
        guard (before == nil) != (storm == nil) else { return }
        let words =
            before.map { "the storm that began at \($0.since.text) is over; \($0.actions) actions started in it" }
            ?? "more targets are unhealthy than limits.maxUnhealthy allows; see the condition Storming"
        logger.info("storm: \(words)", ["policy": policy.metadata.key.description])
        recorder.record(
            storm == nil ? .normal : .warning,
            reason: storm == nil ? EventReason.stormEnded : EventReason.stormBegan,
            message: words,
            about: reference(policy.metadata.key, uid: policy.metadata.uid)
        )
    }

    private func tell(_ change: BreakerTransition, _ breaker: BreakerStatus, _ policy: RecoveryPolicy) {
        transitions.increment(change.state.rawValue)
        let reason =
            switch change.state {
            case .closed: EventReason.breakerClosed
            case .open: EventReason.breakerOpened
            case .halfOpen: EventReason.breakerHalfOpened
            }
        let name = "\(breaker.scope.rawValue) \(breaker.key)"
        let next = breaker.nextProbeTime.map { "; next probe at \($0.text)" } ?? ""
        let words = "\(name): \(change.reason ?? "")\(change.state == .open ? next : "")"
        logger.info(
            "circuit breaker: \(words)",
            ["policy": policy.metadata.key.description, "state": change.state.rawValue]
        )
        recorder.record(
            EventReason.warnings.contains(reason) ? .warning : .normal,
            reason: reason,
            message: words,
            about: reference(policy.metadata.key, uid: policy.metadata.uid)
        )
    }

    /// A policy has a field of the wrong type, as servers let pass that do not check schemas.
    package func unreadable(_ object: UndecodableObject) {
        logger.error("a RecoveryPolicy cannot be read", ["policy": "\(object)"])
        let message =
            "\(object.reason). New Recoveries of the namespace that it may govern wait until that is corrected: kubectl edit "
            + "recoverypolicy \(object.key.name)"
        recorder.record(
            .warning,
            reason: EventReason.policyUnreadable,
            message: message,
            about: reference(object.key, uid: object.uid)
        )
    }

    /// A ConfigMap that is nobody's ledger has the name of a policy's.
    func ledgerIsForeign(_ policy: RecoveryPolicy) {
        let name = RevisionLedger.name(ofPolicy: policy.metadata.name ?? "")
        let words =
            "ConfigMap \(name) is not a ledger of this policy (no owner, no label \(MetadataName.policy)): it is left alone, and "
            + "Rollback has nothing to go back to. Delete it, or give the policy another name"
        tell(words, EventReason.ledgerNameTaken, policy)
    }

    /// The server does not let the controller read or write a policy's ledger.
    func ledgerIsRefused(_ policy: RecoveryPolicy, _ error: String) {
        let words =
            "the ledger of healthy revisions is not kept, so Rollback has nothing to go back to: \(error). Bind the ClusterRole "
            + "tmc-recovery-ledger of manifests/rbac-detection.yaml to the controller, or grant it that here"
        tell(words, EventReason.ledgerRefused, policy)
    }

    /// The ledger of a policy's healthy revisions has no place for these workloads.
    func ledgerIsFull(_ policy: RecoveryPolicy, unkept: [String]) {
        let name = RevisionLedger.name(ofPolicy: policy.metadata.name ?? "")
        // What is too long is cut at its end.
        let words =
            "ConfigMap \(name) holds \(RevisionLedger.maxWorkloads) workloads and no more, so Rollback has nothing to go back to "
            + "for \(unkept.count) others. Have the policy cover fewer (spec.match.targetKinds, targetSelector) or share them "
            + "among several policies. Not kept: \(unkept.joined(separator: ", "))"
        tell(words, EventReason.ledgerFull, policy)
    }

    private func tell(_ words: String, _ reason: String, _ policy: RecoveryPolicy) {
        logger.warning("ledger: \(words.prefix(1_024))", ["policy": policy.metadata.key.description])
        recorder.record(
            .warning,
            reason: reason,
            message: words,
            about: reference(policy.metadata.key, uid: policy.metadata.uid)
        )
    }

    private func reference(_ key: ObjectKey, uid: String?) -> ObjectReference {
        ObjectReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: RecoveryPolicy.resource.kind,
            namespace: key.namespace,
            name: key.name,
            uid: uid
        )
    }
}
