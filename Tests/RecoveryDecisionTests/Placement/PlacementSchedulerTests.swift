import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

extension Placement {
    /// A placement of one ConfigMap on `count` clusters.
    static func make(count: Int = 1, _ change: (inout Placement) -> Void = { _ in }) -> Placement {
        var placement = Placement(
            metadata: ObjectMeta(name: "web", namespace: "team"),
            spec: PlacementSpec(manifests: [
                ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "web"]]
            ])
        )
        placement.spec.clusterCount = count
        change(&placement)
        return placement
    }
}

extension ClusterCandidate {
    /// A ready cluster with two CPUs and 4 GiB free on two nodes.
    static func make(_ name: String, cpu: Int64 = 2, _ change: (inout ClusterCandidate) -> Void = { _ in }) -> Self {
        var cluster = ClusterCandidate(name: name)
        cluster.free = ResourceAmounts(["cpu": Quantity(cpu), "memory": Quantity(4 << 30), "pods": Quantity(100)])
        cluster.largestNodeFree = ResourceAmounts([
            "cpu": Quantity(milli: cpu * 500), "memory": Quantity(2 << 30), "pods": Quantity(50),
        ])
        change(&cluster)
        return cluster
    }
}

extension ClusterToleration {
    static func make(_ key: String?, seconds: Int? = nil) -> ClusterToleration {
        var toleration = ClusterToleration(key: key)
        toleration.operator = .known(.exists)
        toleration.tolerationSeconds = seconds
        return toleration
    }
}

/// A change to a cluster, and the reason that it is rejected for.
struct Filtered: Sendable {
    var reason: String
    var spoil: @Sendable (inout ClusterCandidate) -> Void

    init(_ reason: String, _ spoil: @escaping @Sendable (inout ClusterCandidate) -> Void) {
        self.reason = reason
        self.spoil = spoil
    }
}

@Suite("PlacementScheduler")
struct PlacementSchedulerTests {
    private func plan(
        _ placement: Placement,
        _ clusters: [ClusterCandidate],
        at now: Date = start,
        _ change: (inout PlacementRequest) -> Void = { _ in }
    ) -> PlacementPlan {
        var request = PlacementRequest(placement)
        change(&request)
        return PlacementScheduler.schedule(request, clusters, now: now)
    }

    /// A placement that has copies on these clusters.
    private func placed(_ names: [String], count: Int = 1, _ change: (inout Placement) -> Void = { _ in }) -> Placement
    {
        .make(count: count) { placement in
            placement.status = PlacementStatus()
            placement.status?.decisions = names.map { PlacementDecision(cluster: $0, reason: "before", score: 7) }
            change(&placement)
        }
    }

    // MARK: - Filters

    @Test(
        "each filter has its own reason",
        arguments: [
            Filtered("NotReady") { $0.isReady = false },
            Filtered("OutsideFence") { $0.fenceProblem = "not allowed here" },
            Filtered("Unschedulable") { $0.isUnschedulable = true },
            Filtered("SelectorMismatch") { $0.labels = ["tier": "core"] },
            Filtered("TaintNotTolerated") { $0.taints = [ClusterTaint(key: "gpu", effect: .noSchedule)] },
            Filtered("TaintNotTolerated") { $0.taints = [ClusterTaint(key: "gpu", effect: .noExecute)] },
            Filtered("APINotAvailable") { $0.missingKinds = [GroupVersionKind(apiVersion: "v1", kind: "ConfigMap")] },
            Filtered("InsufficientCapacity") { $0.free = ResourceAmounts(["cpu": Quantity(1)]) },
            Filtered("InsufficientCapacity") { $0.largestNodeFree = ResourceAmounts(["cpu": Quantity(milli: 400)]) },
        ]
    )
    func filters(_ filtered: Filtered) throws {
        var cluster = ClusterCandidate.make("a") { $0.labels = ["tier": "edge"] }
        let placement = Placement.make { $0.spec.clusterSelector = LabelSelector(matchLabels: ["tier": "edge"]) }
        let demand = { (request: inout PlacementRequest) in
            request.demand.total = ResourceAmounts(["cpu": Quantity(milli: 1_500)])
            request.demand.largestPod = ResourceAmounts(["cpu": Quantity(milli: 500)])
        }
        #expect(plan(placement, [cluster], demand).clusters == ["a"])
        filtered.spoil(&cluster)
        let spoilt = plan(placement, [cluster], demand)
        #expect(spoilt.decisions.isEmpty && spoilt.missing == 1)
        #expect(spoilt.rejections.map(\.reason) == [filtered.reason])
        #expect(spoilt.rejections.first?.message?.isEmpty == false)
    }

