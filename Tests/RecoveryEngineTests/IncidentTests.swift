import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

@testable import RecoveryEngine

/// What makes two reports one incident, and what its Recovery says.
@Suite("Incident")
struct IncidentTests {
    private static let since = Date(timeIntervalSince1970: 1_767_225_600)

    private static func placement(_ name: String = "web", cluster: String = "edge") -> Incident {
        var incident = Incident(.syncFailure, namespace: "team", since: since)
        incident.targetRef = TargetReference(apiVersion: RecoveryAPI.apiVersion, kind: "Placement", name: name)
        incident.severity = .medium
        incident.component = "placement"
        incident.operation = "apply"
        incident.reason = "ApplyRefused"
        incident.message = "admission refused it"
        incident.context = ["cluster": cluster]
        return incident
    }

    /// The Recovery of an incident as the hub has it.
    private static func stored(
        _ incident: Incident,
        created: TimeInterval,
        state: RecoveryState? = nil,
        occurrences: Occurrences? = nil
    ) -> Recovery {
        var recovery = incident.recovery(after: [])
        recovery.metadata.creationTimestamp = since.addingTimeInterval(created)
        var status = RecoveryStatus()
        status.state = state
        status.occurrences = occurrences
        recovery.status = status
        return recovery
    }

    @Test("its Recovery is about the object on the hub, lives beside it and names the member in context and label")
    func describesObjects() {
        let incident = Self.placement()
        let recovery = incident.recovery(after: [])
        #expect(recovery.metadata.namespace == "team")
        #expect(recovery.metadata.name == "placement-web-\(incident.fingerprint.prefix(8))-1")
        #expect(recovery.spec.clusterRef == nil && recovery.spec.targetRef == incident.targetRef)
        #expect(recovery.spec.error.message == "ApplyRefused: admission refused it")
        #expect(recovery.spec.error.severity?.value == .medium)
        #expect(recovery.spec.error.component == "placement" && recovery.spec.error.operation == "apply")
        #expect(recovery.spec.error.context == ["cluster": "edge", "reason": "ApplyRefused"])
        #expect(
            recovery.metadata.labels == [
                MetadataName.fingerprint: incident.fingerprint, MetadataName.errorType: "SyncFailure",
                MetadataName.cluster: "edge",
            ]
        )
    }

    @Test("target and error type are what it is; member, message and time are not")
    func fingerprints() {
        let incident = Self.placement()
        var later = Self.placement(cluster: "other")
        later.message = "another one"
        later.since = Self.since.addingTimeInterval(100)
        #expect(later.fingerprint == incident.fingerprint)
        #expect(Self.placement("api").fingerprint != incident.fingerprint)
        var elsewhere = incident
        elsewhere.namespace = "other"
        #expect(elsewhere.fingerprint != incident.fingerprint, "the target's namespace is the Recovery's own")
        var timeout = incident
        timeout.errorType = "SyncTimeout"
        #expect(timeout.fingerprint != incident.fingerprint)
    }

    @Test("a fingerprint is that of the target as it is resolved at acceptance")
    func resolvesTarget() throws {
        let resolved = ResolvedTarget(
            apiVersion: RecoveryAPI.apiVersion,
            kind: "Placement",
            namespace: "team",
            name: "web",
            uid: "1"
        )
        let key = try #require(LockKey(resolved))
        #expect(Self.placement().fingerprint == key.fingerprint(errorType: "SyncFailure"))
    }

    @Test(
        "the number is one above the highest, whatever else lies there",
        arguments: [([], 1), ([1, 3], 4), ([Int.max], 1_000_000_001)]
    )
    func numbers(existing: [Int], expected: Int) {
        let incident = Self.placement()
        let others = existing.map { number in
            var other = incident.recovery(after: [])
            other.metadata.name = "placement-web-\(incident.fingerprint.prefix(8))-\(number)"
            return other
        }
        #expect(incident.recovery(after: others).metadata.name?.hasSuffix("-\(expected)") == true)
    }

    @Test("the name of a member becomes a value that labels may have")
    func cutsLabels() {
        let name = String(repeating: "a", count: 62) + ".example.com"
        let labels = Self.placement(cluster: name).recovery(after: []).metadata.labels
        #expect(labels?[MetadataName.cluster] == String(repeating: "a", count: 62))
    }

    @Test(
        "an unfinished Recovery covers it; a finished one does when it was opened since the failure lasts",
        arguments: [
            (RecoveryState.inProgress, -100.0, true), (.failed, 0, true), (.failed, 5, true), (.failed, -1, false),
            (.completed, -1, false),
        ]
    )
    func covers(state: RecoveryState, created: TimeInterval, expected: Bool) {
        let incident = Self.placement()
        #expect(incident.isCovered(by: Self.stored(incident, created: created, state: state)) == expected)
    }

    @Test("the end of what failed is covered by the Recovery that was under way then, whatever came of that")
    func coversTheEnd() {
        var incident = Self.placement()
        incident.isLast = true
        for (ended, expected) in [(-1.0, false), (0, true), (50, true)] {
            var recovery = Self.stored(incident, created: -100, state: .failed)
            recovery.status?.completionTime = Self.since.addingTimeInterval(ended)
            #expect(incident.isCovered(by: recovery) == expected)
        }
        #expect(incident.isCovered(by: Self.stored(incident, created: -100, state: .inProgress)))
    }

    @Test("a Recovery of another namespace or another failure covers nothing")
    func coversOnlyItsOwn() {
        let incident = Self.placement()
        var recovery = Self.stored(incident, created: 5)
        recovery.metadata.namespace = "other"
        #expect(!incident.isCovered(by: recovery))
        #expect(!incident.isCovered(by: Self.stored(Self.placement("api"), created: 5)))
    }

    @Test("the failure once more counts by its beginning, once, and one a minute at most")
    func counts() {
        let incident = Self.placement()
        #expect(incident.occurrences(after: Self.stored(incident, created: 5)) == nil)
        #expect(incident.occurrences(after: Self.stored(incident, created: -59)) == nil)
        let second = incident.occurrences(after: Self.stored(incident, created: -60))
        #expect(second == Occurrences(count: 2, lastTime: Self.since))
        #expect(incident.occurrences(after: Self.stored(incident, created: -60, occurrences: second)) == nil)
        let known = Occurrences(count: 7, lastTime: Self.since.addingTimeInterval(-61))
        #expect(incident.occurrences(after: Self.stored(incident, created: -900, occurrences: known))?.count == 8)
        let endless = Occurrences(count: .max, lastTime: Self.since.addingTimeInterval(-61))
        let once = Self.stored(incident, created: -9, occurrences: endless)
        #expect(incident.occurrences(after: once)?.count == 1_000_001)
        #expect(incident.occurrences(after: incident.recovery(after: [])) == nil, "no time to compare with")
    }

    @Test("what may be written about a cluster: the first condition that is False, and nothing once it is to go")
    func clusters() {
        var cluster = MemberCluster(
            metadata: ObjectMeta(name: "edge"),
            spec: MemberClusterSpec(kubeconfigSecretRef: SecretReference(name: "s"))
        )
        #expect(cluster.incident(namespace: "system") == nil)
        let finding = ClusterFinding(.unauthorized, reason: "MissingPermissions", message: "may not")
        cluster.status = cluster.status(after: finding, now: Self.since)
        let incident = cluster.incident(namespace: "system")
        #expect(incident?.errorType == "ClusterAuth" && incident?.reason == "MissingPermissions")
        #expect(incident?.since == Self.since && incident?.clusterRef?.name == "edge" && incident?.targetRef == nil)
        #expect(incident?.recovery(after: []).metadata.name?.hasPrefix("membercluster-edge-") == true)
        cluster.metadata.deletionTimestamp = Self.since
        #expect(cluster.incident(namespace: "system") == nil)
    }

    @Test(
        "a Recovery that was completed while the failure lasts covers no later report, unless it is proven for good",
        arguments: [(false, false, false), (true, false, true), (false, true, true)]
    )
    func completedInVain(isWholeProof: Bool, isLate: Bool, covers: Bool) {
        var rule = DetectionRule(
            name: "workloads",
            errorType: "ComponentUnhealthy",
            severity: .high,
            forSeconds: 0,
            healthyForSeconds: 0
        )
        rule.isLate = isLate
        let reference = TargetReference(apiVersion: "apps/v1", kind: "StatefulSet", name: "db", namespace: "team")
        let report = IncidentReport(
            rule,
            DetectedTarget(reference),
            TargetFailure(reason: "PodsNotReady", message: "0 of 3"),
            IncidentTracker.Times(began: Self.since, latest: Self.since)
        )
        let policy = RecoveryPolicy(
            metadata: ObjectMeta(name: "watch", namespace: "team"),
            spec: RecoveryPolicySpec()
        )
        var completed = Self.stored(Incident(report, policy: policy), created: 10, state: .completed)
        completed.status?.completionTime = Self.since.addingTimeInterval(20)
        completed.status?.target = ResolvedTarget(name: "db")
        var effective = EffectiveSettings()
        effective.verify = VerifySettings()
        completed.status?.effective = effective
        let reason = isWholeProof ? "Verified" : ConditionReason.targetHealthy
        completed.status?.conditions = [Condition(type: ConditionType.verified, status: .true, reason: reason)]
        #expect(Incident(report, policy: policy, completed: completed).isCovered(by: completed) == covers)
    }
}
