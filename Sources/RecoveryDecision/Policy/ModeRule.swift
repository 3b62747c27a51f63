internal import FoundationEssentials
internal import JSON
internal import KubernetesCore
package import RecoveryAPI

/// What a policy's mode makes of a Recovery that detection has opened; those that people create run at once.
///
/// Pure. Observe writes what would be done, and later whether the target healed by itself. Approve waits, up to a day, for a
/// RecoveryApproval that names the hash of the plan as it is then: what the attempt would write is found out anew before
/// an approval counts. The live policy's mode counts for whatever has not begun.
struct ModeRule {
    /// What follows.
    enum Outcome {
        /// The next action may start; `status` says who has allowed it.
        case passes(RecoveryStatus)
        /// It waits.
        case holds(GateVerdict, RecoveryStatus)
        /// It never will.
        case ends(FinalVerdict, RecoveryStatus)
        /// What it would write has to be found out first.
        case lacksRehearsal
    }

    let recovery: Recovery
    let facts: RecoveryFacts
    let mode: PolicyMode
    let now: Date

    /// How long an approval is waited for, in seconds: a day.
    private static let approvalTime = 86_400.0

    /// Asks before an action starts; the whole recovery's clock stands still while it holds.
    func outcome(_ accepted: RecoveryStatus) throws -> Outcome {
        guard mode != .auto, recovery.isOpenedByDetection, accepted.effective?.policy != nil,
            let intent = RecoveryPlan.intent(accepted, facts)
        else { return .passes(accepted) }
        var status = accepted
        let steps: [PlannedStep]
        if !intent.canBeRehearsed {
            steps = [intent.step, RecoveryPlan.unknownWrites]
        } else if let rehearsal = facts.rehearsal {
            let now = [intent.step] + rehearsal
            let known = status.plan?.steps ?? []
            steps = RecoveryPlan.allows(now, as: known) ? known : now
        } else if let known = status.plan?.steps, known.first == intent.step, approvals(of: status.plan).isEmpty {
            steps = known
        } else {
            return .lacksRehearsal
        }
        let hash = try RecoveryPlan.hash(of: steps)
        var plan = status.plan ?? RecoveryPlan(hash: hash, time: now)
        if plan.hash != hash || status.plan == nil {
            let old = plan
            plan = RecoveryPlan(hash: hash, strategy: status.currentRung?.name, time: now, steps: steps)
            // Whoever has approved the old one has answered in time, and is asked anew.
            if old.approval == nil { (plan.waitingSince, plan.mode) = (old.waitingSince, old.mode) }
        }
        if plan.waitingSince == nil || plan.mode?.value != mode {
            // A time in which nobody was asked is no time in which nobody has answered.
            (plan.waitingSince, plan.mode, plan.outcome) = (now, .known(mode), nil)
        }
        status.plan = plan
        return mode == .observe ? observe(plan, status) : approve(plan, status)
    }

    private func observe(_ plan: RecoveryPlan, _ accepted: RecoveryStatus) -> Outcome {
        var status = accepted.pausingClock(at: now)
        let seconds = status.effective?.timeoutSeconds ?? 900
        let end = (plan.waitingSince ?? now).addingTimeInterval(Double(seconds))
        let isOver = end <= now
        if isOver { status.plan?.outcome = "not healed by itself within \(seconds) s" }
        return .holds(
            GateVerdict(
                .observeOnly,
                "the policy's mode is Observe; it would be done: \(plan.words)",
                recheckAt: isOver ? nil : end
            ),
            status
        )
    }

    private func approve(_ plan: RecoveryPlan, _ accepted: RecoveryStatus) -> Outcome {
        var status = accepted
        let words = approvals(of: plan)
        if let rejection = words.first(where: { $0.spec.decision.value == .reject }) {
            status.plan?.approval = rejection.metadata.name
            let why = rejection.spec.reason.map { ": \($0)" } ?? ""
            let message = "RecoveryApproval \(rejection.metadata.name ?? "") rejects the plan\(why)"
            return .ends(
                FinalVerdict(state: .cancelled, reason: ConditionReason.rejected, message: message),
                status
            )
        }
        if let approval = words.first(where: { $0.spec.decision.value == .approve }) {
            status.plan?.approval = approval.metadata.name
            return .passes(status)
        }
        let end = (plan.waitingSince ?? now).addingTimeInterval(Self.approvalTime)
        if end <= now {
            return .ends(
                FinalVerdict(
                    state: .failed,
                    reason: "ApprovalExpired",
                    message: "nobody approved the plan within a day: \(plan.words)",
                    level: .manual,
                    nextSteps: status.knownNextSteps(recovery)
                ),
                status
            )
        }
        let message =
            "waits until \(end.text) for a RecoveryApproval with planHash \(plan.hash); the plan: \(plan.words)"
        return .holds(
            GateVerdict(.awaitingApproval, message, recheckAt: end),
            status.pausingClock(at: now)
        )
    }