    @Test("the first filter that says no is named")
    func order() {
        let cluster = ClusterCandidate.make("a") {
            $0.isUnschedulable = true
            $0.isReady = false
        }
        #expect(plan(.make(), [cluster]).rejections.map(\.reason) == ["NotReady"])
        #expect(plan(.make(), [cluster]).rejectionTexts == ["a: NotReady, its condition Ready is not True"])
    }

    @Test("a cluster that was left gets no copy again by itself")
    func evacuated() {
        let placement = placed([]) {
            $0.status?.evacuated = [EvacuatedCluster(cluster: "a", reason: "Failover", time: start)]
        }
        let result = plan(placement, [.make("a"), .make("b")])
        #expect(result.clusters == ["b"])
        #expect(result.rejections.map(\.reason) == ["Evacuated"])
    }

    @Test("unknown capacity passes, and comes last")
    func unknownCapacity() {
        let unknown = ClusterCandidate.make("a") {
            $0.free = nil
            $0.largestNodeFree = nil
        }
        let demand = { (request: inout PlacementRequest) in
            request.demand.total = ResourceAmounts(["cpu": Quantity(1)])
        }
        #expect(plan(.make(), [unknown], demand).clusters == ["a"])
        #expect(plan(.make(), [unknown, .make("b")], demand).clusters == ["b"])
    }

    // MARK: - Taints

    @Test("tolerated taints do not matter, disliked ones cost")
    func taints() {
        let tainted = ClusterCandidate.make("a", cpu: 8) {
            $0.taints = [ClusterTaint(key: "gpu", value: "x", effect: .noSchedule)]
        }
        let tolerant = Placement.make { $0.spec.tolerations = [.make("gpu")] }
        #expect(plan(tolerant, [tainted, .make("b")]).clusters == ["a"])
        let other = Placement.make { placement in
            var toleration = ClusterToleration(key: "gpu")
            toleration.value = "y"
            placement.spec.tolerations = [toleration]
        }
        #expect(plan(other, [tainted, .make("b")]).clusters == ["b"])
        let disliked = ClusterCandidate.make("a", cpu: 8) {
            $0.taints = [ClusterTaint(key: "gpu", effect: .preferNoSchedule)]
        }
        #expect(plan(.make(), [disliked, .make("b")]).clusters == ["b"])
        #expect(plan(.make(), [disliked]).clusters == ["a"])
    }

    @Test("NoSchedule leaves a copy where it is, NoExecute makes it leave, and the toleration's seconds delay that")
    func eviction() {
        let closed = ClusterCandidate.make("a") { $0.taints = [ClusterTaint(key: "k", effect: .noSchedule)] }
        #expect(plan(placed(["a"]), [closed, .make("b")]).clusters == ["a"])

        let drained = ClusterCandidate.make("a") { cluster in
            var taint = ClusterTaint(key: "k", effect: .noExecute)
            taint.timeAdded = start
            cluster.taints = [taint]
        }
        let now = plan(placed(["a"]), [drained, .make("b")])
        #expect(now.clusters == ["b"] && now.leaving == ["a"])

        let patient = placed(["a"]) { $0.spec.tolerations = [.make("k", seconds: 60), .make(nil, seconds: 300)] }
        let soon = plan(patient, [drained, .make("b")], at: at(59))
        #expect(soon.clusters == ["a"] && soon.recheckAt == at(60))
        let late = plan(patient, [drained, .make("b")], at: at(60))
        #expect(late.clusters == ["b"] && late.leaving == ["a"] && late.recheckAt == nil)
        #expect(plan(patient.with { $0.status = nil }, [drained], at: at(60)).missing == 1)
    }

