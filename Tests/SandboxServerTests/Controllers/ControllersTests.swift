import FoundationEssentials
import JSON
import Telemetry
import Testing
import Timekeeping

@testable import SandboxServer

@Suite("Controllers")
struct ControllersTests {
    private func key(_ name: String, _ reconciler: Int = 0) -> ReconcileQueue.Key {
        ReconcileQueue.Key(
            reconciler: reconciler,
            object: ObjectReference(resource: Builtin.pods, name: ObjectName(namespace: "a", name: name))
        )
    }

    private func instant(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
    }

    @Test("the queue keeps the order and each key once")
    func queueOrder() {
        var queue = ReconcileQueue()
        for name in ["x", "y", "x", "z"] { queue.add(key(name)) }
        queue.add(key("x", 1))
        #expect(
            [queue.next(), queue.next(), queue.next(), queue.next(), queue.next()] == [
                key("x"), key("y"), key("z"), key("x", 1), nil,
            ]
        )
        queue.add(key("x"))
        #expect(queue.next() == key("x"))
    }

    @Test("what is due later comes in the order of its time, and once only when it comes sooner")
    func queueLater() {
        var queue = ReconcileQueue()
        queue.add(key("late"), at: instant(20))
        queue.add(key("soon"), at: instant(10))
        #expect(queue.nextDue == instant(10) && queue.next() == nil)
        queue.promoteDue(instant(9))
        #expect(queue.next() == nil)
        queue.promoteDue(instant(30))
        #expect([queue.next(), queue.next(), queue.next()] == [key("soon"), key("late"), nil])
        queue.add(key("a"), at: instant(40))
        queue.add(key("a"))
        #expect(queue.next() == key("a") && queue.nextDue == nil)
    }

    @Test("the running controllers act on what others store", .timeLimit(.minutes(1)))
    func runs() async throws {
        let store = ObjectStore()
        let controllers = Controllers(
            store: store,
            configuration: .init(),
            definitions: { BuiltinCatalogue.definitions },
            timeSource: SystemTimeSource(),
            logger: .disabled
        )
        let appeared = Latch()
        store.subscribe { changes in
            if changes.contains(where: { $0.resource == Builtin.serviceAccounts }) { appeared.open() }
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await controllers.run() }
            let namespace: JSONValue = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "n"]]
            store.transaction { tx in
                _ = tx.put(Builtin.namespaces, ObjectName(name: "n"), namespace)
            }
            try await appeared.wait()
            group.cancelAll()
        }
    }

    @Test("every cluster begins with its namespaces, the Service kubernetes and the roles for people")
    func bootstrap() {
        let cluster = TestCluster()
        #expect(cluster.get(Builtin.services, "kubernetes")?["spec"]?["clusterIP"] == "10.96.0.1")
        #expect(cluster.names(Builtin.clusterRoles, in: nil) == ["admin", "cluster-admin", "edit", "view"])
        #expect(cluster.names(Builtin.nodes, in: nil) == [])
        cluster.controllers.publish(address: "127.0.0.1", port: 1234)
        let subset = cluster.get(Builtin.endpoints, "kubernetes")?["subsets"]?[index: 0]
        #expect(subset?["ports"]?[index: 0]?["port"] == 1234)
        #expect(cluster.get(Builtin.endpointSlices, "kubernetes")?["ports"]?[index: 0]?["port"] == 1234)
        for (resource, object) in BootstrapObjects.all(Controllers.Configuration()) {
            #expect(KindRules.rules(for: resource).validate(object, nil) == [])
        }
    }

    @Test("a transition time moves with the status only, an update time with every change")
    func conditions() throws {
        let first = ReconcileContext(now: Date(timeIntervalSince1970: 0), definitions: { [] })
        let second = ReconcileContext(now: Date(timeIntervalSince1970: 60), definitions: { [] })
        var status: JSONValue = [:]
        status.setCondition("Ready", "True", reason: "A", withUpdateTime: true, first)
        status.setCondition("Ready", "True", reason: "A", withUpdateTime: true, second)
        #expect(status.condition("Ready")?["lastUpdateTime"] == "1970-01-01T00:00:00Z")
        status.setCondition("Ready", "True", reason: "B", withUpdateTime: true, second)
        #expect(status.condition("Ready")?["lastUpdateTime"] == "1970-01-01T00:01:00Z")
        #expect(status.condition("Ready")?["lastTransitionTime"] == "1970-01-01T00:00:00Z")
        status.setCondition("Ready", "False", second)
        #expect(status.condition("Ready")?["lastTransitionTime"] == "1970-01-01T00:01:00Z" && !status.isTrue("Ready"))
        #expect(status["conditions"]?.arrayValue?.count == 1)
    }

    @Test(
        "a toleration fits a taint by key, value and effect",
        arguments: [
            (["key": "k", "operator": "Exists"], true), (["operator": "Exists"], true),
            (["key": "k", "value": "v"], true), (["key": "k", "value": "w"], false), (["key": "other"], false),
            (["key": "k", "operator": "Exists", "effect": "NoExecute"], false),
            (["key": "k", "operator": "Exists", "effect": "NoSchedule"], true),
        ] as [(JSONValue, Bool)]
    )
    func tolerations(toleration: JSONValue, expected: Bool) {
        let taint: JSONValue = ["key": "k", "value": "v", "effect": "NoSchedule"]
        #expect(Scheduler.tolerates(["spec": ["tolerations": [toleration]]], taint) == expected)
    }

    @Test(
        "label selectors of objects",
        arguments: [
            (["matchLabels": ["a": "1"]], true), (["matchLabels": ["a": "2"]], false), ([:], true),
            (["matchExpressions": [["key": "a", "operator": "In", "values": ["1", "2"]]]], true),
            (["matchExpressions": [["key": "a", "operator": "NotIn", "values": ["1"]]]], false),
            (["matchExpressions": [["key": "b", "operator": "DoesNotExist"]]], true),
            (["matchExpressions": [["key": "a", "operator": "Gt", "values": ["0"]]]], true),
            (["matchExpressions": [["key": "a", "operator": "Lt", "values": ["1"]]]], false),
            (["matchExpressions": [["key": "a", "operator": "Nonsense"]]], false),
        ] as [(JSONValue, Bool)]
    )
    func selectors(selector: JSONValue, expected: Bool) {
        #expect(LabelSelector(selector)?.matches(["a": "1"]) == expected)
    }
}
