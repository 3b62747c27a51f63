import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Random fleets and placements: what must hold for every one of them.
@Suite("PlacementScheduler, random fleets")
struct PlacementSchedulerPropertyTests {
    private struct World {
        var request: PlacementRequest
        var clusters: [ClusterCandidate]

        init(seed: UInt64) {
            var random = SeededGenerator(seed: seed)
            let names = (0..<Int.random(in: 0...8, using: &random)).map { "c\($0)" }
            clusters = names.map { Self.cluster($0, &random) }
            request = PlacementRequest(.make(count: Int.random(in: 1...5, using: &random)))
            request.demand.total = ResourceAmounts(["cpu": Quantity(Int64.random(in: 0...3, using: &random))])
            if Bool.random(using: &random) { request.selector = LabelSelector(matchLabels: ["tier": "edge"]) }
            if Bool.random(using: &random) { request.tolerations = [.make("t", seconds: random.maybe(60))] }
            if Bool.random(using: &random) {
                var constraint = SpreadConstraint(topologyKey: "region")
                constraint.maxSkew = Int.random(in: 1...2, using: &random)
                constraint.whenUnsatisfiable = .known(Bool.random(using: &random) ? .doNotPlace : .placeAnyway)
                request.spread = [constraint]
            }
            for name in names + ["gone"] where Int.random(in: 0..<3, using: &random) == 0 {
                var decision = PlacementDecision(cluster: name, reason: "before")
                decision.leaving = Bool.random(using: &random) ? true : nil
                request.current.append(decision)
            }
            request.healthy = Set(names.filter { _ in Bool.random(using: &random) })
            for name in names where Int.random(in: 0..<6, using: &random) == 0 { request.evacuated[name] = "Failover" }
        }

        private static func cluster(_ name: String, _ random: inout SeededGenerator) -> ClusterCandidate {
            let chance = { (one: Int, random: inout SeededGenerator) in Int.random(in: 0..<one, using: &random) == 0 }
            var cluster = ClusterCandidate.make(name, cpu: Int64.random(in: 1...4, using: &random))
            cluster.labels = chance(2, &random) ? ["tier": "edge"] : [:]
            cluster.region = ["x", "y", "z", nil].randomElement(using: &random) ?? nil
            cluster.isReady = !chance(5, &random)
            cluster.isUnschedulable = chance(6, &random)
            cluster.fenceProblem = chance(8, &random) ? "no" : nil
            if chance(3, &random) {
                var taint = ClusterTaint(
                    key: "t",
                    effect: TaintEffect.allCases.randomElement(using: &random) ?? .noExecute
                )
                taint.timeAdded = random.maybe(at(Double(Int.random(in: -100...0, using: &random))))
                cluster.taints = [taint]
            }
            if chance(3, &random) { cluster.free = nil }
            if chance(2, &random) { cluster.clusterUID = ["1", "2"].randomElement(using: &random) }
            return cluster
        }
    }

    @Test("many copies at once go where they would go one after the other", arguments: 0..<40)
    func oneByOne(batch: Int) {
        for seed in 0..<25 {
            let world = World(seed: UInt64(batch * 25 + seed))
            var request = world.request
            request.current = []
            let all = PlacementScheduler.schedule(request, world.clusters, now: start)
            var step = request
            for count in 1...request.count {
                step.count = count
                step.current = PlacementScheduler.schedule(step, world.clusters, now: start).decisions
            }
            #expect(step.current == all.decisions, "seed \(batch * 25 + seed)")
        }
    }

    @Test(
        "never too many, never where it may not be, sticky, the same in any order and when asked again",
        arguments: 0..<40
    )
    func holds(block: UInt64) {
        for seed in (block * 100)..<(block * 100 + 100) {
            let world = World(seed: seed)
            let plan = PlacementScheduler.schedule(world.request, world.clusters, now: start)
            checkCounts(plan, world, seed)
            checkNewCopies(plan, world, seed)
            checkStickiness(plan, world, seed)
            #expect(
                PlacementScheduler.schedule(world.request, world.clusters.reversed(), now: start) == plan,
                "seed \(seed)"
            )
            var again = world.request
            again.current = plan.decisions
            let second = PlacementScheduler.schedule(again, world.clusters, now: start)
            #expect(second.decisions == plan.decisions, "seed \(seed): nothing has changed, so nothing moves")
        }
    }

    private func checkCounts(_ plan: PlacementPlan, _ world: World, _ seed: UInt64) {
        #expect(plan.clusters.count + plan.missing == world.request.count, "seed \(seed)")
        let identities = plan.clusters.compactMap { name in world.clusters.first { $0.name == name }?.clusterUID }
        #expect(Set(identities).count == identities.count, "seed \(seed): two copies that are one")
        let named = plan.decisions.map(\.cluster) + plan.rejections.map(\.cluster)
        #expect(Set(named).count == named.count, "seed \(seed): one word on each cluster")
        #expect(Set(named).isSuperset(of: world.clusters.map(\.name)), "seed \(seed): a word on each cluster")
    }

    /// By the definitions, not by the filters' code.
    private func checkNewCopies(_ plan: PlacementPlan, _ world: World, _ seed: UInt64) {
        let before = Set(world.request.current.map(\.cluster))
        for name in plan.clusters where !before.contains(name) {
            guard let cluster = world.clusters.first(where: { $0.name == name }) else {
                Issue.record("seed \(seed): \(name) does not exist")
                continue
            }
            #expect(cluster.isReady && !cluster.isUnschedulable && cluster.fenceProblem == nil, "seed \(seed)")
            #expect(world.request.evacuated[name] == nil, "seed \(seed)")
            if world.request.selector != nil { #expect(cluster.labels["tier"] == "edge", "seed \(seed)") }
            if world.request.tolerations.isEmpty {
                #expect(cluster.taints.allSatisfy { $0.effect.value == .preferNoSchedule }, "seed \(seed)")
            }
            if let free = cluster.free { #expect(free["cpu"] >= world.request.demand.total["cpu"], "seed \(seed)") }
        }
    }

    private func checkStickiness(_ plan: PlacementPlan, _ world: World, _ seed: UInt64) {
        var mayStay: [ClusterCandidate] = []
        for decision in world.request.current where decision.leaving != true {
            guard let cluster = world.clusters.first(where: { $0.name == decision.cluster }) else { continue }
            let matches = world.request.selector == nil || cluster.labels["tier"] == "edge"
            let isDrained = cluster.taints.contains { $0.effect.value == .noExecute }
            guard matches, !isDrained, cluster.fenceProblem == nil, world.request.evacuated[cluster.name] == nil else {
                continue
            }
            mayStay.append(cluster)
            let isOnlyOne = world.clusters.count { $0.clusterUID == cluster.clusterUID } == 1
            guard isOnlyOne || cluster.clusterUID == nil else { continue }
            guard world.request.current.count <= world.request.count else { continue }
            #expect(plan.decisions.contains(decision), "seed \(seed): \(cluster.name) moved without need")
        }
        let copies = Set(mayStay.map { $0.clusterUID ?? $0.name }).count
        #expect(plan.clusters.count >= min(copies, world.request.count), "seed \(seed): a copy was given away")
    }
}

extension SeededGenerator {
    /// The value, or nothing.
    fileprivate mutating func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &self) ? value : nil }
}
