import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// Member clusters under a policy that looks at them, with a whole engine in virtual time.
@Suite("Cluster health", .timeLimit(.minutes(2)))
struct ClusterHealthTests {
    private static let refused = MemberScene.failing(.tcp, code: 7, systemCode: 111)

    private func put(
        _ name: String,
        _ health: JSONValue = [:],
        namespace: String = StrategyHarness.namespace,
        more: JSONValue = [:],
        in fleet: FleetScene
    ) {
        var spec: JSONValue = ["mode": "Auto", "detection": ["clusterHealth": health]]
        for (field, value) in more.objectValue ?? [:] { spec[field] = value }
        fleet.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec,
            ],
            RecoveryPolicy.resource
        )
    }

    private func status(_ name: String, _ fleet: FleetScene) throws -> RecoveryPolicyStatus? {
        let key = ObjectKey(namespace: StrategyHarness.namespace, name: name)
        return try fleet.hub.object(RecoveryPolicy.resource, key).map { try RecoveryPolicy(json: $0.content) }?.status
    }

    private func detecting(_ name: String, _ fleet: FleetScene) throws -> String? {
        let condition = try status(name, fleet)?.conditions?[type: ConditionType.detecting]
        return condition.map { "\($0.status.rawValue)/\($0.reason)" }
    }

    @Test("a cluster that fails is recovered under the policy, with its severity, mode and counts, and as one incident")
    func opens() throws {
        let fleet = FleetScene()
        put("fleet", ["severity": "Critical"], more: ["mode": "Observe"], in: fleet)
        fleet.start()
        fleet.world.run(for: .seconds(25))
        #expect(try detecting("fleet", fleet) == "True/Watching")
        #expect(try status("fleet", fleet)?.matched == 1 && status("fleet", fleet)?.unhealthy == 0)
        fleet.answers(Self.refused)
        fleet.world.run(for: .seconds(100))
        let recoveries = try fleet.recoveries()
        let recovery = try #require(recoveries.first)
        #expect(recoveries.count == 1 && recovery.spec.error.type == "ClusterUnreachable")
        #expect(recovery.spec.policyRef?.name == "fleet" && recovery.spec.clusterRef?.name == "edge")
        #expect(recovery.spec.targetRef == nil && recovery.spec.error.severity?.value == .critical)
        #expect(recovery.metadata.name?.hasPrefix("membercluster-edge-") == true)
        #expect(recovery.status?.conditions?[type: ConditionType.admitted]?.reason == "ObserveOnly")
        #expect(recovery.status?.attempts == nil)
        #expect(try status("fleet", fleet)?.unhealthy == 1)
        fleet.answers(MemberScene.healthy)
        fleet.world.run(for: .seconds(30))
        #expect(try fleet.recoveries().first?.isFinal == false, "well, but not for long enough")
        fleet.world.run(for: .seconds(60))
        let ended = try #require(try fleet.recoveries().first)
        #expect(ended.state == .completed && ended.status?.plan?.outcome == "healed by itself")
    }

    @Test("a predecessor's word is not enough: this leader has to see as many failures as the cluster's probe asks for")
    func warmsUp() throws {
        let fleet = FleetScene()
        put("fleet", in: fleet)
        fleet.answers(Self.refused)
        fleet.hub.edit(MemberCluster.resource, ObjectKey(name: "edge")) { object in
            object.set(
                [
                    "consecutiveFailures": 3,
                    "conditions": [
                        [
                            "type": "Reachable", "status": "False", "reason": "ConnectionRefused", "message": "",
                            "lastTransitionTime": "2026-01-01T00:00:00Z",
                        ]
                    ],
                ],
                at: ["status"]
            )
        }
        fleet.start()
        fleet.world.run(for: .seconds(15))
        #expect(try fleet.recoveries().isEmpty)
        #expect(try status("fleet", fleet)?.unhealthy == 1, "in the count it is at once")
        fleet.world.run(for: .seconds(15))
        #expect(try fleet.recoveries().first?.spec.policyRef?.name == "fleet")
    }

    @Test("of several policies the one with the highest priority takes a cluster; one that selects others takes none")
    func precedence() throws {
        let fleet = FleetScene()
        put("low", in: fleet)
        put("high", more: ["priority": 5], in: fleet)
        put("picky", ["clusterSelector": ["matchLabels": ["site": "moon"]]], more: ["priority": 9], in: fleet)
        put("suspended", more: ["priority": 10, "suspend": true], in: fleet)
        put("outside", namespace: "team", more: ["priority": 11], in: fleet)
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(Self.refused)
        fleet.world.run(for: .seconds(60))
        #expect(try fleet.recoveries().map(\.spec.policyRef?.name) == ["high"])
        #expect(try status("low", fleet)?.matched == 0 && status("high", fleet)?.matched == 1)
    }

    @Test("without such a policy the cluster's failure is reported as before, and match decides who governs")
    func without() throws {
        let fleet = FleetScene()
        put("off", ["enabled": false], more: ["match": ["errorTypes": ["SyncFailure"]]], in: fleet)
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(Self.refused)
        fleet.world.run(for: .seconds(60))
        let recovery = try #require(try fleet.recoveries().first)
        #expect(recovery.spec.policyRef == nil && recovery.status?.effective?.policy == nil)
    }
}
