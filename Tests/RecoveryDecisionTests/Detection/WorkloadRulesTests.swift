import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// The failures of workloads, as their controllers and kubelets write them (states recorded from Kubernetes 1.20 to 1.33).
@Suite("WorkloadRules")
struct WorkloadRulesTests {
    static func object(
        _ apiVersion: String,
        _ kind: String,
        _ name: String = "web",
        spec: JSONValue = [:],
        status: JSONValue,
        owner: (kind: String, name: String)? = nil
    ) -> ObservedObject {
        var metadata: JSONValue = ["name": .string(name), "namespace": "team", "generation": 1]
        if let owner {
            metadata["ownerReferences"] = [
                [
                    "apiVersion": owner.kind == "Job" ? "batch/v1" : "apps/v1", "kind": .string(owner.kind),
                    "name": .string(owner.name), "uid": "1", "controller": true,
                ]
            ]
        }
        return ObservedObject(
            [
                "apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": metadata, "spec": spec,
                "status": status,
            ]
        )
    }

    static func condition(_ type: String, _ status: String, _ reason: String = "") -> JSONValue {
        [
            "type": .string(type), "status": .string(status), "reason": .string(reason), "message": "m",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        ]
    }

    static func waiting(_ reason: String, container: String = "app") -> JSONValue {
        ["name": .string(container), "state": ["waiting": ["reason": .string(reason), "message": "back-off"]]]
    }

    private static func reason(_ object: ObservedObject) -> String? {
        switch object.workload {
        case .failing(let failure): failure.reason
        case .healthy: "healthy"
        case .unknown: "unknown"
        case nil: nil
        }
    }

    @Test(
        "Deployments: not available, or past the progress deadline",
        arguments: [
            ([condition("Available", "True")], "healthy"),
            ([condition("Available", "False", "MinimumReplicasUnavailable")], "MinimumReplicasUnavailable"),
            (
                [condition("Available", "True"), condition("Progressing", "False", "ProgressDeadlineExceeded")],
                "ProgressDeadlineExceeded"
            ),
            ([condition("Available", "True"), condition("Progressing", "Unknown", "DeploymentPaused")], "healthy"),
            ([], "unknown"),
        ] as [([JSONValue], String)]
    )
    func deployments(conditions: [JSONValue], expected: String) {
        let status: JSONValue = ["observedGeneration": 1, "conditions": .array(conditions)]
        #expect(Self.reason(Self.object("apps/v1", "Deployment", status: status)) == expected)
    }

    @Test("a Deployment whose controller has not seen the newest spec says nothing")
    func unobserved() {
        let status: JSONValue = ["observedGeneration": 0, "conditions": [Self.condition("Available", "False")]]
        #expect(Self.reason(Self.object("apps/v1", "Deployment", status: status)) == "unknown")
    }

    @Test("StatefulSets: fewer pods ready than wanted, with how far a rollout has come")
    func statefulSets() {
        func verdict(_ status: JSONValue) -> TargetVerdict? {
            Self.object("apps/v1", "StatefulSet", spec: ["replicas": 3], status: status).workload
        }
        #expect(verdict([:]) == .unknown)
        #expect(verdict(["replicas": 3, "readyReplicas": 3]) == .healthy)
        let failing = verdict(["replicas": 3, "readyReplicas": 1, "updatedReplicas": 2])
        let failure = TargetFailure(reason: "PodsNotReady", message: "1 of 3 pods are ready", progress: 3)
        #expect(failing == .failing(failure))
        let most = JSONValue.number(JSONNumber(Int64.max))
        guard case .failing(let odd) = verdict(["replicas": 1, "readyReplicas": -1, "updatedReplicas": most]) else {
            Issue.record("not failing")
            return
        }
        #expect(odd.progress == Int(Int64.max - 1))
    }

    @Test("DaemonSets: fewer pods ready than nodes that should have one")
    func daemonSets() {
        func reason(_ status: JSONValue) -> String? { Self.reason(Self.object("apps/v1", "DaemonSet", status: status)) }
        #expect(reason(["desiredNumberScheduled": 0]) == "healthy")
        #expect(reason(["desiredNumberScheduled": 2, "numberReady": 2]) == "healthy")
        #expect(reason(["desiredNumberScheduled": 2, "numberReady": 1]) == "PodsNotReady")
        #expect(reason([:]) == "unknown")
    }

