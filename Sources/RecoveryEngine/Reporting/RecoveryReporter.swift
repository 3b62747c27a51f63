package import ControllerRuntime
package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
package import Telemetry

/// Tells the outside what happens to Recoveries: Kubernetes events, metrics and one log line per decision.
///
/// Events go to the Recovery and, when it has one on the hub, to its target. No object name is ever a metric label.
package struct RecoveryReporter: Sendable {
    private let recorder: EventRecorder
    private let metrics: RecoveryMetrics
    private let statistics: RecoveryStatistics
    private let logger: Logger
    private let notifier: Notifier?

    /// Makes a reporter; without a notifier nobody is told beside Kubernetes events.
    package init(
        recorder: EventRecorder,
        metrics: RecoveryMetrics,
        statistics: RecoveryStatistics,
        logger: Logger,
        notifier: Notifier? = nil
    ) {
        self.notifier = notifier
        self.recorder = recorder
        self.metrics = metrics
        self.statistics = statistics
        self.logger = logger
    }

    /// An attempt was reserved, or taken over after an interruption.
    package func attemptBegan(_ recovery: Recovery, isResumed: Bool) {
        guard let status = recovery.status, let execution = status.executions?.last else { return }
        notifier?.settle(recovery.approvalSubject)
        let type = recovery.spec.error.type
        if !isResumed {
            statistics.countAttempt()
            metrics.attempts.increment(labels: metrics.labels(type, execution.strategy))
        }
        let verb = isResumed ? "resumed" : "started"
        line(recovery).info("attempt \(verb)")
        guard !isResumed, execution.attempt == 1 else { return }
        event(.normal, EventReason.started, "Started \(execution.strategy) recovery for \(type) error", recovery)
    }

    /// An attempt has ended and what came of it is written.
    package func attemptEnded(
        _ recovery: Recovery,
        strategy: String,
        outcome: AttemptOutcome,
        duration: Duration
    ) {
        let labels = metrics.labels(recovery.spec.error.type, strategy)
        switch outcome {
        case .succeeded: metrics.successes.increment(labels: labels)
        case .transient, .permanent, .timedOut: metrics.failures.increment(labels: labels)
        case .stopped, .superseded: break
        }
        metrics.duration.observe(duration / .seconds(1), labels: labels)
        if recovery.isFinal { return finished(recovery) }
        line(recovery).info("attempt ended: \(recovery.status?.message ?? "")")
        if recovery.status?.nextAttemptTime != nil {
            event(.warning, EventReason.retrying, recovery.status?.message ?? "the attempt failed", recovery)
        }
    }

    /// A final state is written.
    package func finished(_ recovery: Recovery) {
        guard let status = recovery.status, let state = status.state else { return }
        let words = status.message ?? state.rawValue
        metrics.finished(state)
        statistics.countEnd(state)
        line(recovery).info("recovery ended: \(words)")
        switch state {
        case .completed:
            let strategy = status.strategy ?? "the"
            event(.normal, EventReason.completed, "Successfully completed \(strategy) recovery: \(words)", recovery)
        case .failed: event(.warning, EventReason.failed, "Recovery failed: \(words)", recovery)
        case .timeout: event(.warning, EventReason.timeout, "Recovery timed out: \(words)", recovery)
        case .cancelled: event(.normal, EventReason.cancelled, "Recovery \(words)", recovery)
        case .pending, .inProgress: return
        }
        notifier?.offer(recovery)
        notifier?.settle(recovery.approvalSubject)
        if state == .completed { notifier?.settle(recovery.failure, at: status.completionTime) }
        if let escalation = status.escalation, escalation.level > .automatic {
            metrics.escalated(escalation.level)
            let steps = (escalation.nextSteps ?? []).prefix(3).joined(separator: "; ")
            event(
                .warning,
                EventReason.escalated,
                "Escalated to \(escalation.level.rawValue) (\(escalation.reason ?? "")). Next: \(steps)",
                recovery
            )
        }
    }

    /// A gate holds the Recovery and that is written.
    package func held(_ recovery: Recovery, _ verdict: GateVerdict) {
        metrics.blocked.increment(verdict.gate.rawValue)
        line(recovery).with(["gate": verdict.gate.rawValue]).info("held: \(verdict.message)")
        event(.warning, EventReason.blocked, "\(verdict.gate.rawValue): \(verdict.message)", recovery)
    }

    /// A person has to approve its plan; told once however often it is reported.
    package func awaitsApproval(_ recovery: Recovery) {
        notifier?.offer(recovery)
    }

    /// Detection has seen that the failure which a Recovery has given up is over.
    package func healed(_ recovery: Recovery, at time: Date) {
        notifier?.settle(recovery.failure, at: time)
    }

    /// A Recovery has a field of the wrong type, as servers let pass that do not check schemas.
    ///
    /// Its status stays as it is: what cannot be read is not written over.
    package func unreadable(_ object: UndecodableObject) {
        logger.error("a Recovery cannot be read and is left alone", ["recovery": "\(object)"])
        let reference = ObjectReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Recovery.resource.kind,
            namespace: object.key.namespace,
            name: object.key.name,
            uid: object.uid
        )
        let message =
            "\(object.reason). Nothing is done before that is corrected: kubectl edit recovery \(object.key.name), or "
            + "delete it and create it again"
        recorder.record(.warning, reason: EventReason.unreadable, message: message, about: reference)
    }

    /// The outcome of an attempt could not be entered in its policy's books yet.
    package func booksUnsettled(_ recovery: Recovery, _ error: any Error) {
        line(recovery).with(["error": "\(error)"]).warning("cannot enter the outcome in the policy's books yet")
    }

    private func line(_ recovery: Recovery) -> Logger {
        logger.with([
            "recovery": recovery.metadata.key.description,
            "state": recovery.state.rawValue,
            "strategy": recovery.status?.strategy ?? "",
            "attempt": String(recovery.status?.attempts ?? 0),
        ])
    }

    private static func reference(_ recovery: Recovery) -> ObjectReference {
        ObjectReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Recovery.resource.kind,
            namespace: recovery.metadata.namespace,
            name: recovery.metadata.name,
            uid: recovery.metadata.uid
        )
    }

    private func event(_ type: EventType, _ reason: String, _ message: String, _ recovery: Recovery) {
        recorder.record(type, reason: reason, message: message, about: Self.reference(recovery))
        guard let target = recovery.status?.target, target.cluster == nil, let name = target.name else { return }
        let reference = ObjectReference(
            apiVersion: target.apiVersion,
            kind: target.kind,
            namespace: target.namespace,
            name: name,
            uid: target.uid
        )
        recorder.record(type, reason: reason, message: message, about: reference)
    }
}
