import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

@Suite("SelfHealing")
struct SelfHealingTests {
    private let created = Date(timeIntervalSince1970: 1_000)

    private func recovery(_ type: ErrorType = .clusterUnreachable, isDetected: Bool = true) -> Recovery {
        var spec = RecoverySpec(error: ReportedError(type: type.rawValue))
        spec.clusterRef = NameReference(name: "edge")
        var metadata = ObjectMeta(name: "r", namespace: "ns")
        metadata.creationTimestamp = created
        if isDetected { metadata.labels = [MetadataName.fingerprint: "abc"] }
        return Recovery(metadata: metadata, spec: spec)
    }

    private func condition(_ type: String, _ status: Condition.Status, at seconds: Double = 1_010) -> Condition {
        var condition = Condition(type: type, status: status, reason: "R", message: "")
        condition.lastTransitionTime = Date(timeIntervalSince1970: seconds)
        return condition
    }

    @Test("a condition that turned True after the Recovery was opened completes it")
    func heals() throws {
        let verdict = try #require(
            SelfHealing.verdict(recovery(), clusterConditions: [condition(ConditionType.reachable, .true)])
        )
        #expect(verdict.state == .completed && verdict.reason == "SelfHealed")
    }

    @Test("an older True, an unknown state and a failure are no healing")
    func doesNotHeal() {
        let type = ConditionType.reachable
        for condition in [condition(type, .true, at: 999), condition(type, .unknown), condition(type, .false)] {
            #expect(SelfHealing.verdict(recovery(), clusterConditions: [condition]) == nil)
        }
        #expect(SelfHealing.verdict(recovery(), clusterConditions: []) == nil)
    }

    @Test("credentials need both conditions, one of which has changed since")
    func credentials() {
        let authenticated = condition(ConditionType.authenticated, .true)
        let authorized = condition(ConditionType.authorized, .true, at: 10)
        let auth = recovery(.clusterAuth)
        #expect(SelfHealing.verdict(auth, clusterConditions: [authenticated]) == nil)
        #expect(SelfHealing.verdict(auth, clusterConditions: [authenticated, authorized]) != nil)
    }

    @Test("what people have opened, what has a target, and what is under way goes on")
    func leavesOthersAlone() {
        let healthy = [condition(ConditionType.reachable, .true)]
        #expect(SelfHealing.verdict(recovery(isDetected: false), clusterConditions: healthy) == nil)
        var running = recovery()
        running.status = RecoveryStatus()
        var execution = RecoveryExecution(id: "x", attempt: 1, strategy: "ClusterConnectivity")
        execution.state = .inProgress
        running.status?.executions = [execution]
        #expect(SelfHealing.verdict(running, clusterConditions: healthy) == nil)
        execution.state = .failed
        running.status?.executions = [execution]
        #expect(SelfHealing.verdict(running, clusterConditions: healthy) != nil)
        #expect(SelfHealing.verdict(recovery(.syncFailure), clusterConditions: healthy) == nil)
    }

    @Test(
        "a Placement or Migration heals by the conditions that its failure is about",
        arguments: [
            (ErrorType.syncFailure, "Placement", ["Synced"]), (.syncConflict, "Placement", ["Synced"]),
            (.syncTimeout, "Placement", ["Synced", "Ready"]),
            (.placementCapacity, "Placement", ["Scheduled", "Ready"]),
            (.placementConstraint, "Placement", ["Scheduled", "Ready"]),
            (.placementPolicy, "Placement", ["Scheduled", "Ready"]),
            (.migrationFailure, "Migration", ["Succeeded"]), (.migrationTimeout, "Migration", ["Succeeded"]),
        ]
    )
    func targets(type: ErrorType, kind: String, needed: [String]) throws {
        var recovery = recovery(type)
        recovery.spec.clusterRef = nil
        recovery.spec.targetRef = TargetReference(apiVersion: RecoveryAPI.apiVersion, kind: kind, name: "web")
        let healthy = needed.map { condition($0, .true) }
        let verdict = try #require(SelfHealing.verdict(recovery, clusterConditions: [], targetConditions: healthy))
        #expect(verdict.state == .completed && verdict.message.hasPrefix("\(kind) web is well again by itself"))
        #expect(
            SelfHealing.verdict(recovery, clusterConditions: healthy) == nil,
            "the conditions of clusters are no matter"
        )
        for index in healthy.indices {
            var ill = healthy
            ill[index].status = .false
            #expect(SelfHealing.verdict(recovery, clusterConditions: [], targetConditions: ill) == nil)
        }
        let old = needed.map { condition($0, .true, at: 999) }
        #expect(SelfHealing.verdict(recovery, clusterConditions: [], targetConditions: old) == nil)
        recovery.spec.targetRef?.apiVersion = "apps/v1"
        #expect(SelfHealing.verdict(recovery, clusterConditions: [], targetConditions: healthy) == nil)
    }

    @Test("a target that detection sees well for its time completes its Recovery, unless an attempt is under way")
    func detectedHealth() {
        for finding in [DetectionFinding.unwatched, .unseen, .suspected, .confirmed, .convalescent] {
            #expect(SelfHealing.verdict(recovery(), clusterConditions: [], detection: finding) == nil)
        }
        var healed = recovery(.syncFailure)
        #expect(SelfHealing.verdict(healed, clusterConditions: [], detection: .healed)?.state == .completed)
        healed.status = RecoveryStatus()
        var execution = RecoveryExecution(id: "x", attempt: 1, strategy: "Generic")
        execution.state = .inProgress
        healed.status?.executions = [execution]
        #expect(SelfHealing.verdict(healed, clusterConditions: [], detection: .healed) == nil)
    }

    @Test("only a failure that this leader has seen for its time, or that nobody looks at, lets an attempt start")
    func gates() {
        for finding in [DetectionFinding.unseen, .suspected, .convalescent] {
            #expect(finding.gate(until: nil)?.gate == .warmingUp)
        }
        for finding in [DetectionFinding.unwatched, .confirmed, .healed] { #expect(finding.gate(until: nil) == nil) }
    }
}
