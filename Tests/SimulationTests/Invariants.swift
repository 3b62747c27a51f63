import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import RecoveryTestSupport
import Timekeeping

@testable import RecoveryEngine
@testable import TestSupport

/// What must hold at every request and after every change of the server's state, whatever goes wrong.
struct Invariants {
    /// Changes up to this version were checked.
    private(set) var version = 1000
    private(set) var violations: [String] = []
    /// What counts under policies.
    private(set) var policies = PolicyInvariants()
    /// What their modes allow.
    private(set) var modes = ModeInvariants()
    /// What their detection opens.
    private(set) var detection = DetectionInvariants()
    /// What is on member clusters.
    var fleet = FleetInvariants()
    private var recoveries: [ObjectKey: Recovery] = [:]
    /// Holders of the target locks by the Lease's name: uids of Recoveries.
    private var locks: [String: String] = [:]
    /// Tags of the writes of ``ScriptedStrategy`` that the server has done.
    private var done: Set<String> = []
    /// Uids of Recoveries whose cancellation a process has read in the answer to one of its own status writes.
    private var toldOfCancel: Set<[String]> = []

    /// A Recovery as the server has it.
    func recovery(_ key: ObjectKey) -> Recovery? { recoveries[key] }

    mutating func fail(_ text: String) {
        violations.append(text)
    }

    // MARK: Requests

    /// Checks a request at the moment at which it is sent, by what the server knows then.
    mutating func sent(_ request: FakeRequest) {
        guard request.isWrite, request.target?.collection.plural == "configmaps" else { return }
        if let tag = Self.tag(request) {
            checkTagged(tag, request)
        } else {
            let holders = running(on: request.target?.name).filter { recovery in
                let last = recovery.status?.executions?.last
                let isStarted = last?.result?.actions?.contains { $0.name == "TouchTarget" && $0.result == .started }
                return last?.holder == request.identity && isStarted == true
            }
            if holders.isEmpty { fail("\(request.identity) changes \(request.path) without a Started record") }
        }
        let others = running(on: request.target?.name).map { $0.metadata.key.description }
        if others.count > 1 { fail("several attempts run on \(request.path): \(others)") }
    }

    private mutating func checkTagged(_ tag: [String], _ request: FakeRequest) {
        let who = "\(request.identity) does \(tag.joined(separator: " "))"
        // One that is gone cannot be fenced by its status; the delete reaches the attempt a moment later.
        guard let recovery = recoveries.first(where: { $0.key.description == tag[0] })?.value else { return }
        guard let last = recovery.status?.executions?.last, last.id == tag[1] else {
            return fail("\(who) although that is not the last execution")
        }
        if recovery.isFinal { fail("\(who) although it is \(recovery.state)") }
        if last.state != .inProgress { fail("\(who) although the execution is \(last.state)") }
        if last.holder != request.identity { fail("\(who) although \(last.holder ?? "nobody") holds it") }
        let record = last.result?.actions?.last { $0.name == tag[2] }
        if record?.result != .started {
            fail("\(who) although it is recorded as \(record?.result.rawValue ?? "nothing")")
        }
        if let lock = recovery.status?.target.flatMap(LockKey.init), locks[lock.leaseName] != recovery.metadata.uid {
            fail("\(who) without the target's lock")
        }
        if toldOfCancel.contains([request.identity, recovery.metadata.uid ?? ""]) {
            fail("\(who) although it knows of the cancellation")
        }
    }

    /// The server has done a request.
    mutating func landed(_ request: FakeRequest) {
        if request.verb == .get, let target = request.target, target.collection.plural == "configmaps",
            let key = target.key
        {
            modes.read(key, by: request.identity, at: version)
        }
        guard request.isWrite, let tag = Self.tag(request) else { return }
        if !done.insert(tag.joined(separator: "|")).inserted { fail("\(tag.joined(separator: " ")) was done twice") }
    }

    /// The sender of a status write has read its answer, which shows the object as it was written.
    mutating func delivered(_ request: FakeRequest, _ answer: Recovery?) {
        guard let answer, answer.spec.isCancelled else { return }
        toldOfCancel.insert([request.identity, answer.metadata.uid ?? ""])
    }

