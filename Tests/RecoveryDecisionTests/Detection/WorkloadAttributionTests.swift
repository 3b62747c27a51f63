import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// Which workload a failing pod belongs to: one incident for a workload, not one for each pod.
@Suite("WorkloadAttribution")
struct WorkloadAttributionTests {
    private typealias Rules = WorkloadRulesTests

    private static func pod(_ name: String, _ owner: (kind: String, name: String)?, _ reason: String?) -> ObservedObject
    {
        var status: JSONValue = ["phase": "Running"]
        if let reason { status["containerStatuses"] = [Rules.waiting(reason)] }
        return Rules.object("v1", "Pod", name, status: status, owner: owner)
    }

    private static let replicaSet = Rules.object(
        "apps/v1",
        "ReplicaSet",
        "web-1",
        status: [:],
        owner: ("Deployment", "web")
    )
    private static let bareReplicaSet = Rules.object("apps/v1", "ReplicaSet", "alone", status: [:])

    private static func look(_ objects: [ObservedObject], kinds: [WorkloadKind]? = nil) -> [String: String] {
        var detector = WorkloadDetector()
        detector.kinds = kinds?.map { .known($0) }
        let seen = Dictionary(grouping: objects) { GroupVersionKind(apiVersion: $0.apiVersion, kind: $0.kind) }
        var found: [String: String] = [:]
        for (target, verdict) in detector.verdicts(seen) {
            let name = "\(target.reference.kind)/\(target.reference.name)"
            if case .failing(let failure) = verdict { found[name] = failure.reason } else { found[name] = "\(verdict)" }
        }
        return found
    }

    private static func deployment(_ available: String) -> ObservedObject {
        let condition = Rules.condition("Available", available, "MinimumReplicasUnavailable")
        return Rules.object(
            "apps/v1",
            "Deployment",
            status: ["observedGeneration": 1, "conditions": [condition]]
        )
    }

    @Test("the pods of a Deployment fail as that Deployment, behind its ReplicaSet, and say why")
    func deployments() {
        let pods = (1...3).map { Self.pod("web-1-\($0)", ("ReplicaSet", "web-1"), "CrashLoopBackOff") }
        let found = Self.look([Self.deployment("False"), Self.replicaSet] + pods)
        #expect(found == ["Deployment/web": "CrashLoopBackOff"])
        #expect(Self.look([Self.deployment("True"), Self.replicaSet] + pods) == ["Deployment/web": "CrashLoopBackOff"])
        #expect(Self.look([Self.deployment("False")]) == ["Deployment/web": "MinimumReplicasUnavailable"])
        let well = Self.pod("web-1-1", ("ReplicaSet", "web-1"), nil)
        #expect(Self.look([Self.deployment("True"), Self.replicaSet, well]) == ["Deployment/web": "healthy"])
    }

    @Test("since when is what the Deployment says, why is what the pod says")
    func since() {
        let pod = Self.pod("p", ("ReplicaSet", "web-1"), "ErrImagePull")
        let seen: [GroupVersionKind: [ObservedObject]] = [
            APIResource.deployments.groupVersionKind: [Self.deployment("False")],
            APIResource.replicaSets.groupVersionKind: [Self.replicaSet],
            APIResource.pods.groupVersionKind: [pod],
        ]
        guard case .failing(let failure) = WorkloadDetector().verdicts(seen).values.first else {
            Issue.record("not failing")
            return
        }
        #expect(failure.since == Date(timeIntervalSince1970: 1_767_225_600))
        #expect(failure.message == "Pod p: container app: back-off")
    }

    @Test("any owner is a target, and a pod of its own is one itself")
    func owners() {
        let found = Self.look([
            Self.bareReplicaSet, Self.pod("a", ("ReplicaSet", "alone"), "CrashLoopBackOff"),
            Self.pod("b", ("StatefulSet", "db"), "ImagePullBackOff"), Self.pod("c", ("Rollout", "canary"), nil),
            Self.pod("d", nil, "CrashLoopBackOff"),
        ])
        #expect(
            found == [
                "ReplicaSet/alone": "CrashLoopBackOff", "StatefulSet/db": "ImagePullBackOff",
                "Rollout/canary": "healthy",
                "Pod/d": "CrashLoopBackOff",
            ]
        )
    }

    @Test("a pod whose ReplicaSet is not known yet is nobody's failure")
    func unknownReplicaSet() {
        #expect(Self.look([Self.pod("a", ("ReplicaSet", "web-1"), "CrashLoopBackOff")]).isEmpty)
    }

    @Test("only the kinds that were asked for are looked at and watched; pods take ReplicaSets with them")
    func kinds() {
        let objects = [Self.deployment("False"), Self.pod("d", nil, "CrashLoopBackOff")]
        #expect(Self.look(objects, kinds: [.pod]) == ["Pod/d": "CrashLoopBackOff"])
        #expect(Self.look(objects, kinds: [.deployment]) == ["Deployment/web": "MinimumReplicasUnavailable"])
        var detector = WorkloadDetector()
        detector.kinds = [.known(.job)]
        #expect(detector.observedKinds.map(\.kind) == ["Job"])
        detector.kinds = [.known(.pod)]
        #expect(detector.observedKinds.map(\.kind) == ["Pod", "ReplicaSet"])
    }

    @Test("which of several pods is named does not depend on their order")
    func order() {
        let pods = (1...4).map { Self.pod("p\($0)", ("StatefulSet", "db"), "CrashLoopBackOff") }
        for seed in UInt64(1)...20 {
            var random = SeededNumbers(seed)
            var rest = pods
            var shuffled: [ObservedObject] = []
            while !rest.isEmpty { shuffled.append(rest.remove(at: random.next(below: rest.count))) }
            let seen = [APIResource.pods.groupVersionKind: shuffled]
            guard case .failing(let failure) = WorkloadDetector().verdicts(seen).values.first else {
                Issue.record("not failing")
                return
            }
            #expect(failure.message.hasPrefix("Pod p1:"))
        }
    }

    @Test("what a Recovery made, such as its Job, is nothing to recover, nor are the pods that say so")
    func ownJobs() throws {
        let failed: JSONValue = [
            "apiVersion": "batch/v1", "kind": "Job", "status": ["conditions": [Rules.condition("Failed", "True", "x")]],
            "metadata": [
                "name": "rcv-1", "namespace": "team",
                "ownerReferences": [
                    ["apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery", "name": "r", "uid": "u"]
                ],
            ],
        ]
        let job = ObservedObject(failed)
        #expect(job.workload != nil && !job.isWatched && Self.look([job]).isEmpty)
        var pod = Self.pod("rcv-1-x", ("Job", "rcv-1"), "CrashLoopBackOff")
        pod.labels = [MetadataName.exclude: "true"]
        #expect(Self.look([pod]).isEmpty)
        let owners = PodOwners([APIResource.pods.groupVersionKind: [pod]])
        #expect(owners.target(of: pod.target.reference) == nil, "an event about it is none about the Job")
    }
}