    @Test("Jobs: failed for good")
    func jobs() {
        func reason(_ conditions: [JSONValue]) -> String? {
            Self.reason(Self.object("batch/v1", "Job", status: ["conditions": .array(conditions), "failed": 1]))
        }
        #expect(reason([]) == "healthy")
        #expect(reason([Self.condition("Complete", "True")]) == "healthy")
        #expect(reason([Self.condition("Failed", "True", "BackoffLimitExceeded")]) == "BackoffLimitExceeded")
    }

    @Test("Nodes: not ready, or silent")
    func nodes() {
        func reason(_ conditions: [JSONValue]) -> String? {
            Self.reason(Self.object("v1", "Node", status: ["conditions": .array(conditions)]))
        }
        #expect(reason([Self.condition("Ready", "True", "KubeletReady")]) == "healthy")
        #expect(reason([Self.condition("Ready", "False", "KubeletNotReady")]) == "KubeletNotReady")
        #expect(reason([Self.condition("Ready", "Unknown", "NodeStatusUnknown")]) == "NodeStatusUnknown")
        #expect(reason([]) == "unknown")
    }

    @Test(
        "Pods: containers that wait in vain, in the word that stays the same between back-offs",
        arguments: [
            ("CrashLoopBackOff", "CrashLoopBackOff"), ("ImagePullBackOff", "ImagePullBackOff"),
            ("ErrImagePull", "ImagePullBackOff"), ("InvalidImageName", "InvalidImageName"),
            ("CreateContainerConfigError", "CreateContainerConfigError"), ("ContainerCreating", "healthy"),
            ("PodInitializing", "healthy"),
        ]
    )
    func pods(reason: String, expected: String) {
        for field in ["containerStatuses", "initContainerStatuses"] {
            var status: JSONValue = ["phase": "Pending"]
            status[field] = [Self.waiting(reason)]
            #expect(Self.reason(Self.object("v1", "Pod", status: status)) == expected)
        }
    }

    @Test("a container that crashed, runs again and is not ready still crashes; one that is ready has recovered")
    func betweenCrashes() {
        func reason(ready: Bool, exitCode: Int64) -> String? {
            let container: JSONValue = [
                "name": "app", "ready": .bool(ready), "restartCount": 2, "state": ["running": [:]],
                "lastState": ["terminated": ["exitCode": .number(JSONNumber(exitCode))]],
            ]
            return Self.reason(
                Self.object("v1", "Pod", status: ["phase": "Running", "containerStatuses": [container]])
            )
        }
        #expect(reason(ready: false, exitCode: 1) == "CrashLoopBackOff")
        #expect(reason(ready: true, exitCode: 1) == "healthy")
        #expect(reason(ready: false, exitCode: 0) == "healthy")
    }

    @Test("a pod that no node has room for fails with the scheduler's words; one that has ended does not")
    func unschedulable() {
        let condition = Self.condition("PodScheduled", "False", "Unschedulable")
        let pending = Self.object("v1", "Pod", status: ["phase": "Pending", "conditions": [condition]])
        guard case .failing(let failure) = pending.workload else {
            Issue.record("not failing")
            return
        }
        #expect(failure.reason == "Unschedulable" && failure.message == "Pod web: m")
        for phase in ["Failed", "Succeeded"] {
            let status: JSONValue = ["phase": .string(phase), "conditions": [condition]]
            #expect(Self.reason(Self.object("v1", "Pod", status: status)) == "healthy")
        }
    }

    @Test("no document, however odd, ends the process or makes a failure of nothing")
    func oddDocuments() {
        let odd: [JSONValue] = [.null, 1, "x", [], [[:]], ["conditions": 7], ["conditions": [["type": 1]]]]
        for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
            for status in odd {
                let content: JSONValue = ["apiVersion": "apps/v1", "kind": .string(kind), "status": status]
                #expect(ObservedObject(content).workload == .unknown, "\(kind) \(status)")
            }
        }
        for status in odd + [["phase": "Running", "containerStatuses": ["x", ["state": ["waiting": 1]]]]] {
            #expect(ObservedObject(["apiVersion": "v1", "kind": "Pod", "status": status]).workload == .healthy)
        }
    }
}
