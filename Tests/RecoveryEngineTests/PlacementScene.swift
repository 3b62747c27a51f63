import ControllerRuntime
import FoundationEssentials
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

/// A whole engine with a hub and members in memory, in virtual time.
final class PlacementScene: Sendable {
    static let key = ObjectKey(namespace: "team", name: "web")

    let harness: StrategyHarness
    let members: [String: FakeAPIServer]
    private let configuration: EngineConfiguration
    private let strategies: StrategyRegistry
    private let process: Mutex<Process>
    var world: VirtualWorld { harness.world }
    var hub: FakeAPIServer { harness.hub }

    init(
        _ names: String...,
        configuration: EngineConfiguration = EngineConfiguration(),
        strategies: (MemberClients) -> [any RecoveryStrategy] = { _ in [] }
    ) {
        self.configuration = configuration
        let time = ManualTimeSource()
        let world = VirtualWorld(time: time)
        var members: [String: FakeAPIServer] = [:]
        for name in names {
            members[name] = FakeAPIServer(timeSource: time, resources: [PlacedScene.claims, PlacedScene.autoscalers])
        }
        let room: JSONValue = ["cpu": "8", "memory": "8Gi", "pods": "100"]
        for member in members.values {
            let status: JSONValue = [
                "allocatable": room, "capacity": room, "conditions": [["type": "Ready", "status": "True"]],
            ]
            member.put(["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"], "status": status], .nodes)
        }
        self.members = members
        harness = StrategyHarness(world: world, memberTransport: RoutingTransport(members.mapValues { $0.transport() }))
        self.strategies = StrategyRegistry(strategies(harness.members))
        process = Mutex(Process(harness, configuration, self.strategies))
        hub.put(
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team", "labels": ["tier": "gold"]]],
            .namespaces
        )
        for name in names { put(cluster: name) }
    }

    /// Registers a member, which every namespace with the label `tier: gold` may use.
    ///
    /// - Parameters:
    ///   - name: the MemberCluster's.
    ///   - labels: its labels.
    ///   - spec: what is added to its spec.
    ///   - server: the member that it leads to; nil for the one of its name.
    func put(cluster name: String, labels: JSONValue = [:], spec: JSONValue = [:], server: String? = nil) {
        var all: JSONValue = [
            "kubeconfigSecretRef": ["name": .string(name)],
            "probe": ["intervalSeconds": 10, "failureThreshold": 2, "successThreshold": 1],
            "allowedNamespaces": ["matchLabels": ["tier": "gold"]],
        ]
        for (field, value) in spec.objectValue ?? [:] { all[field] = value }
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "MemberCluster",
                "metadata": ["name": .string(name), "labels": labels], "spec": all,
                "status": hub.object(MemberCluster.resource, ObjectKey(namespace: nil, name: name))?["status"] ?? [:],
            ],
            MemberCluster.resource
        )
        var secret = MemberScene.secret(server: "https://\(server ?? name).example:6443")
        secret.set(.string(name), at: ["metadata", "name"])
        hub.put(secret, .secrets)
    }

    /// Gives each member the namespace whose uid tells it from the others.
    func identify() {
        for member in members.values {
            member.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "kube-system"]], .namespaces)
        }
    }

    func put(
        _ manifests: [JSONValue],
        namespace: String = "team",
        name: String = "web",
        _ spec: [String: JSONValue] = [:]
    ) {
        var all: JSONValue = ["manifests": .array(manifests)]
        for (field, value) in spec { all[field] = value }
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Placement",
                "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": all,
            ],
            Placement.resource
        )
    }

    /// Changes the spec of the placement, as an edit does.
    func edit(_ field: String, _ value: JSONValue) {
        hub.edit(Placement.resource, Self.key) { object in
            object.set(value, at: ["spec", field])
            let generation = object.value(at: ["metadata", "generation"])?.intValue ?? 1
            object.set(.number(generation + 1), at: ["metadata", "generation"])
        }
    }

    func start() {
        process.withLock { $0.start(in: world) }
    }

    /// Ends the controller.
    func stop() {
        process.withLock { $0.run?.cancel() }
        world.settle()
    }

    /// Ends the controller and starts another one, which knows only what is written down.
    func restart() {
        stop()
        process.withLock { $0 = Process(harness, configuration, strategies) }
        start()
    }

    /// One life of the controller.
    private struct Process: Sendable {
        private let engine: RecoveryEngine
        private let recorder: EventRecorder
        var run: VirtualRun<Void>?

        init(_ harness: StrategyHarness, _ configuration: EngineConfiguration, _ strategies: StrategyRegistry) {
            let context = RuntimeContext(timeSource: harness.world.time)
            let client = harness.client
            recorder = EventRecorder(client: client, component: "test", context: context, random: { 0.5 })
            var dependencies = RecoveryEngine.Dependencies(
                client: client,
                members: harness.members.guardedClient,
                registry: strategies,
                configuration: configuration,
                namespace: nil,
                controllerNamespace: StrategyHarness.namespace,
                identity: { ControllerIdentity(holder: "me") },
                mayLead: { true },
                recorder: recorder,
                timeSource: harness.world.time,
                logger: .disabled,
                metrics: MetricsRegistry()
            )
            dependencies.fleet = harness.members
            engine = RecoveryEngine(dependencies)
        }

        mutating func start(in world: VirtualWorld) {
            run = world.start { [engine, recorder] in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    defer { group.cancelAll() }
                    group.addTask { try await engine.recoveries.run() }
                    group.addTask { try await engine.policies.run() }
                    group.addTask { try await engine.clusters.run() }
                    group.addTask { try await engine.placements.run() }
                    group.addTask { try await recorder.run() }
                    group.addTask { try await engine.run() }
                    _ = try await group.next()
                }
            }
        }
    }

    /// Lets the rollout of the Deployment on a member end well, or go back to where it is not ready.
    func roll(_ cluster: String, isReady: Bool = true) {
        members[cluster]?.edit(.deployments, Self.key) { object in
            let count: JSONValue = isReady ? object["spec"]?["replicas"] ?? 1 : 0
            let generation = object.value(at: ["metadata", "generation"]) ?? 1
            object["status"] = [
                "observedGeneration": generation, "replicas": count, "updatedReplicas": count,
                "availableReplicas": count,
            ]
        }
    }

    /// The placement as the hub has it; nil when it is gone.
    func placement(_ namespace: String = "team", name: String = "web") throws -> Placement? {
        try hub.object(Placement.resource, ObjectKey(namespace: namespace, name: name)).map {
            try Placement(json: $0.content)
        }
    }

    /// `cluster State ready`, in order.
    func copies() throws -> [String] {
        try (placement()?.status?.clusters ?? []).map {
            "\($0.cluster) \($0.state.rawValue)\($0.ready == true ? " ready" : "")"
        }
    }

    func condition(_ type: String, _ namespace: String = "team") throws -> String {
        let condition = try placement(namespace)?.status?.conditions?[type: type]
        return condition.map { "\($0.status.rawValue) \($0.reason)" } ?? "none"
    }

    /// Lets time pass until something holds.
    func wait(_ limit: Duration = .seconds(120), until condition: () throws -> Bool) rethrows -> Bool {
        let isReached = {
            do { return try condition() } catch { return false }
        }
        return world.run(until: isReached, limit: limit) != nil
    }

    /// The reasons of the events so far, without repeats.
    func events() -> Set<String> {
        Set(hub.objects(.events).compactMap { $0["reason"]?.stringValue })
    }

    func recoveries() throws -> [Recovery] {
        try hub.objects(Recovery.resource).map { try Recovery(json: $0.content) }
    }
}

/// Sends each request to the server that its host names.
struct RoutingTransport: HTTPTransport {
    let servers: [String: FakeTransport]

    init(_ servers: [String: FakeTransport]) {
        self.servers = servers
    }

    private func server(_ request: HTTPRequest) throws -> FakeTransport {
        let host = request.url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        let name = String(host.prefix { $0 != "." })
        guard let server = servers[name] else {
            throw HTTPTransportError(layer: .dns, code: 6, message: "no host \(host)", systemCode: 0)
        }
        return server
    }

    func perform(_ request: HTTPRequest) async throws -> HTTPResponse { try await server(request).perform(request) }
    func stream(_ request: HTTPRequest) async throws -> HTTPStream { try await server(request).stream(request) }
    func closeIdleConnections() async {}
}
