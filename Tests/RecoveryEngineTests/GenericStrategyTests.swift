import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

@Suite("Generic")
struct GenericStrategyTests {
    private static let key = ObjectKey(namespace: "default", name: "web")
    private static let touched = "recovery.tmc.io/touched-at"

    private func makeHarness(
        status: JSONValue = WorkloadScene.ready(generation: 1),
        labels: JSONValue = [:]
    ) -> StrategyHarness {
        let harness = StrategyHarness()
        harness.hub.before { $0.path == "/readyz" ? FakeReply(status: 200, body: Array("ok".utf8)) : nil }
        var object: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "spec": ["replicas": 1],
            "metadata": ["name": "web", "namespace": "default", "labels": labels],
        ]
        object["status"] = status
        harness.hub.put(object, .deployments)
        return harness
    }

    private func attempt(
        _ harness: StrategyHarness,
        _ parameters: [String: JSONValue] = [:],
        actions: [ActionRecord] = []
    ) throws -> Attempt {
        try harness.attempt(
            "ComponentUnhealthy",
            target: ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "web"),
            parameters: parameters,
            actions: actions
        )
    }

    @Test("objects of our own are looked at and not touched: this controller sees them anyway")
    func leavesOwnKinds() throws {
        let harness = makeHarness()
        let key = ObjectKey(namespace: "default", name: "web")
        harness.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Placement",
                "metadata": ["name": "web", "namespace": "default"],
                "status": ["conditions": [["type": "Ready", "status": "True", "reason": "Ready"]]],
            ],
            Placement.resource
        )
        let target = ResolvedTarget(
            apiVersion: RecoveryAPI.apiVersion,
            kind: "Placement",
            namespace: "default",
            name: "web"
        )
        let attempt = try harness.attempt("ComponentUnhealthy", target: target)
        #expect(try harness.run(GenericStrategy(), attempt).message == "Placement default/web is healthy")
        #expect(harness.writes(Placement.resource).isEmpty)
        #expect(try #require(harness.hub.object(Placement.resource, key)).annotations.isEmpty)
    }

    @Test("refuses a cluster-scoped target that was accepted in a namespace, while nobody knew its kind")
    func staysInsideTheFence() throws {
        let harness = makeHarness()
        harness.hub.put(
            ["apiVersion": .string(RecoveryAPI.apiVersion), "kind": "MemberCluster", "metadata": ["name": "edge"]],
            MemberCluster.resource
        )
        let target = ResolvedTarget(
            apiVersion: RecoveryAPI.apiVersion,
            kind: "MemberCluster",
            namespace: "team",
            name: "edge"
        )
        let attempt = try harness.attempt("ComponentUnhealthy", target: target)
        let failure = try harness.failure(GenericStrategy(), attempt)
        #expect(failure.kind == "permanent")
        #expect(failure.message == "MemberCluster is cluster-scoped, but was accepted as an object of namespace team")
        #expect(harness.writes(MemberCluster.resource).isEmpty)
    }

    @Test("waits, looks at the hub, touches the target and finds it healthy")
    func recovers() throws {
        var status = WorkloadScene.ready(generation: 1)
        status["conditions"] = [["type": "Available", "status": "True"]]
        let harness = makeHarness(status: status)
        let start = harness.world.time.now()
        let attempt = try attempt(harness)
        let result = try harness.run(GenericStrategy(), attempt)
        #expect(result.message == "Deployment default/web is healthy")
        #expect(start.duration(to: harness.world.time.now()) == .seconds(5))
        #expect(
            attempt.journalLines == [
                "CheckHubHealth Succeeded", "TouchTarget Succeeded", "CheckTargetHealth Succeeded",
            ]
        )
        #expect(harness.hub.object(.deployments, Self.key)?.annotations[Self.touched] == "2026-01-01T00:00:00Z")
        #expect(harness.writes(.deployments).first?.json["spec"] == nil)
    }

    @Test("waitSeconds and touch are honoured")
    func honoursParameters() throws {
        let harness = makeHarness()
        let start = harness.world.time.now()
        _ = try harness.run(GenericStrategy(), attempt(harness, ["waitSeconds": 17, "touch": false]))
        #expect(start.duration(to: harness.world.time.now()) == .seconds(17))
        #expect(harness.writes(.deployments).isEmpty)
    }

    @Test(
        "a target that is not well is a transient failure that says why",
        arguments: [
            (
                ["conditions": [["type": "Available", "status": "False", "reason": "MinimumReplicas"]]],
                "Available is False (MinimumReplicas)"
            ),
            (["conditions": [["type": "Ready", "status": "Unknown"]]], "Ready is Unknown"),
            (["conditions": [["type": "ReplicaFailure", "status": "True"]]], "ReplicaFailure is True"),
            (["observedGeneration": 0], "has not seen generation 1"),
            (["observedGeneration": 1], "has 0 of 1 replicas updated"),
            (
                [
                    "observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1,
                    "conditions": [
                        ["type": "Available", "status": "True"],
                        ["type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"],
                    ],
                ], "has exceeded its progress deadline"
            ),
        ] as [(JSONValue, String)]
    )
    func reportsUnhealthyTarget(status: JSONValue, text: String) throws {
        let harness = makeHarness(status: status)
        let failure = try harness.failure(GenericStrategy(), attempt(harness))
        #expect(failure.kind == "transient" && failure.message.contains(text))
        #expect(failure.advice.contains("kubectl describe deployments.apps web --namespace default"))
    }

    @Test("a hub that is not ready ends the attempt before anything is touched")
    func needsTheHub() throws {
        let harness = makeHarness()
        harness.hub.inject(.status(500, "InternalError"), times: 100) { $0.path == "/readyz" }
        let attempt = try attempt(harness)
        #expect(throws: ClientError.self) { try harness.run(GenericStrategy(), attempt) }
        #expect(harness.writes(.deployments).isEmpty)
    }

    @Test("a target with the exclude label is not touched")
    func leavesExcludedAlone() throws {
        let harness = makeHarness(labels: ["recovery.tmc.io/exclude": "true"])
        let failure = try harness.failure(GenericStrategy(), attempt(harness))
        #expect(failure.kind == "permanent" && failure.message.contains("recovery.tmc.io/exclude"))
        #expect(harness.writes(.deployments).isEmpty)
    }

    @Test("without a target, health of the hub is all there is to see")
    func worksWithoutTarget() throws {
        let harness = makeHarness()
        let attempt = try harness.attempt("ComponentUnhealthy", target: nil)
        #expect(try harness.run(GenericStrategy(), attempt).message == "the API servers involved are healthy")
    }

    @Test("a kind that the server does not know ends the recovery for good")
    func reportsUnknownKind() throws {
        let harness = makeHarness()
        let attempt = try harness.attempt(
            "ComponentUnhealthy",
            target: ResolvedTarget(apiVersion: "shop/v1", kind: "Basket", namespace: "default", name: "b")
        )
        let failure = try harness.failure(GenericStrategy(), attempt)
        #expect(failure.kind == "permanent" && failure.advice.contains("Install the CRD of Basket"))
    }

    @Test("after a crash behind the touch, nothing is touched again")
    func resumes() throws {
        let harness = makeHarness()
        harness.hub.edit(.deployments, Self.key) {
            $0.set("2026-01-01T00:00:00Z", at: ["metadata", "annotations", Self.touched])
        }
        _ = try harness.run(
            GenericStrategy(),
            attempt(harness, actions: [ActionRecord("TouchTarget", .started)])
        )
        #expect(harness.writes(.deployments).isEmpty)
    }

    @Test("the target on a member is looked for there, after the member's own health")
    func worksOnMembers() throws {
        let member = FakeAPIServer(timeSource: VirtualWorld().time)
        member.before { $0.path == "/readyz" ? FakeReply(status: 200, body: Array("ok".utf8)) : nil }
        member.put(
            ["metadata": ["name": "web", "namespace": "default"], "status": WorkloadScene.ready(generation: 1)],
            .deployments
        )
        let transport = member.transport(identity: "member")
        let scene = MemberScene([MemberScene.healthy])
        let harness = scene.harness
        harness.hub.before { $0.path == "/readyz" ? FakeReply(status: 200, body: Array("ok".utf8)) : nil }
        let members = MemberClients(
            hub: harness.client,
            namespace: StrategyHarness.namespace,
            transport: transport,
            timeSource: harness.world.time,
            logger: .disabled
        )
        let attempt = try harness.attempt(
            "SyncFailure",
            target: ResolvedTarget(
                cluster: "edge",
                apiVersion: "apps/v1",
                kind: "Deployment",
                namespace: "default",
                name: "web"
            ),
            members: members
        )
        _ = try harness.run(GenericStrategy(), attempt)
        #expect(attempt.journalLines.prefix(2) == ["CheckHubHealth Succeeded", "CheckMemberHealth Succeeded"])
        #expect(member.object(.deployments, Self.key)?.annotations[Self.touched] != nil)
        #expect(harness.hub.object(.deployments, Self.key) == nil)
    }

    @Test(
        "wrong parameters are named",
        arguments: [
            (["waitSeconds": -1], "waitSeconds"), (["waitSeconds": 3_601], "waitSeconds"),
            (["waitSeconds": 1.5], "waitSeconds"),
            (["touch": "yes"], "touch"), (["wait": 3], "wait"),
        ] as [([String: JSONValue], String)]
    )
    func reportsParameters(parameters: [String: JSONValue], name: String) {
        #expect(GenericStrategy().validate(parameters: parameters).map(\.path) == ["spec.parameters.\(name)"])
    }

    @Test("the built-in strategies are registered, with the priorities of the design")
    func registersStandardStrategies() {
        let registry = StrategyRegistry.standard(members: StrategyHarness().members, transport: ScriptedTransport([]))
        let catalogue = registry.catalogue(enabled: nil)
        #expect(
            catalogue.names == [
                "ClusterAuth", "ClusterConnectivity", "CordonAndDrain", "Generic", "Job", "Migration", "Placement",
                "Recreate", "ResourceConflict", "Restart", "Rollback", "Scale", "Sync", "Webhook",
            ]
        )
        for type in ["PlacementConstraint", "PlacementCapacity", "PlacementPolicy"] {
            #expect(catalogue.candidates(forErrorType: type).map(\.name) == ["Placement"])
        }
        for type in ["SyncFailure", "SyncTimeout"] {
            #expect(catalogue.candidates(forErrorType: type).map(\.name) == ["Sync"])
        }
        #expect(catalogue["Placement"]?.priority == 60 && catalogue["Placement"]?.timeout == .seconds(300))
        #expect(catalogue["Sync"]?.priority == 50 && catalogue["Sync"]?.timeout == .seconds(240))
        for type in ["MigrationFailure", "MigrationTimeout"] {
            #expect(catalogue.candidates(forErrorType: type).map(\.name) == ["Migration"])
        }
        #expect(catalogue["Migration"]?.priority == 85 && catalogue["Migration"]?.timeout == .seconds(600))
        #expect(catalogue.candidates(forErrorType: "ClusterAuth").map(\.priority) == [90])
        for type in ["ClusterUnreachable", "ClusterUnavailable", "NetworkConnectivity"] {
            #expect(catalogue.candidates(forErrorType: type).map(\.name) == ["ClusterConnectivity"])
        }
        for type in ["ResourceConflict", "SyncConflict"] {
            #expect(catalogue.candidates(forErrorType: type).map(\.name) == ["ResourceConflict"])
        }
        #expect(catalogue.fallback?.name == "Generic")
        #expect(
            catalogue["ClusterConnectivity"]?.priority == 80
                && catalogue["ClusterConnectivity"]?.timeout == .seconds(300)
        )
        #expect(
            catalogue["ResourceConflict"]?.priority == 70 && catalogue["ResourceConflict"]?.timeout == .seconds(120)
        )
        #expect(catalogue["Generic"]?.priority == 10 && catalogue["Generic"]?.timeout == .seconds(120))
    }
}
