import ControllerRuntime
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// A whole engine that watches over the MemberCluster `edge`, whose API server answers as the test says at any moment.
final class FleetScene: Sendable {
    let scene: MemberScene
    let engine: RecoveryEngine
    private let answer: AnswerBox
    private let recorder: EventRecorder
    var world: VirtualWorld { scene.harness.world }
    var hub: FakeAPIServer { scene.harness.hub }

    init(
        spec: JSONValue = [:],
        secret: JSONValue? = MemberScene.secret(),
        isWatched: Bool = true,
        allowedCommands: Set<String> = []
    ) {
        var all: JSONValue = ["probe": ["intervalSeconds": 10, "failureThreshold": 3, "successThreshold": 2]]
        for (key, value) in spec.objectValue ?? [:] { all[key] = value }
        let answer = AnswerBox()
        scene = MemberScene(
            [{ request in try answer.answer(request) }],
            spec: all,
            secret: secret,
            allowedCommands: allowedCommands
        )
        self.answer = answer
        recorder = Self.recorder(scene.harness)
        engine = Self.engine(scene.harness, isWatched: isWatched, recorder: recorder)
    }

    /// The engine of a hub, which watches over the members of its harness.
    static func engine(
        _ harness: StrategyHarness,
        isWatched: Bool = true,
        strategies: StrategyRegistry? = nil,
        recorder: EventRecorder? = nil
    ) -> RecoveryEngine {
        var dependencies = RecoveryEngine.Dependencies(
            client: harness.client,
            members: harness.members.guardedClient,
            registry: strategies ?? .standard(members: harness.members, transport: ScriptedTransport([])),
            configuration: EngineConfiguration(),
            namespace: isWatched ? nil : "elsewhere",
            controllerNamespace: StrategyHarness.namespace,
            identity: { ControllerIdentity(holder: "me") },
            mayLead: { true },
            recorder: recorder ?? Self.recorder(harness),
            timeSource: harness.world.time,
            logger: .disabled,
            metrics: MetricsRegistry()
        )
        dependencies.fleet = harness.members
        return RecoveryEngine(dependencies)
    }

    private static func recorder(_ harness: StrategyHarness) -> EventRecorder {
        EventRecorder(
            client: harness.client,
            component: "test",
            instance: "me",
            context: RuntimeContext(timeSource: harness.world.time)
        )
    }

    /// Has events written, too; without it nobody sends them.
    func writeEvents() {
        world.start { [recorder] in try await recorder.run() }
    }

    /// What the cluster answers from now on.
    func answers(_ body: @escaping MemberScene.Answer) {
        answer.current.withLock { $0 = body }
    }

    /// Runs the engine and its caches.
    func start() {
        Self.start(engine, in: world)
    }

    /// Runs an engine and its caches.
    static func start(_ engine: RecoveryEngine, in world: VirtualWorld) {
        world.start { try await engine.recoveries.run() }
        world.start { try await engine.policies.run() }
        world.start { try await engine.clusters.run() }
        world.start { try await engine.run() }
    }

    /// The Recoveries by name.
    func recoveries() throws -> [Recovery] {
        try hub.objects(Recovery.resource).map { try Recovery(json: $0.content) }.sorted {
            ($0.metadata.name ?? "") < ($1.metadata.name ?? "")
        }
    }

    private final class AnswerBox: Sendable {
        let current = Mutex<MemberScene.Answer>(MemberScene.healthy)

        func answer(_ request: HTTPRequest) throws -> ScriptedAnswer {
            try current.withLock { $0 }(request)
        }
    }
}
