import ControllerRuntime
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Sessions with members in memory, in virtual time.
@Suite("MemberFleet", .timeLimit(.minutes(1)))
struct MemberFleetTests {
    private static let edge = "edge"
    private static let web = ObjectKey(namespace: "team", name: "web")
    private static let shop = ObjectKey(namespace: "team", name: "shop")

    /// A fleet that runs, with a member.
    private final class Scene: Sendable {
        let world = VirtualWorld()
        let member: FakeAPIServer
        let fleet: MemberFleet
        let news = Mutex(0)
        /// `cluster/uid`, or `cluster/*`.
        let changes = Mutex<[String]>([])

        init() {
            member = FakeAPIServer(timeSource: world.time)
            fleet = MemberFleet(
                configuration: InformerConfiguration(),
                context: RuntimeContext(timeSource: world.time)
            )
            fleet.onPlacedChange { [weak self] cluster, uid in
                self?.changes.withLock { $0.append("\(cluster)/\(uid ?? "*")") }
            }
            world.start { [fleet] in try await fleet.run() }
        }

        func watch(version: String = "1", identity: String = "fleet") {
            fleet.watch(MemberFleetTests.edge, through: member.client(identity: identity), version: version) {
                [weak self] in self?.news.withLock { $0 += 1 }
            }
            world.settle()
        }

        /// The changes that were told since the last call.
        func told() -> [String] {
            world.settle()
            return changes.withLock { changes in
                defer { changes = [] }
                return changes
            }
        }

        func put(deployment name: String, placement: String?) {
            var metadata: JSONValue = ["name": .string(name), "namespace": "default"]
            if let placement { metadata["labels"] = [MetadataName.placementUID: .string(placement)] }
            member.put(["apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata], .deployments)
        }
    }

    @Test("nodes and pods are counted as they come and go, without a request")
    func counts() {
        let scene = Scene()
        scene.member.put(ClusterCapacityTests.node("a"), .nodes)
        scene.member.put(ClusterCapacityTests.pod("1", on: "a"), .pods)
        #expect(scene.fleet.observation(of: Self.edge) == .unknown && scene.fleet.watched.isEmpty)
        scene.watch()
        #expect(scene.news.withLock { $0 } == 1)
        #expect(scene.fleet.watched == [Self.edge])
        #expect(scene.fleet.capacity(of: Self.edge)?.free["cpu"] == Quantity("3500m"))
        let requests = scene.member.requests().count
        scene.member.put(ClusterCapacityTests.pod("2", cpu: "1", on: "a"), .pods)
        scene.member.put(ClusterCapacityTests.node("b"), .nodes)
        scene.world.settle()
        #expect(scene.fleet.capacity(of: Self.edge)?.free["cpu"] == Quantity("6500m"))
        scene.member.remove(.pods, ObjectKey(namespace: "default", name: "1"))
        scene.member.put(ClusterCapacityTests.pod("2", on: "a", status: ["phase": "Succeeded"]), .pods)
        scene.world.settle()
        #expect(scene.fleet.capacity(of: Self.edge)?.free["cpu"] == Quantity("8"))
        #expect(scene.member.requests().count == requests)
        #expect(scene.news.withLock { $0 } == 1, "changes of pods are no news")
    }

    @Test(
        "without the right to list nodes there is one message, no informer, and a look now and then until it is granted"
    )
    func forbidden() {
        let scene = Scene()
        scene.member.answerAccessReviews { $0.value(at: ["resourceAttributes", "resource"])?.stringValue != "nodes" }
        scene.watch()
        let missing = RequiredPermission(resource: "nodes", verbs: ["list", "watch"])
        #expect(scene.fleet.observation(of: Self.edge) == .forbidden([missing]))
        scene.world.run(for: .seconds(3_600))
        let requests = scene.member.requests()
        #expect(!requests.contains { $0.concerns(.nodes) || $0.concerns(.pods) })
        #expect(requests.count < 4 * 20, "four reviews each time, at last one every five minutes")
        #expect(scene.news.withLock { $0 } == 1)
        scene.member.answerAccessReviews { _ in true }
        scene.world.run(for: .seconds(400))
        #expect(scene.fleet.capacity(of: Self.edge) != nil)
    }

    @Test("a right that is taken away is found out after a minute of failures, and the numbers go")
    func revoked() {
        let scene = Scene()
        scene.watch()
        scene.member.answerAccessReviews { _ in false }
        scene.member.inject(.status(403, "Forbidden"), times: 1_000) { $0.concerns(.nodes) || $0.concerns(.pods) }
        scene.member.breakWatches()
        scene.world.run(for: .seconds(50))
        scene.watch()
        #expect(scene.fleet.capacity(of: Self.edge) != nil, "it may be a moment's trouble")
        scene.world.run(for: .seconds(20))
        scene.watch()
        guard case .forbidden(let missing) = scene.fleet.observation(of: Self.edge) else {
            Issue.record("not found out")
            return
        }
        #expect(missing.map(\.resource) == ["nodes", "pods"])
        let requests = scene.member.requests { $0.concerns(.nodes) }.count
        scene.world.run(for: .seconds(600))
        #expect(scene.member.requests { $0.concerns(.nodes) }.count == requests)
    }

    @Test("another Secret means another client and new informers; what was open closes, and kinds are watched on")
    func renews() {
        let scene = Scene()
        scene.watch(version: "1", identity: "old")
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.web, on: Self.edge)
        scene.world.settle()
        #expect(scene.member.watchCount == 3)
        scene.watch(version: "1", identity: "same")
        #expect(!scene.member.requests().contains { $0.identity == "same" })
        _ = scene.told()
        scene.watch(version: "2", identity: "new")
        #expect(scene.member.watchCount == 3)
        let opened = scene.member.requests { $0.identity == "new" && $0.isWatch }
        #expect(Set(opened.compactMap { $0.target?.collection.plural }) == ["nodes", "pods", "deployments"])
        #expect(scene.told() == ["edge/*"])
    }

