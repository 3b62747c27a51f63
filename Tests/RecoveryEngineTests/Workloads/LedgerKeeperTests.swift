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

@Suite("Keeping the ledger of healthy revisions")
struct LedgerKeeperTests {
    private static let ledger = ObjectKey(namespace: WorkloadScene.namespace, name: "recovery-ledger-web")

    private let world = VirtualWorld()
    private let hub: FakeAPIServer
    private let policies: Informer<RecoveryPolicy>
    private let keeper: LedgerKeeper
    private let recorder: EventRecorder

    init() {
        hub = FakeAPIServer(timeSource: world.time, resources: [RecoveryPolicy.resource])
        let client = hub.client(identity: "controller")
        let context = RuntimeContext(timeSource: world.time, logger: .disabled)
        policies = Informer(client: client, context: context)
        recorder = EventRecorder(client: client, component: "recovery-controller", context: context, random: { 0.5 })
        keeper = LedgerKeeper(
            client: client,
            policies: policies,
            informers: InformerConfiguration(),
            report: PolicyReporter(recorder: recorder, metrics: MetricsRegistry(), logger: .disabled),
            context: context
        )
    }

    private func start() {
        world.start { [keeper, policies, recorder] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await policies.run() }
                group.addTask { try await keeper.run() }
                group.addTask { try await recorder.run() }
                try await group.next()
            }
        }
        world.run(for: .seconds(1))
    }

    private func putPolicy(_ spec: JSONValue = ["strategies": [["name": "Rollback"]]]) {
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy", "spec": spec,
                "metadata": ["name": "web", "namespace": .string(WorkloadScene.namespace)],
            ],
            RecoveryPolicy.resource
        )
        world.run(for: .seconds(1))
    }

    private func put(
        _ image: String,
        name: String = "web",
        isHealthy: Bool = true,
        replicas: Int64 = 1,
        rolledBack mark: String? = nil
    ) {
        var status = WorkloadScene.ready(generation: 0, replicas: replicas)
        status["observedGeneration"] = 1_000
        if !isHealthy { status["availableReplicas"] = 0 }
        hub.put(
            [
                "apiVersion": "apps/v1", "kind": "Deployment", "status": status,
                "metadata": [
                    "name": .string(name), "namespace": .string(WorkloadScene.namespace),
                    "annotations": mark.map { ["recovery.tmc.io/last-rollback": .string($0)] } ?? [:],
                ],
                "spec": ["replicas": .number(replicas), "template": template(image)],
            ],
            .deployments
        )
        world.run(for: .milliseconds(100))
    }

    private func template(_ image: String) -> JSONValue { ["spec": ["containers": [["image": .string(image)]]]] }

    /// The images vouched for, the latest first.
    private func healthy(_ name: String = "web") -> [String] {
        let ledger = RevisionLedger(data: hub.object(.configMaps, Self.ledger)?.content["data"])
        let known = Dictionary(
            uniqueKeysWithValues: ["v1", "v2", "v3"].map { (WorkloadTemplate.hash(template($0)), $0) }
        )
        return ledger.goals("Deployment.\(name)", from: "").compactMap { known[$0.template] }
    }

    @Test("what is healthy when the policy starts is taken at its word; what is not vouches for nothing")
    func seeds() throws {
        put("v1")
        put("v1", name: "sick", isHealthy: false)
        put("v1", name: "empty", replicas: 0)
        putPolicy()
        start()
        #expect(healthy() == ["v1"] && healthy("sick").isEmpty && healthy("empty").isEmpty)
        let map = try #require(hub.object(.configMaps, Self.ledger))
        #expect(map.labels["recovery.tmc.io/policy"] == "web")
        #expect(map["metadata", "ownerReferences"]?[index: 0]?["kind"] == "RecoveryPolicy")
        #expect(map["data"]?.objectValue?.count == 1)
    }

    @Test("a later revision has to stay healthy without a break before it counts")
    func soaks() {
        put("v1")
        putPolicy(["strategies": [["name": "Rollback"]], "verify": ["forSeconds": 60]])
        start()
        put("v2")
        world.run(for: .seconds(50))
        put("v2", isHealthy: false)
        put("v2")
        world.run(for: .seconds(50))
        #expect(healthy() == ["v1"], "healthy twice for 50 s is not healthy for 60 s")
        world.run(for: .seconds(15))
        #expect(healthy() == ["v2", "v1"])
        put("v3", isHealthy: false)
        world.run(for: .seconds(600))
        #expect(healthy() == ["v2", "v1"], "a revision that never became healthy is no goal")
    }

    @Test("the first revision of a workload that comes after the policy has to stay healthy like any other")
    func soaksNewcomers() {
        putPolicy()
        start()
        #expect(hub.object(.configMaps, Self.ledger) != nil, "the policy has started, with nothing to vouch for")
        put("v1")
        world.run(for: .seconds(20))
        put("v2")
        world.run(for: .seconds(20))
        #expect(healthy().isEmpty, "neither was healthy for 30 s")
        world.run(for: .seconds(15))
        #expect(healthy() == ["v2"])
    }

    @Test("what is healthy when the policy starts counts although not all kinds are known at once")
    func seedsWhenAllIsKnown() {
        put("v1")
        putPolicy()
        hub.inject(.delay(.seconds(10)), times: 100) { $0.concerns(.statefulSets) }
        start()
        #expect(hub.object(.configMaps, Self.ledger) == nil)
        hub.clearFaults()
        world.run(for: .seconds(11))
        #expect(healthy() == ["v1"])
    }

    @Test("what a rollback has left counts no more, until others roll it out and it stays healthy (argo-cd #9570)")
    func leaves() throws {
        put("v1")
        putPolicy()
        start()
        put("v2")
        world.run(for: .seconds(60))
        #expect(healthy() == ["v2", "v1"])
        let time = try #require(RFC3339.string(from: world.time.wallTime()))
        let (from, to) = (WorkloadTemplate.hash(template("v2")), WorkloadTemplate.hash(template("v1")))
        let mark = #"{"from":"\#(from)","to":"\#(to)","time":"\#(time)","recovery":"r"}"#
        put("v1", isHealthy: false, rolledBack: mark)
        #expect(healthy() == ["v1"], "at once, whatever the health of the revision that is there again")
        put("v1", rolledBack: mark)
        world.run(for: .seconds(600))
        put("v2", rolledBack: mark)
        world.run(for: .seconds(20))
        #expect(healthy() == ["v1"])
        world.run(for: .seconds(20))
        #expect(healthy() == ["v2", "v1"])
        put("v3", isHealthy: false, rolledBack: mark)
        world.run(for: .seconds(600))
        #expect(healthy() == ["v2", "v1"], "the mark is older than the proof")
    }

    @Test("a ConfigMap that only has the name of a ledger is neither believed nor written; the policy says so, once")
    func isForeign() throws {
        let foreign: JSONValue = ["Deployment.web": "theirs"]
        hub.put(
            [
                "metadata": ["name": .string(Self.ledger.name), "namespace": .string(WorkloadScene.namespace)],
                "data": foreign,
            ],
            .configMaps
        )
        put("v1")
        putPolicy()
        start()
        put("v2")
        world.run(for: .seconds(1_000))
        #expect(hub.requests { $0.isWrite && $0.concerns(.configMaps) }.isEmpty)
        let told = hub.objects(.events)
        #expect(told.map { $0["reason"] } == ["LedgerNameTaken"] && told.map { $0["count"] } == [1])
        #expect(told.first?["message"]?.stringValue?.contains("ConfigMap recovery-ledger-web is not a ledger") == true)
        hub.remove(.configMaps, Self.ledger)
        world.run(for: .seconds(400))
        #expect(healthy() == ["v2"])
    }

    @Test(
        "a ledger that may not be kept is an event that names the right; it begins once that is granted",
        arguments: ["GET", "POST"]
    )
    func isRefused(_ method: String) {
        hub.inject(.status(403, "Forbidden")) { $0.method == method && $0.concerns(.configMaps) }
        put("v1")
        putPolicy()
        start()
        put("v2")
        world.run(for: .seconds(60))
        #expect(
            hub.requests { $0.method == method && $0.concerns(.configMaps) }.count == 1,
            "it is not asked again and again"
        )
        let told = hub.objects(.events)
        #expect(told.map { $0["reason"] } == ["LedgerRefused"])
        #expect(told.first?["message"]?.stringValue?.contains("tmc-recovery-ledger") == true)
        world.run(for: .seconds(1_000))
        #expect(healthy() == ["v2"])
    }

    @Test("a ledger that a person deletes begins anew with what is healthy then")
    func beginsAnew() {
        put("v1")
        putPolicy()
        start()
        hub.remove(.configMaps, Self.ledger)
        put("v2")
        world.run(for: .seconds(60))
        #expect(healthy() == ["v2"])
    }

    @Test("a new leader goes on with the ledger that is there, and writes nothing twice")
    func goesOn() {
        put("v1")
        putPolicy()
        start()
        let version = hub.object(.configMaps, Self.ledger)?.resourceVersion
        put("v2")
        world.run(for: .seconds(60))
        #expect(healthy() == ["v2", "v1"])
        put("v2", isHealthy: false)
        put("v2")
        world.run(for: .seconds(600))
        #expect(hub.requests { $0.isWrite && $0.concerns(.configMaps) }.map(\.verb) == [.create, .patch])
        #expect(hub.object(.configMaps, Self.ledger)?.resourceVersion != version)
    }

    @Test("nothing is watched while no policy names Rollback, and no more once none does")
    func watchesOnDemand() {
        put("v1")
        putPolicy(["strategies": [["name": "Restart"]]])
        start()
        #expect(hub.requests { $0.concerns(.deployments) }.isEmpty && hub.watchCount == 1)
        putPolicy()
        #expect(hub.watchCount == 4)
        #expect(healthy() == ["v1"])
        hub.remove(RecoveryPolicy.resource, ObjectKey(namespace: WorkloadScene.namespace, name: "web"))
        world.run(for: .seconds(1))
        #expect(hub.watchCount == 1)
    }

    @Test("a policy that is deleted and made again keeps its ledger, or writes a new one where that is gone")
    func madeAgain() throws {
        put("v1")
        putPolicy()
        start()
        let policy = ObjectKey(namespace: WorkloadScene.namespace, name: "web")
        hub.remove(RecoveryPolicy.resource, policy)
        world.run(for: .seconds(1))
        putPolicy()
        let uid = try #require(hub.object(RecoveryPolicy.resource, policy)).uid
        let map = try #require(hub.object(.configMaps, Self.ledger))
        #expect(map["metadata", "ownerReferences"]?[index: 0]?["uid"] == .string(uid) && healthy() == ["v1"])

        hub.remove(RecoveryPolicy.resource, policy)
        hub.remove(.configMaps, Self.ledger)
        world.run(for: .seconds(1))
        putPolicy()
        #expect(healthy() == ["v1"])
    }

    /// A ledger with as many workloads as it holds, their keys made of their numbers.
    private func putFullLedger(_ key: (Int) -> String) throws {
        var ledger = RevisionLedger(data: nil)
        var data: [String: JSONValue] = [:]
        let entry = RevisionLedger.Entry(template: WorkloadTemplate.hash(template("v1")), time: world.time.wallTime())
        for number in 0..<RevisionLedger.maxWorkloads {
            data[key(number)] = try ledger.record(entry, of: key(number)).map(JSONValue.string)
        }
        hub.put(
            [
                "metadata": [
                    "name": .string(Self.ledger.name), "namespace": .string(WorkloadScene.namespace),
                    "labels": ["recovery.tmc.io/policy": "web"],
                ], "data": .object(JSONObject(data)),
            ],
            .configMaps
        )
    }

    @Test("a ledger without a place for a workload is an event of the policy: who is not kept, and what to do; once")
    func isFull() throws {
        try putFullLedger { "Deployment.web-\($0)" }
        for number in 0..<RevisionLedger.maxWorkloads { put("v1", name: "web-\(number)") }
        put("v1", name: "one-more")
        put("v1", name: "and-another", isHealthy: false)
        putPolicy()
        start()
        put("v2", name: "one-more")
        world.run(for: .seconds(100))
        let told = hub.objects(.events)
        #expect(told.map { $0["reason"] } == ["LedgerFull"] && told.map { $0["count"] } == [1])
        #expect(told.first?["involvedObject", "kind"] == "RecoveryPolicy" && told.first?["type"] == "Warning")
        let message = told.first?["message"]?.stringValue ?? ""
        #expect(message.contains("recovery-ledger-web holds 1000 workloads"))
        #expect(message.contains("spec.match.targetKinds"))
        #expect(message.hasSuffix("Not kept: Deployment.and-another, Deployment.one-more"), "\(message)")
        put("v1", name: "later")
        world.run(for: .seconds(40))
        #expect(hub.objects(.events).count == 2)
        #expect(healthy("one-more").isEmpty && healthy("web-0") == ["v1"])
    }

    @Test("a full ledger gives up what is known of workloads that are gone, and nothing else")
    func makesRoom() throws {
        try putFullLedger { $0 == 0 ? "Deployment.web" : "Deployment.gone-\($0)" }
        put("v1")
        put("v2", name: "new")
        putPolicy()
        start()
        world.run(for: .seconds(40))
        #expect(healthy("new") == ["v2"] && healthy() == ["v1"])
        #expect(hub.object(.configMaps, Self.ledger)?["data"]?.objectValue?.count == 2)
    }

    @Test("no place is given up, and nobody is told of one that is missing, before all workloads are known")
    func waitsForAll() throws {
        try putFullLedger { $0 == 0 ? "StatefulSet.db" : "Deployment.gone-\($0)" }
        hub.put(
            ["metadata": ["name": "db", "namespace": .string(WorkloadScene.namespace)]],
            .statefulSets
        )
        put("v2", name: "new")
        putPolicy()
        hub.inject(.delay(.seconds(10)), times: 100) { $0.concerns(.statefulSets) }
        start()
        world.run(for: .seconds(5))
        #expect(hub.object(.configMaps, Self.ledger)?["data"]?.objectValue?.count == RevisionLedger.maxWorkloads)
        hub.clearFaults()
        world.run(for: .seconds(60))
        #expect(hub.object(.configMaps, Self.ledger)?["data", "StatefulSet.db"] != nil && healthy("new") == ["v2"])
        #expect(hub.objects(.events).isEmpty)
    }

    @Test("only what the policy can be about is in its ledger")
    func matches() {
        put("v1")
        putPolicy(["strategies": [["name": "Rollback"]], "match": ["targetSelector": ["matchLabels": ["app": "shop"]]]])
        start()
        let map = hub.object(.configMaps, Self.ledger)
        #expect(map != nil && map?["data"]?.objectValue?.isEmpty != false)
    }
}