    // MARK: - MemberClusters that lead to one cluster

    /// Ready clusters by name, each with the identity of the cluster that it leads to.
    private func clusters(_ identities: KeyValuePairs<String, String>) -> [ClusterCandidate] {
        identities.map { name, uid in ClusterCandidate.make(name) { $0.clusterUID = uid } }
    }

    @Test("of MemberClusters that lead to one cluster the first by name is chosen, and the others are told which")
    func twins() {
        let clusters = clusters(["c": "1", "b": "1", "a": "1", "d": "2"])
        let result = plan(.make(count: 3), clusters)
        #expect(result.clusters == ["a", "d"] && result.missing == 1)
        #expect(
            result.rejectionTexts
                == ["b", "c"].map { "\($0): SameCluster, it leads to the same cluster as a" }
        )
        let unknown = clusters.map { cluster in ClusterCandidate.make(cluster.name) }
        #expect(plan(.make(count: 3), unknown).clusters == ["a", "b", "c"])
    }

    @Test("the MemberCluster that has the copy keeps it, also where it takes no new ones and comes later by name")
    func twinOfACopy() {
        var clusters = clusters(["a": "1", "b": "1", "c": "2"])
        clusters[1].isReady = false
        let result = plan(placed(["b"], count: 2), clusters)
        #expect(result.clusters == ["b", "c"] && result.leaving.isEmpty && result.missing == 0)
        #expect(result.rejectionTexts == ["a: SameCluster, it leads to the same cluster as b"])
    }

    @Test("one that takes no copy does not stand in the way of the other that leads to the same cluster")
    func twinThatIsClosed() {
        var clusters = clusters(["a": "1", "b": "1"])
        clusters[0].isUnschedulable = true
        let result = plan(.make(), clusters)
        #expect(result.clusters == ["b"] && result.rejections.map(\.reason) == ["Unschedulable"])
    }

    @Test("of two copies that turn out to be one the healthy one stays, then the first by name, and none comes back")
    func twinCopies() {
        let clusters = clusters(["a": "1", "b": "1", "c": "1", "d": "2"])
        let placement = placed(["a", "b", "c"], count: 3)
        let result = plan(placement, clusters)
        #expect(result.clusters == ["a", "d"] && result.leaving == ["b", "c"] && result.missing == 1)
        #expect(result.decisions.last?.reason == "SameCluster: it leads to the same cluster as a")
        let again = plan(placement.with { $0.status?.decisions = result.decisions }, clusters)
        #expect(again.decisions == result.decisions)
        #expect(plan(placement, clusters) { $0.healthy = ["c"] }.clusters == ["c", "d"])
        let leaving = placed(["a", "b"], count: 2) {
            for index in 0..<2 { $0.status?.decisions?[index].leaving = true }
        }
        #expect(plan(leaving, clusters).clusters == ["a", "d"])
    }

    // MARK: - Copies that are there

    @Test(
        "a copy stays on a cluster that takes no new ones, as it was decided",
        arguments: [
            { $0.isReady = false }, { $0.isUnschedulable = true }, { $0.free = ResourceAmounts() },
            { $0.missingKinds = [GroupVersionKind(apiVersion: "v1", kind: "ConfigMap")] },
        ] as [@Sendable (inout ClusterCandidate) -> Void]
    )
    func sticky(spoil: @Sendable (inout ClusterCandidate) -> Void) {
        let placement = placed(["b"])
        let result = plan(placement, [.make("a", cpu: 64), .make("b", spoil)])
        #expect(result.decisions == placement.status?.decisions)
        #expect(result.rejections.map(\.reason) == ["LowerScore"])
    }

    @Test("a copy leaves when it has to, and the new one is decided at once")
    func leaves() throws {
        let placement = placed(["a"]) { $0.spec.clusterSelector = LabelSelector(matchLabels: ["tier": "edge"]) }
        let edge = ClusterCandidate.make("b") { $0.labels = ["tier": "edge"] }
        let result = plan(placement, [.make("a"), edge])
        #expect(result.clusters == ["b"] && result.leaving == ["a"] && result.missing == 0)
        #expect(result.decisions.last?.reason?.hasPrefix("SelectorMismatch") == true)
        #expect(result.decisions.first?.placedBy == "Scheduler")
        let alone = plan(placement, [.make("a")])
        #expect(alone.clusters.isEmpty && alone.leaving == ["a"] && alone.missing == 1)
    }

    @Test("a recovery may leave a cluster, and says who decided")
    func leaveByRecovery() {
        let result = plan(placed(["a", "b"], count: 2), [.make("a"), .make("b"), .make("c")]) {
            $0.leave = ["a": "the pods do not fit"]
            $0.placedBy = "Recovery/r"
        }
        #expect(result.clusters == ["b", "c"] && result.leaving == ["a"])
        #expect(result.decisions[1].placedBy == "Recovery/r")
        #expect(result.decisions[2].reason == "LeftByRecovery: the pods do not fit")
    }

    @Test("a copy that leaves is taken back before a new one is made, unless it has to go")
    func takesBack() {
        let placement = placed(["a", "b"]) { $0.status?.decisions?[0].leaving = true }
        #expect(plan(placement, [.make("a"), .make("b"), .make("c")]).leaving == ["a"])
        let alone = placed(["a"]) { $0.status?.decisions?[0].leaving = true }
        #expect(plan(alone, [.make("a"), .make("c", cpu: 64)]).clusters == ["a"])
        let bad = ClusterCandidate.make("a") { $0.isReady = false }
        let replaced = plan(alone, [bad, .make("c")])
        #expect(replaced.clusters == ["c"] && replaced.leaving == ["a"])
    }

    @Test("a copy that a recovery took away for want of room is taken back only where it is well, or has room")
    func takesBackWhatFits() {
        let placement = placed(["a", "b"]) {
            $0.status?.decisions?[0].leaving = true
            $0.status?.decisions?[0].reason = "LeftByRecovery: its pods do not fit"
        }
        let again = { (cpu: Int64, healthy: Set<String>) in
            plan(placement, [.make("a", cpu: cpu), .make("b"), .make("c")]) {
                $0.leave = ["b": "its pods do not fit"]
                $0.demand.total = ResourceAmounts(["cpu": Quantity(2)])
                $0.healthy = healthy
            }
        }
        #expect(again(1, []).clusters == ["c"] && again(1, []).leaving == ["a", "b"])
        #expect(again(1, ["a"]).clusters == ["a"])
        #expect(again(2, []).clusters == ["a"])
    }

    @Test("of too many copies the unhealthy one goes first, then the one in the fullest region, then by room and name")
    func surplus() {
        let clusters = [("a", "x"), ("b", "x"), ("c", "y")].map { name, region in
            ClusterCandidate.make(name) { $0.region = region }
        }
        let synced = { (name: String) in
            var state = ClusterSyncStatus(cluster: name, state: .synced)
            state.ready = true
            return state
        }
        let placement = placed(["a", "b", "c"], count: 2) {
            $0.spec.spread = [SpreadConstraint(topologyKey: "region")]
            $0.status?.clusters = ["a", "b", "c"].map(synced)
        }
        #expect(plan(placement, clusters).leaving == ["b"])
        let unhealthy = placement.with { $0.status?.clusters?[2].ready = false }
        #expect(plan(unhealthy, clusters).leaving == ["c"])
        let tight = placement.with { $0.spec.spread = nil }
        let roomy = clusters.map { $0.name == "a" ? $0 : ClusterCandidate.make($0.name, cpu: 50) }
        #expect(plan(tight, roomy).leaving == ["a"])
    }

    @Test("a copy that a Migration tries out is one more than asked for, and costs no other its place")
    func provisional() {
        let clusters = ["a", "b", "c"].map { ClusterCandidate.make($0) }
        let placement = placed(["a", "b"], count: 1) {
            $0.status?.decisions?[1].reason = PlacementDecision.migrating
            $0.status?.decisions?[1].placedBy = "Migration/move"
        }
        let both = plan(placement, clusters)
        #expect(both.decisions == placement.status?.decisions && both.missing == 0)
        let alone = placement.with { $0.status?.decisions?.removeFirst() }
        #expect(plan(alone, clusters).clusters == ["b", "a"], "nor does it count as the copy that is asked for")
        let cutOver = placement.with { $0.status?.decisions?[1].reason = MigrationReason.migrated }
        #expect(plan(cutOver, clusters).leaving.count == 1)
    }

    @Test("a cluster that does not exist any more is dropped")
    func gone() {
        let result = plan(placed(["a"]), [.make("b")])
        #expect(result.decisions.map(\.cluster) == ["b"])
        #expect(result.rejections.map(\.reason) == ["ClusterGone"])
    }

    // MARK: - Spread and scores

    @Test("more room wins, equal scores go by name")
    func scores() throws {
        #expect(plan(.make(), [.make("b"), .make("a")]).clusters == ["a"])
        let result = plan(.make(), [.make("a"), .make("b", cpu: 8)])
        #expect(result.clusters == ["b"])
        #expect(try #require(result.decisions.first?.score) == 100)
    }

    @Test("copies are kept apart by region, zone or label; a skew that must hold leaves copies missing")
    func spread() {
        let clusters = [("a", "x"), ("b", "x"), ("c", "y"), ("d", nil)].map { name, region in
            ClusterCandidate.make(name, cpu: name == "c" ? 1 : 64) { $0.region = region }
        }
        var constraint = SpreadConstraint(topologyKey: "region")
        let wish = { (count: Int) in Placement.make(count: count) { $0.spec.spread = [constraint] } }
        #expect(plan(wish(2), clusters).clusters == ["a", "c"])
        #expect(plan(wish(4), clusters).clusters.count == 4)
        constraint.whenUnsatisfiable = .known(.doNotPlace)
        let strict = plan(wish(4), clusters)
        #expect(strict.clusters == ["a", "c", "b"] && strict.missing == 1)
        #expect(strict.rejections.map(\.reason) == ["SpreadUnsatisfied"])
        let oneRegion = plan(wish(2), Array(clusters.prefix(2)))
        #expect(oneRegion.clusters.count == 2, "the only region there is cannot be fuller than another")
        let full = clusters.map { cluster in
            cluster.name == "c" ? ClusterCandidate.make("c") { $0.region = "y" } : cluster
        }
        let held = placed(["a"], count: 2) { $0.spec.spread = [constraint] }
        #expect(plan(held, full).clusters == ["a", "c"])
    }

    @Test("only what a policy allows is relaxed, and the decision says so")
    func relaxed() {
        let tainted = ClusterCandidate.make("a") { $0.taints = [ClusterTaint(key: "k", effect: .noSchedule)] }
        let drained = ClusterCandidate.make("b") { $0.taints = [ClusterTaint(key: "k", effect: .noExecute)] }
        #expect(plan(.make(count: 2), [tainted, drained]) { $0.relaxed = [.spread] }.clusters.isEmpty)
        let result = plan(.make(count: 2), [tainted, drained]) { $0.relaxed = [.taints] }
        #expect(result.clusters == ["a"])
        #expect(result.decisions.first?.reason?.hasSuffix("relaxed: taints") == true)

        var constraint = SpreadConstraint(topologyKey: "zone")
        constraint.whenUnsatisfiable = .known(.doNotPlace)
        let spread = Placement.make { $0.spec.spread = [constraint] }
        #expect(plan(spread, [.make("a")]).clusters.isEmpty)
        #expect(plan(spread, [.make("a")]) { $0.relaxed = [.spread] }.clusters == ["a"])
        #expect(PlacementRelaxation.allCases.sorted() == [.spread, .taints])
    }
}

extension Placement {
    /// The placement with changes.
    func with(_ change: (inout Placement) -> Void) -> Placement {
        var copy = self
        change(&copy)
        return copy
    }
}
