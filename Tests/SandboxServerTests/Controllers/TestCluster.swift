import FoundationEssentials
import JSON
import Synchronization
import Telemetry
import Timekeeping

@testable import SandboxServer

/// A clock that stands still until a test moves it; nobody sleeps by it, because the tests settle by hand.
final class StandingClock: TimeSource {
    private let elapsed = Mutex(Duration.zero)

    func now() -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 3_600_000_000_000).advanced(by: elapsed.withLock(\.self))
    }

    func wallTime() -> Date {
        Date(timeIntervalSince1970: 1_800_000_000 + elapsed.withLock { $0 / .seconds(1) })
    }

    func sleep(until deadline: MonotonicInstant) async throws {
        throw CancellationError()
    }

    func advance(by duration: Duration) {
        elapsed.withLock { $0 += duration }
    }
}

/// A store with its controllers, and short ways to put objects in and to read them.
struct TestCluster {
    let store = ObjectStore()
    let clock = StandingClock()
    let controllers: Controllers

    init(simulatesWorkloads: Bool = false, nodes: Int = 3) {
        var configuration = Controllers.Configuration()
        configuration.simulatesWorkloads = simulatesWorkloads
        configuration.nodeCount = nodes
        controllers = Controllers(
            store: store,
            configuration: configuration,
            definitions: { BuiltinCatalogue.definitions },
            timeSource: clock,
            logger: .disabled
        )
        controllers.bootstrap()
    }

    private var context: ReconcileContext {
        ReconcileContext(now: clock.wallTime(), definitions: { BuiltinCatalogue.definitions })
    }

    /// Stores a new object as a client would have it stored, and lets the controllers act.
    @discardableResult
    func create(_ resource: ResourceID, _ object: JSONValue) -> JSONValue {
        var object = object
        KindRules.rules(for: resource).setDefaults(&object)
        KindRules.rules(for: resource).complete(&object, nil)
        let stored = store.transaction { $0.create(resource, object, context) }
        controllers.settle()
        return (try? stored?.value()) ?? .null
    }

    func get(_ resource: ResourceID, _ name: String, in namespace: String = "default") -> JSONValue? {
        store.transaction { tx in
            try? tx.value(resource, ObjectName(namespace: namespace, name: name))
        }
    }

    func list(_ resource: ResourceID, in namespace: String? = "default") -> [JSONValue] {
        store.transaction { tx in (try? tx.values(resource, namespace: namespace)) ?? [] }
    }

    func names(_ resource: ResourceID, in namespace: String? = "default") -> [String] {
        list(resource, in: namespace).map { $0.objectName.name }
    }

    /// Changes an object and lets the controllers act.
    func edit(
        _ resource: ResourceID,
        _ name: String,
        in namespace: String = "default",
        _ change: (inout JSONValue) -> Void
    ) {
        store.transaction { tx in
            guard let old = try? tx.value(resource, ObjectName(namespace: namespace, name: name)) else { return }
            var object = old
            change(&object)
            KindRules.rules(for: resource).setDefaults(&object)
            KindRules.rules(for: resource).complete(&object, old)
            tx.update(resource, object, from: old, context)
        }
        controllers.settle()
    }

    func delete(_ resource: ResourceID, _ name: String, in namespace: String = "default", finalizer: String? = nil) {
        store.transaction { tx in
            try? tx.delete(resource, ObjectName(namespace: namespace, name: name), finalizer: finalizer, context)
        }
        controllers.settle()
    }

    /// Moves the clock second by second, with the controllers acting after each.
    func pass(seconds: Int) {
        for _ in 0..<seconds {
            clock.advance(by: .seconds(1))
            controllers.settle()
        }
    }

    static func deployment(_ name: String, replicas: Int, image: String = "i:1") -> JSONValue {
        [
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": ["name": .string(name), "namespace": "default"],
            "spec": [
                "replicas": .number(replicas), "selector": ["matchLabels": ["app": .string(name)]],
                "template": template(app: name, image: image),
                "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": "25%", "maxUnavailable": "25%"]],
                "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10,
            ],
            "status": [:],
        ]
    }

    static func template(app: String, image: String = "i:1", restartPolicy: String = "Always") -> JSONValue {
        [
            "metadata": ["labels": ["app": .string(app)]],
            "spec": [
                "containers": [["name": "c", "image": .string(image)]], "restartPolicy": .string(restartPolicy),
                "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler",
            ],
        ]
    }
}