    @Test("a member that is not ready is left alone until it is again; one that is gone is forgotten")
    func pauses() {
        let scene = Scene()
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.web, on: Self.edge)
        scene.watch()
        #expect(scene.member.watchCount == 3)
        scene.fleet.pause(Self.edge)
        scene.world.settle()
        #expect(scene.member.watchCount == 0 && scene.fleet.watched.isEmpty)
        #expect(scene.fleet.observation(of: Self.edge) == .unknown)
        scene.watch()
        #expect(scene.member.watchCount == 3)
        scene.fleet.forget(Self.edge)
        scene.watch()
        #expect(scene.member.watchCount == 2, "what was placed there is forgotten too")
    }

    @Test("a change of a placed object names its placement; all others are told nothing and not even kept")
    func placed() {
        let scene = Scene()
        scene.put(deployment: "web", placement: "u1")
        scene.watch()
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.web, on: Self.edge)
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.web, on: Self.edge)
        #expect(scene.told() == ["edge/*"], "what was there before is looked at as a whole")
        scene.put(deployment: "web", placement: "u1")
        #expect(scene.told() == ["edge/u1"])
        scene.put(deployment: "foreign", placement: nil)
        #expect(scene.told() == [])
        scene.put(deployment: "web", placement: "u2")
        #expect(Set(scene.told()) == ["edge/u1", "edge/u2"])
        scene.member.remove(.deployments, ObjectKey(namespace: "default", name: "web"))
        #expect(scene.told() == ["edge/u2"])
        scene.fleet.watchPlaced(kinds: [.configMaps], of: Self.shop, on: Self.edge)
        #expect(scene.told() == ["edge/*"])
        #expect(scene.member.requests { $0.isWatch && $0.concerns(.deployments) }.count == 1)
        let selectors = scene.member.requests { $0.concerns(.deployments) }.map { $0.query["labelSelector"] }
        #expect(Set(selectors) == [MetadataName.placementUID])
    }

    @Test("a kind is watched as long as any placement has it there, and again when one has it anew")
    func counted() {
        let scene = Scene()
        scene.watch()
        scene.fleet.watchPlaced(kinds: [.deployments, .configMaps], of: Self.web, on: Self.edge)
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.shop, on: Self.edge)
        scene.world.settle()
        #expect(scene.member.watchCount == 4)
        #expect(scene.fleet.watching([.deployments, .configMaps], on: Self.edge) == .watched)
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.web, on: Self.edge)
        scene.world.settle()
        #expect(scene.member.watchCount == 3 && scene.fleet.watching([.configMaps], on: Self.edge) == .unknown)
        scene.fleet.keepPlaced(of: Self.web, on: [Self.edge])
        scene.fleet.keepPlaced(of: Self.web, on: ["another"])
        scene.world.settle()
        #expect(scene.member.watchCount == 3, "the other one has it still")
        scene.fleet.keepPlaced(of: Self.shop, on: [])
        scene.world.settle()
        #expect(scene.member.watchCount == 2)
        _ = scene.told()
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.shop, on: Self.edge)
        #expect(scene.told() == ["edge/*"] && scene.member.watchCount == 3)
        scene.watch(version: "2")
        #expect(scene.member.watchCount == 3, "what is over does not come back with a new client")
    }

    @Test("a kind that may not be watched is named with its rights, beside others that may")
    func unwatched() {
        let scene = Scene()
        scene.member.answerAccessReviews {
            let asked = $0["resourceAttributes"]
            return asked?["resource"]?.stringValue != "deployments" || asked?["verb"]?.stringValue != "watch"
        }
        scene.watch()
        scene.fleet.watchPlaced(kinds: [.deployments, .configMaps], of: Self.web, on: Self.edge)
        #expect(scene.told().contains("edge/*"))
        let watching = scene.fleet.watching([.deployments, .configMaps], on: Self.edge)
        #expect(watching == .forbidden("watch deployments.apps"))
        #expect(scene.fleet.watching([.configMaps], on: Self.edge) == .watched)
        scene.member.answerAccessReviews { _ in true }
        scene.world.run(for: .seconds(400))
        #expect(scene.fleet.watching([.deployments, .configMaps], on: Self.edge) == .watched)
    }

    @Test("a member that hangs costs the others nothing, and its session ends at once")
    func hangs() {
        let scene = Scene()
        let hole = FakeAPIServer(timeSource: scene.world.time)
        hole.inject(.hang, times: 1_000)
        scene.fleet.watch("hole", through: hole.client(), version: "1") {}
        scene.fleet.watchPlaced(kinds: [.deployments], of: Self.web, on: "hole")
        scene.watch()
        #expect(scene.fleet.capacity(of: Self.edge) != nil && scene.fleet.observation(of: "hole") == .unknown)
        scene.fleet.forget("hole")
        scene.world.settle()
        let requests = hole.requests().count
        scene.world.run(for: .seconds(600))
        #expect(hole.requests().count == requests)
    }

    @Test("what a member serves is asked of its discovery; nobody knows of one that is not ready or does not answer")
    func provides() throws {
        let scene = Scene()
        let kind = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
        let ask = { (kind: GroupVersionKind) in
            let run = scene.world.start { [fleet = scene.fleet] in await fleet.missing([kind], on: Self.edge) }
            scene.world.settle()
            return try #require(run.result).get()
        }
        let widget = GroupVersionKind(group: "apps", version: "v1", kind: "Widget")
        #expect(try ask(widget) == [], "nobody knows")
        scene.watch()
        #expect(try ask(kind) == [])
        #expect(try ask(widget) == [widget])
        let other = GroupVersionKind(group: "example.com", version: "v1", kind: "Widget")
        #expect(try ask(other) == [other])
        scene.member.stop()
        #expect(try ask(kind) == [], "known already")
        #expect(try ask(GroupVersionKind(group: "other.com", version: "v1", kind: "Widget")) == nil)
    }

    @Test("a member that hangs is waited for once, however many kinds it is asked for")
    func hangingDiscovery() throws {
        let scene = Scene()
        scene.watch()
        scene.member.inject(.hang, times: 1_000)
        let kinds = Set((1...5).map { GroupVersionKind(group: "g\($0).example.com", version: "v1", kind: "Widget") })
        let start = scene.world.time.now()
        let run = scene.world.start { [fleet = scene.fleet] in await fleet.missing(kinds, on: Self.edge) }
        _ = scene.world.run(until: { run.isFinished })
        #expect(try #require(run.result).get() == nil)
        #expect(start.duration(to: scene.world.time.now()) <= .seconds(11))
    }

    @Test("the end of leadership ends every session")
    func ends() {
        let world = VirtualWorld()
        let member = FakeAPIServer(timeSource: world.time)
        let fleet = MemberFleet(configuration: InformerConfiguration(), context: RuntimeContext(timeSource: world.time))
        let run = world.start { try await fleet.run() }
        fleet.watch(Self.edge, through: member.client(), version: "1") {}
        world.settle()
        #expect(member.watchCount == 2)
        run.cancel()
        world.settle()
        #expect(run.error is CancellationError && member.watchCount == 0 && fleet.watched.isEmpty)
    }
}
