import ControllerRuntime
import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("Recreate under a whole engine")
struct RecreateEngineTests {
    private static let target = ObjectKey(namespace: EngineScene.namespace, name: "settings")
    private static let recovery = ObjectKey(namespace: EngineScene.namespace, name: "again")

    private let world = VirtualWorld()
    private let hub: FakeAPIServer
    private let engine: RecoveryEngine

    init() {
        hub = FakeAPIServer(
            timeSource: world.time,
            resources: [Recovery.resource, RecoveryPolicy.resource, MemberCluster.resource]
        )
        let client = hub.client(identity: "controller")
        let context = RuntimeContext(timeSource: world.time, logger: .disabled)
        engine = RecoveryEngine(
            RecoveryEngine.Dependencies(
                client: client,
                members: { cluster, _ in throw StrategyFailure.permanent("no cluster \(cluster)") },
                registry: StrategyRegistry([GenericStrategy(), RecreateStrategy()]),
                configuration: EngineConfiguration(),
                namespace: nil,
                controllerNamespace: "tmc-recovery-system",
                identity: { ControllerIdentity(holder: "controller") },
                mayLead: { true },
                recorder: EventRecorder(client: client, component: "test", instance: "me", context: context),
                timeSource: world.time,
                logger: .disabled,
                metrics: MetricsRegistry()
            )
        )
    }

    private var manifest: JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "data": ["a": "1"],
            "metadata": ["name": .string(Self.target.name), "namespace": .string(EngineScene.namespace)],
        ]
    }

    private func put(_ more: [String: JSONValue] = [:]) {
        var spec: JSONValue = [
            "error": ["type": "InternalError", "retryable": true], "strategy": "Recreate", "maxAttempts": 1,
            "targetRef": ["apiVersion": "v1", "kind": "ConfigMap", "name": .string(Self.target.name)],
        ]
        for (field, value) in more { spec[field] = value }
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery", "spec": spec,
                "metadata": [
                    "name": .string(Self.recovery.name), "namespace": .string(EngineScene.namespace), "uid": "r",
                ],
            ],
            Recovery.resource
        )
    }

    private func recovery() throws -> Recovery {
        try Recovery(json: try #require(hub.object(Recovery.resource, Self.recovery)).content)
    }

    private func start() {
        FleetScene.start(engine, in: world)
        world.run(for: .seconds(2))
    }

    @Test("a person who cancels between the deletion and the creation gets the target back, and then the end")
    func cancels() throws {
        var slow = manifest
        slow.set(["example.com/slow"], at: ["metadata", "finalizers"])
        hub.put(slow, .configMaps)
        put()
        start()
        #expect(hub.object(.configMaps, Self.target)?.isBeingDeleted == true)
        hub.edit(Recovery.resource, Self.recovery) {
            $0.set(true, at: ["spec", "cancel"])
            $0.set(2, at: ["metadata", "generation"])
        }
        world.run(for: .seconds(2))
        #expect(try recovery().state == .inProgress)
        hub.remove(.configMaps, Self.target)
        world.run(for: .seconds(2))
        #expect(hub.object(.configMaps, Self.target)?["data", "a"] == "1")
        #expect(try recovery().state == .cancelled)
    }

    @Test(
        "so does one who cancels while no controller runs, or whose Recovery's time ran out then",
        arguments: [true, false]
    )
    func crashes(isCancelled: Bool) throws {
        put(isCancelled ? ["cancel": true] : [:])
        var begun = ActionRecord(RecreateStrategy.deleteAction, .succeeded)
        begun.inverse = ["uid": "old", "manifest": manifest]
        begun.facts = ["completedBy": "CreateTarget"]
        var execution = RecoveryExecution(id: "InternalError-1-1", attempt: 1, strategy: "Recreate")
        execution.startTime = world.time.wallTime()
        execution.result = ExecutionResult()
        execution.result?.actions = [begun]
        var status = RecoveryStatus()
        status.state = .inProgress
        status.target = ResolvedTarget(
            apiVersion: "v1",
            kind: "ConfigMap",
            namespace: EngineScene.namespace,
            name: Self.target.name
        )
        var effective = EffectiveSettings()
        effective.ladder = [StrategyRung(name: "Recreate")]
        effective.maxAttempts = 1
        status.effective = effective
        status.attempts = 1
        status.startTime = world.time.wallTime()
        status.deadline = world.time.wallTime().addingTimeInterval(isCancelled ? 900 : 0)
        status.executions = [execution]
        let written = try JSONValue(encoding: status)
        hub.edit(Recovery.resource, Self.recovery) { $0["status"] = written }
        start()
        world.run(for: .seconds(30))
        #expect(hub.object(.configMaps, Self.target)?["data", "a"] == "1")
        let ended = try recovery()
        #expect(ended.state == (isCancelled ? .cancelled : .timeout), "\(ended.status?.message ?? "")")
        let actions = ended.status?.executions?.last?.result?.actions?.map(\.name)
        #expect(actions == ["DeleteTarget", "UndoDeleteTarget"])
    }
}
