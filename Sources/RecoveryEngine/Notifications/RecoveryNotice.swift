package import FoundationEssentials
internal import JSON
package import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision

/// What there is to tell people about a Recovery: that it waits for them, or that it has completed.
package struct RecoveryNotice: Sendable, Hashable {
    /// What it is about.
    package enum Matter: Sendable, Hashable {
        /// It has ended, and somebody has to act.
        case escalation
        /// It waits for an approval of the plan with this hash.
        case approval(planHash: String)
        /// It has ended well: for channels that want to know all.
        case completion
    }

    /// What it is about.
    package var matter: Matter
    /// Who has to act.
    package var level: EscalationLevel
    /// The Recovery.
    package var recovery: ObjectKey
    /// Where it stands.
    package var state: RecoveryState
    /// The error's type, code and severity.
    package var error: ReportedError
    /// The target, such as `Deployment production/web on edge-1`.
    package var target: String
    /// What happened, in one sentence.
    package var message: String
    /// Why people are told, as a CamelCase word.
    package var reason: String
    /// What a person should do.
    package var nextSteps: [String]
    /// Since when people have to act, or when it completed.
    package var date: Date?
    /// When nobody had to act any more; nil while somebody has to.
    package var endDate: Date?
    /// What has to be over before nobody has to act any more: a failure of a target, or the wait of one Recovery.
    package var subject: String
    /// When all that ask for it had been told, by what the Recovery says.
    package var toldTime: Date?
    /// Whether those that were told know that it is over, by what the Recovery says.
    package var isSettled: Bool
    private var uid: String?

    /// Reads a Recovery; nil when there is nothing to tell.
    package init?(_ recovery: Recovery) {
        guard let status = recovery.status else { return nil }
        self.recovery = recovery.metadata.key
        state = recovery.state
        error = recovery.spec.error
        target = Self.words(status.target)
        message = status.message ?? error.message ?? "no details"
        subject = recovery.failure
        isSettled = false
        uid = recovery.metadata.uid
        if let escalation = status.escalation, escalation.level > .automatic {
            matter = .escalation
            level = escalation.level
            reason = escalation.reason ?? ""
            nextSteps = escalation.nextSteps ?? []
            date = escalation.time
            (toldTime, isSettled) = (escalation.notifiedTime, escalation.resolvedTime != nil)
        } else if recovery.isAwaitingApproval, let plan = status.plan {
            matter = .approval(planHash: plan.hash)
            level = .guided
            reason = RecoveryGate.awaitingApproval.rawValue
            nextSteps = recovery.stepsToApproval(of: plan)
            date = plan.waitingSince
            subject = recovery.approvalSubject
            toldTime = plan.notifiedTime
        } else if state == .completed {
            matter = .completion
            level = .automatic
            reason = status.conditions?[type: ConditionType.succeeded]?.reason ?? ""
            nextSteps = []
            date = status.completionTime
        } else {
            return nil
        }
    }

    private static func words(_ target: ResolvedTarget?) -> String {
        guard let target else { return "no target" }
        let place = target.cluster.map { " on \($0)" } ?? ""
        guard let kind = target.kind, let name = target.name else { return "cluster \(target.cluster ?? "")" }
        return "\(kind) \(target.namespace.map { "\($0)/" } ?? "")\(name)\(place)"
    }

    /// One and the same for channels that keep an incident open until it is over.
    package var incident: String { "\(subject)/\(level.rawValue)" }

    /// The same for what is told only once in a while: one failure of one target at one level, or one plan.
    package var fingerprint: String {
        if case .approval(let hash) = matter { "\(incident)/\(hash)" } else { incident }
    }

    /// The status of a Recovery with the note that people have been told this; nil when there is nothing to note there.
    func noted(in recovery: Recovery, at now: Date) -> RecoveryStatus? {
        guard recovery.metadata.uid == uid, var status = recovery.status else { return nil }
        switch matter {
        case .escalation where endDate == nil: status.escalation?.notifiedTime = now
        case .escalation: status.escalation?.resolvedTime = now
        case .approval(let hash) where status.plan?.hash == hash: status.plan?.notifiedTime = now
        case .approval, .completion: return nil
        }
        return status
    }

    /// Whether a Recovery keeps a note that people have been told this.
    var isNoted: Bool {
        switch matter {
        case .escalation: true
        case .approval: endDate == nil
        case .completion: false
        }
    }

    /// Since when nobody has to act any more, by what the Recovery says now; nil while somebody has to.
    func end(in recovery: Recovery, now: Date) -> Date? {
        guard recovery.metadata.uid == uid else { return nil }
        return switch matter {
        case .escalation: recovery.status?.occurrences?.healedTime
        case .approval: recovery.isAwaitingApproval ? nil : now
        case .completion: nil
        }
    }

    /// When it was escalated, as text.
    package var time: String { date.flatMap { RFC3339.string(from: $0) } ?? "" }

    /// The headline.
    package var title: String {
        let standing = if case .approval = matter { "waits for an approval" } else { state.rawValue }
        return "[\(level.rawValue)] \(error.type) of \(target): recovery \(standing)"
    }

    /// Everything, for people.
    package var text: String {
        let steps = nextSteps.enumerated().map { "\($0.offset + 1). \($0.element)" }
        return ([title, message, "Recovery \(recovery), \(reason) at \(time)"] + steps).joined(separator: "\n")
    }
}

extension Recovery {
    /// What it is about, the same for every Recovery from the same failure of the same target.
    package var failure: String {
        let what = status?.target.flatMap(LockKey.init)?.leaseName ?? metadata.uid ?? "\(metadata.key)"
        return "\(what)/\(spec.error.type)"
    }

    /// Its own wait for a person.
    package var approvalSubject: String { "\(metadata.uid ?? "\(metadata.key)")/approval" }

    /// Whether it waits for a person to approve its plan.
    var isAwaitingApproval: Bool {
        let admitted = status?.conditions?[type: ConditionType.admitted]
        return !isFinal && admitted?.status == .false && admitted?.reason == RecoveryGate.awaitingApproval.rawValue
    }

    /// What a person has to do, with the object that approves exactly this plan.
    fileprivate func stepsToApproval(of plan: RecoveryPlan) -> [String] {
        let (name, namespace) = (metadata.name ?? "", metadata.namespace ?? "")
        let approval: JSONValue = [
            "apiVersion": .string(RecoveryAPI.apiVersion), "kind": .string(RecoveryApproval.resource.kind),
            "metadata": ["generateName": .string("\(name.prefix(57))-"), "namespace": .string(namespace)],
            "spec": [
                "recoveryRef": ["name": .string(name), "uid": .string(metadata.uid ?? "")],
                "planHash": .string(plan.hash), "decision": .string(ApprovalDecision.approve.rawValue),
            ],
        ]
        return [
            "Read the plan: kubectl get recoveries.\(RecoveryAPI.group) \(name) -n \(namespace)"
                + " -o 'jsonpath={.status.plan}'",
            "Approve it, or write Reject for Approve: echo '\(String(decoding: approval.serialized(), as: UTF8.self))'"
                + " | kubectl create -f -",
        ]
    }
}
