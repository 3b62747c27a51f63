import ControllerRuntime
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Timekeeping

@testable import RecoveryEngine

/// A whole engine on a sandbox with the shipped definitions and roles, with virtual time.
struct EngineScene {
    static let namespace = "team"

    let world = VirtualWorld()
    let hub: SandboxHub
    let engine: RecoveryEngine
    let metrics = MetricsRegistry()
    /// Takes what people are told.
    let told = ScriptedTransport { _ in .json([:]) }
    private let recorder: EventRecorder

    init(
        _ configuration: EngineConfiguration = EngineConfiguration(),
        strategies: [any RecoveryStrategy] = [GenericStrategy()]
    ) {
        hub = SandboxHub(timeSource: world.time, namespaces: [Self.namespace])
        let client = hub.client(identity: "controller")
        let context = RuntimeContext(timeSource: world.time, logger: .disabled)
        recorder = EventRecorder(client: client, component: "recovery-controller", context: context, random: { 0.5 })
        var dependencies = RecoveryEngine.Dependencies(
            client: client,
            members: { cluster, _ in throw StrategyFailure.permanent("no cluster \(cluster)") },
            registry: StrategyRegistry(strategies),
            configuration: configuration,
            namespace: nil,
            controllerNamespace: "tmc-recovery-system",
            identity: { ControllerIdentity(holder: "controller") },
            mayLead: { true },
            recorder: recorder,
            timeSource: world.time,
            logger: .disabled,
            metrics: metrics
        )
        dependencies.notices = told
        engine = RecoveryEngine(dependencies)
    }

    /// Starts caches and events, and the work as on a leader.
    func start() {
        world.start { [engine, recorder] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await engine.recoveries.run() }
                group.addTask { try await engine.policies.run() }
                group.addTask { try await engine.clusters.run() }
                group.addTask { try await recorder.run() }
                group.addTask { try await engine.run() }
                try await group.next()
            }
        }
    }

    /// The Recoveries of all namespaces by name.
    func recoveries() throws -> [Recovery] {
        try hub.objects(Recovery.resource).map { try Recovery(json: $0.content) }.sorted {
            $0.metadata.key < $1.metadata.key
        }
    }

    /// Creates a Recovery of a retryable error, with more in its spec.
    func put(_ name: String, _ more: [String: JSONValue] = [:], namespace: String = EngineScene.namespace) {
        var spec: JSONValue = ["error": ["type": "InternalError", "retryable": true]]
        for (field, value) in more { spec[field] = value }
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery",
                "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec,
            ],
            Recovery.resource
        )
    }

    /// Deletes a Recovery, as a person does.
    func delete(_ name: String) throws {
        let client = hub.client(identity: "person")
        let run = world.start {
            try await client.delete(Recovery.resource, ObjectKey(namespace: Self.namespace, name: name))
        }
        world.settle()
        _ = try run.result?.get()
    }

    /// The Recovery as the hub has it.
    func recovery(_ name: String) throws -> Recovery? {
        try hub.object(Recovery.resource, ObjectKey(namespace: Self.namespace, name: name)).map {
            try Recovery(json: $0.content)
        }
    }

    /// The events about a Recovery as `Reason: message`, oldest first.
    func events(about name: String) -> [String] {
        hub.objects(.events).filter { $0["involvedObject", "name"]?.stringValue == name }.map {
            "\($0["reason"]?.stringValue ?? ""): \($0["message"]?.stringValue ?? "")"
        }
    }
}