    /// A member has removed a copy for the controller.
    mutating func removedCopy(_ uid: String, from cluster: String, left: Set<String>, now: MonotonicInstant) {
        fleet.removed(uid, from: cluster, left: left, now: now)
        violations += fleet.takeProblems()
    }

    private func running(on target: String?) -> [Recovery] {
        running { $0.status?.target?.name == target && target != nil }
    }

    private func running(where isMeant: (Recovery) -> Bool) -> [Recovery] {
        recoveries.values.filter { recovery in
            isMeant(recovery) && !recovery.isFinal && recovery.status?.executions?.last?.state == .inProgress
        }.sorted { $0.metadata.key < $1.metadata.key }
    }

    private static func tag(_ request: FakeRequest) -> [String]? {
        guard let text = request.json.value(at: ["metadata", "annotations", ScriptedStrategy.tag])?.stringValue
        else { return nil }
        let parts = text.split(separator: "|").map(String.init)
        // A tag that an older write has left is no statement of this one.
        guard parts.count == 3, request.verb == .update else { return nil }
        return parts
    }

    // MARK: At rest

    /// Whether nothing is left to be done for any Recovery.
    private(set) var isSettled = true

    /// The Recoveries that are neither final nor held for a reason that only a person can remove.
    func unsettled() -> [String] {
        recoveries.values.filter { !Self.isSettled($0) }.map(Self.describe).sorted()
    }

    private static func isSettled(_ recovery: Recovery) -> Bool {
        if recovery.isFinal { return true }
        let admitted = recovery.status?.conditions?[type: ConditionType.admitted]
        guard recovery.state == .pending, admitted?.status == .false else { return false }
        return recovery.spec.isSuspended && admitted?.reason == RecoveryGate.suspended.rawValue
            || admitted?.reason == RecoveryGate.observeOnly.rawValue
    }

    /// The final Recoveries that a leader should have deleted by now.
    func overdue(at now: Date) -> [String] {
        recoveries.values.filter { $0.expiry.map { $0 < now } ?? false }.map(Self.describe).sorted()
    }

    /// The plans that wait for an approval, by Recovery.
    func awaited() -> [(recovery: Recovery, hash: String)] {
        recoveries.values.compactMap { recovery in
            let admitted = recovery.status?.conditions?[type: ConditionType.admitted]
            guard !recovery.isFinal, admitted?.reason == RecoveryGate.awaitingApproval.rawValue,
                let plan = recovery.status?.plan
            else { return nil }
            return (recovery, plan.hash)
        }.sorted { $0.recovery.metadata.key < $1.recovery.metadata.key }
    }

    /// How many Recoveries are held because the policy only observes.
    var observed: Int {
        recoveries.values.count {
            !$0.isFinal
                && $0.status?.conditions?[type: ConditionType.admitted]?.reason == RecoveryGate.observeOnly.rawValue
        }
    }

    /// The state of every Recovery.
    var states: [String] { recoveries.map { "\($0.key) \($0.value.state)" }.sorted() }

    /// Target locks whose holders are final or gone.
    func locksOfFinal() -> [String] {
        locks.filter { name, holder in
            name.hasPrefix("rcv-")
                && !recoveries.values.contains { $0.metadata.uid == holder && !$0.isFinal }
        }.map { "lock \($0.key) of \($0.value) is left" }.sorted()
    }

    // MARK: Changes

    /// Checks one change of the server's state.
    ///
    /// - Returns: Lines for the trace.
    mutating func apply(_ change: FakeState.Change) -> [String] {
        version = change.version
        switch change.collection.plural {
        case "leases":
            let holder = change.new?.value(at: ["spec", "holderIdentity"])?.stringValue
            locks[change.key.name] = holder
            return change.key.name.hasPrefix("rcv-") ? ["lock \(change.key.name) held by \(holder ?? "nobody")"] : []
        case RecoveryPolicy.resource.plural: return applyPolicy(change)
        case "configmaps":
            policies.applyTarget(change.key, change.new)
            modes.applyTarget(change.key, change.new)
            detection.applyTarget(change.key, change.new)
            return []
        case RecoveryApproval.resource.plural: return applyApproval(change)
        case Placement.resource.plural, Migration.resource.plural:
            defer { violations += fleet.takeProblems() }
            return fleet.apply(change)
        case Recovery.resource.plural:
            defer { isSettled = recoveries.values.allSatisfy(Self.isSettled) }
            return applyRecovery(change)
        default: return []
        }
    }

