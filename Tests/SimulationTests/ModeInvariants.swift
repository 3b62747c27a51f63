import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision

@testable import TestSupport

/// What must hold of what detection has opened: nothing begins while the policy only observes, nor without an approval
/// of the plan as it is.
///
/// The clock is the server's counter of versions. What the target was, which mode the policy had and which approvals
/// there were is taken from what was written and read, never from what the engine says about it.
struct ModeInvariants {
    /// A word of a person on a plan.
    private struct Approval {
        var version: Int
        var spec: RecoveryApprovalSpec
    }

    /// A controller has read a target.
    private struct Look {
        var version: Int
        var reader: String
        var target: ObjectKey
        /// Its identity, as plans have it.
        var words: String
    }

    /// The modes of the policy, each with the version from which on it counts.
    private var modes: [(version: Int, mode: PolicyMode)] = []
    private var targets: [ObjectKey: String] = [:]
    private var approvals: [Approval] = []
    private var looks: [Look] = []
    private(set) var problems: [String] = []
    /// How many attempts began under an approval: a run in which none did proves little.
    private(set) var approvedStarts = 0

    /// What was found since the last time.
    mutating func takeProblems() -> [String] {
        defer { problems = [] }
        return problems
    }

    // MARK: What people and others write

    mutating func apply(_ policy: RecoveryPolicy?, at version: Int) {
        // Without its policy a Recovery has the mode that it was accepted with.
        let mode = policy?.spec.effectiveMode ?? .auto
        guard mode != modes.last?.mode else { return }
        modes.append((version, mode))
    }

    mutating func apply(_ approval: RecoveryApproval, at version: Int) {
        guard approval.status == nil else { return }
        approvals.append(Approval(version: version, spec: approval.spec))
    }

    mutating func applyTarget(_ key: ObjectKey, _ object: JSONValue?) {
        targets[key] = object.map { object in
            let uid = object.value(at: ["metadata", "uid"])?.stringValue ?? ""
            // Where nobody counts generations the plan has a digest of the content.
            guard let generation = object.value(at: ["metadata", "generation"])?.intValue else {
                return "(uid \(uid), content "
            }
            return "(uid \(uid), generation \(generation))"
        }
    }

    /// A controller was answered what a target is.
    mutating func read(_ target: ObjectKey, by reader: String, at version: Int) {
        looks.append(Look(version: version, reader: reader, target: target, words: targets[target] ?? "(missing)"))
    }

    // MARK: What begins

    /// Looks at a Recovery as it was just written: `old` is what the decision was made on.
    mutating func apply(_ old: Recovery?, _ new: Recovery, at version: Int) {
        guard new.isOpenedByDetection, let status = new.status, status.effective?.policy != nil,
            let last = status.executions?.last, last.state == .inProgress,
            old?.status?.executions?.contains(where: { $0.id == last.id }) != true
        else { return }
        let decided = old?.metadata.resourceVersion.flatMap(Int.init) ?? 0
        let possible = modes(from: decided, to: version)
        if possible == [.observe] { problems.append("\(new.metadata.key) begins although it is only observed") }
        guard possible == [.approve] else { return }
        approvedStarts += 1
        if let missing = lack(new, status, holder: last.holder ?? "") {
            problems.append("\(new.metadata.key) begins \(missing)")
        }
    }

    /// What is missing for an attempt that has to be approved.
    private func lack(_ recovery: Recovery, _ status: RecoveryStatus, holder: String) -> String? {
        guard let plan = status.plan else { return "without a plan" }
        let words = approvals.filter { approval in
            approval.spec.recoveryRef.uid == recovery.metadata.uid && approval.spec.planHash == plan.hash
        }
        if words.contains(where: { $0.spec.decision.value == .reject }) { return "although its plan was rejected" }
        guard let approval = words.first(where: { $0.spec.decision.value == .approve }) else {
            return "without an approval of its plan"
        }
        guard let name = status.target?.name else { return nil }
        let target = ObjectKey(namespace: status.target?.namespace, name: name)
        let isFresh = looks.contains { look in
            look.version >= approval.version && look.reader == holder && look.target == target
                && plan.steps?.first?.description.contains(look.words) == true
        }
        return isFresh ? nil : "with an approval of a plan that its holder has not compared with the target"
    }

    /// The modes that counted at some time between two versions.
    private func modes(from start: Int, to end: Int) -> Set<PolicyMode> {
        var found: Set<PolicyMode> = []
        for (index, entry) in modes.enumerated() where entry.version <= end {
            let next = index + 1 < modes.count ? modes[index + 1].version : Int.max
            if next > start { found.insert(entry.mode) }
        }
        return found
    }
}
