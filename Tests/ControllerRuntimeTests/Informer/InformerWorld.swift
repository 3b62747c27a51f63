import JSON
import KubernetesCore
import Synchronization
import Telemetry
import TestSupport
import Timekeeping

@testable import ControllerRuntime

/// A fake server, a virtual clock and an informer of config maps.
struct InformerWorld {
    let world = VirtualWorld()
    let server: FakeAPIServer
    let registry = MetricsRegistry()
    let logLines = LogLines()
    let context: RuntimeContext

    init() {
        server = FakeAPIServer(timeSource: world.time)
        let logger = Logger(level: .info, timeSource: world.time) { [logLines] in logLines.add($0) }
        context = RuntimeContext(timeSource: world.time, logger: logger, metrics: registry)
    }

    func makeInformer(
        scope: WatchScope = WatchScope(),
        seed: UInt64 = 1,
        resync: Duration? = nil,
        pageSize: Int = 500
    ) -> Informer<Unstructured> {
        var configuration = InformerConfiguration()
        configuration.randomSeed = seed
        configuration.resyncInterval = resync
        configuration.pageSize = pageSize
        return Informer(
            client: server.client(identity: "informer"),
            resource: .configMaps,
            scope: scope,
            indexes: ["x": { [$0["data", "x"]?.stringValue ?? ""] }],
            configuration: configuration,
            context: context
        )
    }

    @discardableResult
    func start<Object>(_ informer: Informer<Object>) -> VirtualRun<Void> {
        world.start { try await informer.run() }
    }

    static func key(_ name: String) -> ObjectKey { ObjectKey(namespace: "default", name: name) }

    /// Writes a config map with one value.
    func put(_ name: String, _ value: String = "1") {
        server.put(
            [
                "apiVersion": "v1", "kind": "ConfigMap", "data": ["x": .string(value)],
                "metadata": ["name": .string(name), "namespace": "default", "managedFields": [["manager": "m"]]],
            ],
            .configMaps
        )
    }

    func delete(_ name: String) {
        server.remove(.configMaps, Self.key(name))
    }

    /// Notes what a handler is told, in a short form such as `+a=1`, `a=1>2`, `-a=2`, `?a`.
    func note(_ informer: Informer<Unstructured>, in journal: Journal) -> HandlerRegistration {
        informer.addHandler { event in journal.add(Self.short(event)) }
    }

    static func short(_ event: InformerEvent<Unstructured>) -> String {
        func value(_ object: Unstructured) -> String { object["data", "x"]?.stringValue ?? "" }
        return switch event {
        case .added(let new, let isInitial): "\(isInitial ? "*" : "+")\(new.name)=\(value(new))"
        case .updated(let old, let new): "\(new.name)=\(value(old))>\(value(new))"
        case .deleted(let last): "-\(last.name)=\(value(last))"
        case .deletedFinalStateUnknown(let key, let last): "?\(key.name)=\(last.map(value) ?? "")"
        case .undecodable(let failure, _): "!\(failure.key.name)"
        }
    }

    /// The store has what the server has.
    func agrees(_ informer: Informer<Unstructured>) -> Bool {
        let here = Dictionary(uniqueKeysWithValues: informer.store.list().map { ($0.key, $0.resourceVersion) })
        let there = server.objects(.configMaps).map { ($0.key, $0.resourceVersion) }
        return here == Dictionary(uniqueKeysWithValues: there)
    }

    var lists: [FakeRequest] { server.requests { $0.verb == .list } }
    var watches: [FakeRequest] { server.requests { $0.verb == .watch } }
}

/// The lines that a logger has written.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: [UInt8]) {
        lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
    }

    func contain(_ words: String...) -> Bool {
        lines.withLock { $0.contains { line in words.allSatisfy { line.contains($0) } } }
    }
}