    private mutating func applyPolicy(_ change: FakeState.Change) -> [String] {
        do {
            let policy = try change.new?.decode(RecoveryPolicy.self)
            modes.apply(policy, at: change.version)
            detection.apply(policy)
            let lines = policies.apply(change.key, policy)
            violations += policies.takeProblems()
            return lines
        } catch {
            fail("\(change.key) cannot be read: \(error)")
            return []
        }
    }

    private mutating func applyApproval(_ change: FakeState.Change) -> [String] {
        guard let content = change.new else { return [] }
        do {
            let approval = try content.decode(RecoveryApproval.self)
            modes.apply(approval, at: change.version)
            let word = approval.status?.result?.rawValue ?? approval.spec.decision.rawValue
            return ["\(change.key) about \(approval.spec.recoveryRef.name): \(word)"]
        } catch {
            fail("\(change.key) cannot be read: \(error)")
            return []
        }
    }

    private mutating func applyRecovery(_ change: FakeState.Change) -> [String] {
        guard let content = change.new else {
            recoveries[change.key] = nil
            return ["\(change.key) deleted"]
        }
        do {
            let new = try content.decode(Recovery.self)
            let old = recoveries[change.key]
            recoveries[change.key] = new
            for problem in StatusInvariants(old: old, new: new).problems() {
                fail("\(change.key) at \(change.version): \(problem)")
            }
            checkStart(old, new)
            policies.apply(new)
            modes.apply(old, new, at: change.version)
            if old == nil {
                detection.opened(new, among: recoveries.values.filter { $0.metadata.uid != new.metadata.uid })
            }
            violations += policies.takeProblems() + modes.takeProblems() + detection.takeProblems()
            return [Self.describe(new)]
        } catch {
            fail("\(change.key) cannot be read: \(error)")
            return []
        }
    }

    /// An attempt begins only under the target's lock, only one at a time, and never above its policy's limit.
    private mutating func checkStart(_ old: Recovery?, _ new: Recovery) {
        guard let last = new.status?.executions?.last, last.state == .inProgress, !new.isFinal else { return }
        let before = old?.status?.executions?.last
        guard before?.id != last.id || before?.state != .inProgress || before?.holder != last.holder else { return }
        if let limit = new.status?.effective?.limits?.maxConcurrent {
            // By name: one that was made again is the same to those who wait under it.
            let policy = new.status?.effective?.policy?.name
            let all = running { $0.status?.effective?.policy?.name == policy }.map(\.metadata.key.description)
            if all.count > limit { fail("more run than the policy's \(limit): \(all)") }
        }
        guard let lock = new.status?.target.flatMap(LockKey.init) else { return }
        if locks[lock.leaseName] != new.metadata.uid { fail("\(new.metadata.key) begins without the target's lock") }
        let all = running(on: new.status?.target?.name).map { $0.metadata.key.description }
        if all.count > 1 { fail("several attempts run on one target: \(all)") }
    }

    private static func describe(_ recovery: Recovery) -> String {
        let status = recovery.status
        let last = status?.executions?.last
        let actions = (last?.result?.actions ?? []).map { "\($0.name)=\($0.result)" }.joined(separator: ",")
        return "\(recovery.metadata.key) v\(recovery.metadata.resourceVersion ?? "") \(recovery.state)"
            + (recovery.spec.isCancelled ? " cancel" : "") + (recovery.spec.isSuspended ? " suspend" : "")
            + " attempts=\(status?.attempts ?? 0) \(last?.id ?? "") \(last?.state.rawValue ?? "")"
            + " \(last?.holder ?? "") [\(actions)] \(status?.message ?? "")"
    }
}
