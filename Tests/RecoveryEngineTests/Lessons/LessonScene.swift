import ControllerRuntime
import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import Telemetry
import TestSupport
import Timekeeping

@testable import RecoveryEngine

/// A whole engine on a server that fails on demand, with one strategy that does what the test says.
struct LessonScene {
    private final class Runs: Sendable {
        let all = Mutex<[VirtualRun<Void>]>([])
    }

    static let namespace = "team"

    let world: VirtualWorld
    let hub: FakeAPIServer
    let acting: ActingStrategy
    let engine: RecoveryEngine
    private let recorder: EventRecorder
    private let runs = Runs()

    /// A new world, or another controller in the world of a scene that has ended.
    init(
        after other: LessonScene? = nil,
        _ body: @escaping @Sendable (Attempt, Int) async throws -> Void = { _, _ in }
    ) {
        world = other?.world ?? VirtualWorld()
        hub =
            other?.hub
            ?? FakeAPIServer(
                timeSource: world.time,
                resources: [
                    Recovery.resource, RecoveryPolicy.resource, RecoveryApproval.resource, MemberCluster.resource,
                ]
            )
        acting = ActingStrategy(body)
        let client = hub.client(identity: "controller")
        let context = RuntimeContext(timeSource: world.time)
        recorder = EventRecorder(client: client, component: "test", context: context, random: { 0.5 })
        engine = RecoveryEngine(
            RecoveryEngine.Dependencies(
                client: client,
                members: { cluster, _ in throw StrategyFailure.permanent("no cluster \(cluster)") },
                registry: StrategyRegistry([acting]),
                configuration: EngineConfiguration(),
                namespace: nil,
                controllerNamespace: "tmc-recovery-system",
                identity: { ControllerIdentity(holder: "controller") },
                mayLead: { true },
                recorder: recorder,
                timeSource: world.time,
                logger: .disabled,
                metrics: MetricsRegistry()
            )
        )
    }

    /// Runs the engine and its caches.
    func start() {
        let parts: [@Sendable () async throws -> Void] = [
            { [engine] in try await engine.recoveries.run() }, { [engine] in try await engine.policies.run() },
            { [engine] in try await engine.clusters.run() }, { [recorder] in try await recorder.run() },
            { [engine] in try await engine.run() },
        ]
        for part in parts {
            let run = world.start(part)
            runs.all.withLock { $0.append(run) }
        }
        world.run(for: .seconds(1))
    }

    /// Ends the process as a crash does, but for what is on its way.
    func crash() {
        for run in runs.all.withLock({ $0 }) { run.cancel() }
        world.run(for: .milliseconds(10))
    }

    func putPolicy(_ spec: JSONValue) {
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                "metadata": ["name": "careful", "namespace": .string(Self.namespace)], "spec": spec,
            ],
            RecoveryPolicy.resource
        )
    }

    func policy() throws -> RecoveryPolicy? {
        try hub.object(RecoveryPolicy.resource, Self.key("careful")).map { try RecoveryPolicy(json: $0.content) }
    }

    /// A ConfigMap that others can be about.
    func putTarget(_ name: String) {
        hub.put(
            [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": ["name": .string(name), "namespace": .string(Self.namespace)],
            ],
            .configMaps
        )
    }

    func setReady(_ isReady: Bool, _ name: String) {
        hub.edit(.configMaps, Self.key(name)) { object in
            object["status"] = [
                "conditions": [
                    [
                        "type": "Ready", "status": .string(isReady ? "True" : "False"),
                        "lastTransitionTime": .string(world.time.wallTime().text),
                    ]
                ]
            ]
        }
    }

    /// Creates a Recovery about a ConfigMap of its name, which it makes, and lets the engine look.
    func put(_ name: String, _ more: [String: JSONValue] = [:], labels: [String: JSONValue] = [:]) {
        putTarget(name)
        var spec: JSONValue = [
            "error": ["type": "InternalError", "retryable": true],
            "targetRef": ["apiVersion": "v1", "kind": "ConfigMap", "name": .string(name)],
        ]
        for (field, value) in more { spec[field] = value }
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery",
                "metadata": [
                    "name": .string(name), "namespace": .string(Self.namespace), "labels": .object(JSONObject(labels)),
                ], "spec": spec,
            ],
            Recovery.resource
        )
        world.run(for: .seconds(1))
    }

    /// Creates one as detection does.
    func putIncident(_ name: String) {
        put(name, labels: [MetadataName.fingerprint: "0123456789abcdef"])
    }

    func recovery(_ name: String) throws -> Recovery? {
        try hub.object(Recovery.resource, Self.key(name)).map { try Recovery(json: $0.content) }
    }

    /// The gate that holds a Recovery.
    func gate(_ name: String) throws -> String? {
        let admitted = try recovery(name)?.status?.conditions?[type: ConditionType.admitted]
        return admitted?.status == .false ? admitted?.reason : nil
    }

    /// Reasons and kinds of the events about objects of that name.
    func events(about name: String) -> [String] {
        hub.objects(.events).filter { $0["involvedObject", "name"]?.stringValue == name }.map {
            "\($0["reason"]?.stringValue ?? "") \($0["involvedObject", "kind"]?.stringValue ?? "")"
        }
    }

    static func key(_ name: String) -> ObjectKey { ObjectKey(namespace: namespace, name: name) }
}

/// Does what the test says, and knows how often it was asked and what it has taken back.
final class ActingStrategy: RecoveryStrategy {
    let descriptor = StrategyDescriptor(
        name: StrategyName.generic,
        errorTypes: ["InternalError"],
        priority: 10,
        timeout: .seconds(100)
    )
    private let body: @Sendable (Attempt, Int) async throws -> Void
    private let runs = Mutex<[String]>([])
    private let takenBack = Mutex<[String]>([])

    init(_ body: @escaping @Sendable (Attempt, Int) async throws -> Void) {
        self.body = body
    }

    /// Names of the Recoveries that it has acted for, in order.
    var acted: [String] { runs.withLock { $0 } }
    /// Names of the Recoveries for which it has taken something back.
    var undone: [String] { takenBack.withLock { $0 } }

    func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

    func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let name = attempt.recovery.metadata.name ?? ""
        let count = runs.withLock { runs in
            runs.append(name)
            return runs.count { $0 == name }
        }
        try await body(attempt, count)
        return StrategyResult(message: "acted")
    }

    func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        takenBack.withLock { $0.append(attempt.recovery.metadata.name ?? "") }
        return "undone"
    }
}
