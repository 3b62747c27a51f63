import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// How nodes and pods add up.
@Suite("ClusterCapacity")
struct ClusterCapacityTests {
    static func node(_ name: String, cpu: String = "4", ready: Bool = true, spec: JSONValue = [:]) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)], "spec": spec,
            "status": [
                "capacity": ["cpu": .string(cpu), "memory": "8Gi", "pods": "110"],
                "allocatable": ["cpu": .string(cpu), "memory": "7Gi", "pods": "110"],
                "conditions": [
                    ["type": "MemoryPressure", "status": "False"],
                    ["type": "Ready", "status": .string(ready ? "True" : "Unknown")],
                ],
            ],
        ]
    }

    static func pod(_ name: String, cpu: String = "500m", on node: String? = nil, status: JSONValue = [:]) -> JSONValue
    {
        var spec: JSONValue = ["containers": [["name": "a", "resources": ["requests": ["cpu": .string(cpu)]]]]]
        if let node { spec["nodeName"] = .string(node) }
        return [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"],
            "spec": spec, "status": status,
        ]
    }

    private func count(_ nodes: [JSONValue], _ pods: [JSONValue] = []) -> ClusterCapacity {
        ClusterCapacity(nodes: nodes.map { NodeRoom($0) }, pods: pods.map { PodDemand($0) })
    }

    @Test("a member is counted page by page, once, and by the same fields as where it is watched")
    func counted() throws {
        let world = VirtualWorld()
        let member = FakeAPIServer(timeSource: world.time)
        let nodes = [Self.node("a"), Self.node("b", spec: ["unschedulable": true])]
        for node in nodes { member.put(node, .nodes) }
        let pods = (0..<1_200).map { Self.pod("p\($0)", cpu: "1m", on: $0 % 3 == 0 ? nil : "a") }
        for pod in pods { member.put(pod, .pods) }
        // The version of the list is gone behind its first page: it begins anew.
        let gone = FakeFault.answer(.failure(410, "Expired", "too old"))
        member.inject(gone, times: 1) { $0.concerns(.pods) && $0.query["continue"] != nil }
        let run = world.start { try await ClusterCapacity.counted(by: member.client()) }
        _ = world.run(until: { run.isFinished })
        #expect(try #require(run.result).get() == count(nodes, pods))
        #expect(member.requests { $0.concerns(.pods) && $0.query["continue"] != nil }.count >= 1)
        let selectors = member.requests { $0.concerns(.pods) }.map { $0.query["fieldSelector"] }
        #expect(Set(selectors) == ["status.phase!=Succeeded,status.phase!=Failed"])
    }

    @Test("nodes that take pods are added up, and pods on them taken off")
    func addsUp() {
        let found = count(
            [Self.node("a"), Self.node("b", cpu: "2500m")],
            [Self.pod("1", on: "a"), Self.pod("2", cpu: "2", on: "a"), Self.pod("3", on: "b")]
        )
        #expect(found.capacity["cpu"] == Quantity("6500m"))
        #expect(found.allocatable["memory"] == Quantity("14Gi"))
        #expect(found.requested["cpu"] == Quantity("3") && found.requested["pods"] == Quantity("3"))
        #expect(found.free["cpu"] == Quantity("3500m") && found.free["pods"] == Quantity("217"))
        #expect(found.largestNodeFree["cpu"] == Quantity("2"), "b has 2500m - 500m, a has 4 - 2500m")
    }

    @Test(
        "a node that takes no pods is capacity and nothing else, and its pods count nowhere",
        arguments: [
            node("b", ready: false), node("b", spec: ["unschedulable": true]),
            node("b", spec: ["taints": [["key": "gpu", "effect": "NoSchedule"]]]),
            node("b", spec: ["taints": [["key": "gone", "effect": "NoExecute"]]]),
        ]
    )
    func leavesOut(node: JSONValue) {
        let found = count([Self.node("a"), node], [Self.pod("1", cpu: "3", on: "b"), Self.pod("2", on: "a")])
        #expect(found.capacity["cpu"] == Quantity("8"))
        #expect(found.allocatable["cpu"] == Quantity("4") && found.requested["cpu"] == Quantity("500m"))
        #expect(found.largestNodeFree["cpu"] == Quantity("3500m"))
    }

    @Test("a taint that only prefers other nodes keeps no pod away")
    func preference() {
        let found = count([Self.node("a", spec: ["taints": [["key": "old", "effect": "PreferNoSchedule"]]])])
        #expect(found.allocatable["cpu"] == Quantity("4"))
    }

    @Test(
        "what has ended or found no place asks for nothing; what waits to be scheduled does",
        arguments: [
            (pod("1", on: "a", status: ["phase": "Succeeded"]), "0"),
            (pod("1", on: "a", status: ["phase": "Failed"]), "0"),
            (pod("1", on: "a", status: ["phase": "Running"]), "500m"), (pod("1", status: ["phase": "Pending"]), "500m"),
            (
                pod("1", status: ["conditions": [["type": "PodScheduled", "reason": "Unschedulable"]]]), "0"
            ),
            (pod("1", on: "gone"), "0"),
        ]
    )
    func countsDemand(pod: JSONValue, expected: String) {
        #expect(count([Self.node("a")], [pod]).requested["cpu"] == Quantity(expected))
    }

    @Test("a cluster without nodes has nothing, and what it has less than nothing of is below zero")
    func extremes() {
        #expect(count([]).free["cpu"] == .zero && count([]).largestNodeFree["cpu"] == .zero)
        let overfull = count([Self.node("a")], [Self.pod("1", cpu: "6", on: "a")])
        #expect(overfull.free["cpu"] == Quantity("-2") && overfull.largestNodeFree["cpu"] == Quantity("-2"))
    }

    @Test("nonsense from a server is nothing, and stops nothing")
    func survives() {
        let nonsense: [JSONValue] = [
            .null, [:], ["spec": 1],
            ["spec": ["containers": "x", "taints": 3], "status": ["allocatable": ["cpu": []]]],
            ["status": ["allocatable": ["cpu": "9999999999999999999999E", "memory": "many"]]],
        ]
        let found = count(nonsense + [Self.node("a")], nonsense)
        #expect(found.allocatable["cpu"] == Quantity("4"))
    }

    @Test("status has the numbers, says when they are old, and has none without the right to look")
    func status() throws {
        let now = ManualTimeSource().wallTime()
        var cluster = MemberCluster(
            metadata: ObjectMeta(name: "edge"),
            spec: MemberClusterSpec(kubeconfigSecretRef: SecretReference(name: "s"))
        )
        let ready = cluster.status(after: ClusterFinding(.usable, reason: "Answering", message: ""), now: now)
        #expect(cluster.status(ready, with: .unknown, now: now) == ready)
        let found = count([Self.node("a")], [Self.pod("1", on: "a")])
        let counted = cluster.status(ready, with: .counted(found), now: now)
        #expect(counted.capacity == ["cpu": "4", "memory": "8Gi", "pods": "110"])
        #expect(counted.allocatable?["memory"] == "7Gi")
        #expect(counted.requested == ["cpu": "500m", "pods": "1"])
        #expect(counted.conditions?.isTrue(ConditionType.capacityKnown) == true)
        cluster.status = counted
        #expect(cluster.status(counted, with: .unknown, now: now) == counted, "between two sessions")
        let lost = cluster.status(after: ClusterFinding(.unreachable, reason: "ConnectTimeout", message: ""), now: now)
        let old = cluster.status(lost, with: .unknown, now: now)
        #expect(old.allocatable == counted.allocatable)
        #expect(old.conditions?[type: ConditionType.capacityKnown]?.status == .unknown)
        let missing = RequiredPermission(resource: "nodes", verbs: ["list", "watch"])
        let forbidden = cluster.status(counted, with: .forbidden([missing]), now: now)
        #expect(forbidden.capacity == nil && forbidden.allocatable == nil && forbidden.requested == nil)
        let condition = try #require(forbidden.conditions?[type: ConditionType.capacityKnown])
        #expect(condition.status == .false && condition.reason == "MissingPermissions")
        #expect(condition.message == "for capacity the credential needs: list nodes, watch nodes")
    }
}