    /// What people have said about exactly this plan.
    private func approvals(of plan: RecoveryPlan?) -> [RecoveryApproval] {
        guard let plan, mode == .approve else { return [] }
        return facts.approvals.filter { $0.isAbout(recovery) && $0.spec.planHash == plan.hash && !$0.isRefused }
            .sorted { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }
    }
}

extension RecoveryPlan {
    /// The second step of a plan whose writes nobody knows.
    fileprivate static let unknownWrites = PlannedStep(description: "what it writes cannot be said beforehand")

    /// What the current rung is to do, in words: the first step of the plan; nil when there is none.
    ///
    /// Another version of the target makes another plan. Where a rehearsal tells what would be written, reports on the
    /// target's state need not.
    fileprivate static func intent(
        _ status: RecoveryStatus,
        _ facts: RecoveryFacts
    ) -> (step: PlannedStep, canBeRehearsed: Bool)? {
        guard let rung = status.currentRung else { return nil }
        let canBeRehearsed = facts.catalogue[rung.name]?.canBeRehearsed == true
        var words = "\(rung.name) acts on \(status.target?.words.nonEmptyText ?? "no target")"
        let version = [facts.targetVersion, canBeRehearsed ? nil : facts.targetState].compactMap(\.self)
        if !version.isEmpty { words += " (\(version.joined(separator: ", ")))" }
        words += ", for at most \(rung.timeoutSeconds ?? 0) s"
        if let parameters = rung.parameters, !parameters.isEmpty {
            let text = String(decoding: JSONValue.object(JSONObject(parameters)).serialized(), as: UTF8.self)
            words += ", with \(text)"
        }
        var step = PlannedStep(description: words)
        if let target = status.target, let kind = target.kind, let name = target.name {
            step.target = TargetReference(apiVersion: target.apiVersion ?? "v1", kind: kind, name: name)
            step.target?.namespace = target.namespace
            step.target?.uid = target.uid
        }
        return (step, canBeRehearsed)
    }

    /// Whether a plan that is known allows what would be done now: the same, with pods evicted of nobody else.
    ///
    /// Pods come and go by the minute, and with them those of a CronJob altogether, so that a plan by their names would be
    /// another one whenever somebody has approved it. What matters to whoever approves is who loses pods.
    fileprivate static func allows(_ steps: [PlannedStep], as known: [PlannedStep]) -> Bool {
        guard steps.filter({ $0.podsOf == nil }) == known.filter({ $0.podsOf == nil }) else { return false }
        return Set(steps.flatMap { $0.podsOf ?? [] }).isSubset(of: known.flatMap { $0.podsOf ?? [] })
    }

    /// SHA-256 (hexadecimal) over the canonical JSON of the steps.
    ///
    /// - Throws: `EncodingError`.
    static func hash(of steps: [PlannedStep]) throws -> String {
        SHA256.hexDigest(of: try JSONValue(encoding: steps).serialized())
    }

    /// The steps in one sentence, as far as a message has room.
    var words: String { String((steps ?? []).map(\.description).joined(separator: "; ").prefix(512)) }
}

extension Recovery {
    /// Whether detection has opened it; modes govern only those.
    package var isOpenedByDetection: Bool { metadata.labels?[MetadataName.fingerprint] != nil }

    /// Whether it was the detection of a policy, which also sees when the failure is over.
    ///
    /// What such a Recovery has handed over to has its labels, but names no policy: nobody looks for that failure.
    package var isOpenedByPolicy: Bool {
        isOpenedByDetection && metadata.labels?[MetadataName.policy] != nil && spec.policyRef != nil
    }
}

extension RecoveryApproval {
    /// Whether it names this Recovery and no later one of the same name.
    package func isAbout(_ recovery: Recovery) -> Bool {
        metadata.namespace == recovery.metadata.namespace && spec.recoveryRef.name == recovery.metadata.name
            && spec.recoveryRef.uid == recovery.metadata.uid
    }

    /// Whether it was refused: then it stays so, even when the plan becomes what it was.
    fileprivate var isRefused: Bool { status?.result == .refused }
}

extension String {
    fileprivate var nonEmptyText: String? { isEmpty ? nil : self }
}
