import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// Migrations in worlds where clusters come and go and the controller dies between any two writes.
@Suite("Migrations, crashed and replayed")
struct MigrationWalkTests {
    static let seeds: Range<UInt64> = 0..<300

    @Test("a crash after any write or question ends as if there had been none", arguments: MigrationAction.allCases)
    func crashesAnywhere(_ action: MigrationAction) {
        for isRefused in [false, true] {
            var whole = MigrationScene(action) { $0.spec.deadlineSeconds = 400 }
            if isRefused { whole.targetProblem = "not yet" }
            let fresh = whole
            whole.finish()
            #expect(whole.phase == (isRefused ? .rolledBack : .completed))
            for crashAt in 0..<40 {
                var scene = fresh
                for _ in 0..<crashAt {
                    if case .rested = scene.step() { scene.follow() }
                }
                scene.crash()
                scene.finish()
                #expect(scene.migration == whole.migration, "crash after \(crashAt) steps")
                #expect(scene.placement == whole.placement, "crash after \(crashAt) steps")
            }
        }
    }

    @Test("invariants hold after every step of random lives", arguments: seeds)
    func invariants(_ seed: UInt64) {
        var walk = MigrationWalk(seed: seed)
        for _ in 0..<80 where walk.problems.isEmpty { walk.step() }
        walk.settleDown()
        for problem in walk.problems {
            Issue.record("seed \(seed): \(problem)\n\(walk.history.joined(separator: "\n"))")
        }
    }

    @Test("the lives reach every phase and every end: they test what they should")
    func coverage() {
        var phases: Set<MigrationPhase> = []
        var reasons: Set<String> = []
        for seed in Self.seeds {
            var walk = MigrationWalk(seed: seed)
            for _ in 0..<80 { walk.step() }
            walk.settleDown()
            phases.formUnion(walk.phases)
            reasons.formUnion(walk.reasons)
        }
        #expect(Set(MigrationPhase.allCases).subtracting(phases) == [])
        let wanted: Set = [
            MigrationReason.migrated, MigrationReason.rolledBack, MigrationReason.deadlineExceeded,
            MigrationReason.sourceLost, MigrationReason.sourceReady, MigrationReason.targetNotReady,
            MigrationReason.waitingForTarget, MigrationReason.waitingForSource, MigrationReason.quotaExceeded,
            MigrationReason.waitingForMigration,
        ]
        #expect(wanted.subtracting(reasons) == [])
    }
}

/// One Migration in a world of chance, and what is known to be wrong so far.
struct MigrationWalk {
    private var random: SeededGenerator
    private var scene: MigrationScene
    private let original: [PlacementDecision]

    /// What happened, for the report of a failure.
    private(set) var history: [String] = []
    /// The phases that came up.
    private(set) var phases: Set<MigrationPhase> = []
    /// The reasons that came up in conditions.
    private(set) var reasons: Set<String> = []
    /// What is wrong.
    private(set) var problems: [String] = []

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let action: MigrationAction = random.oneIn(2) ? .relocate : .failover
        scene = MigrationScene(action) { migration in
            migration.spec.deadlineSeconds = [60, 400, 3_600].randomElement(using: &random)
            if random.oneIn(5) { migration.spec.rollbackOnFailure = false }
        }
        if random.oneIn(4) {
            let entry = EvacuatedCluster(cluster: MigrationScene.to, reason: "Relocated", time: start)
            scene.placement?.status?.evacuated = [entry]
        }
        if random.oneIn(4) { scene.waitsFor = "other" }
        original = scene.decisions
        self.random = random
    }

    /// The world moves, then the controller does one thing, and may die.
    mutating func step() {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: scene.source.health = health("edge-1")
        case 1: scene.target.health = health("edge-2")
        case 2: scene.targetProblem = random.oneIn(2) ? "not ready" : nil
        case 3:
            let refusal = MigrationFinding(MigrationReason.quotaExceeded, "no room", isRefusal: true)
            scene.answer.findings = random.oneIn(2) ? [refusal] : []
        case 4: scene.now = scene.now.addingTimeInterval([1, 20, 60, 200].randomElement(using: &random) ?? 1)
        case 5...6: follow()
        case 7: recover()
        case 8: scene.crash()
        case 9: scene.waitsFor = nil
        default: break
        }
        act()
    }

    /// Both clusters are well and time passes: it has to come to an end.
    mutating func settleDown() {
        scene.source.health = .ready
        scene.target.health = .ready
        scene.targetProblem = nil
        scene.answer.findings = []
        scene.waitsFor = nil
        for _ in 0..<400 where problems.isEmpty && !scene.migration.isFinal {
            if case .rested(let time?) = act() { scene.now = max(time, scene.now) }
            follow()
        }
        follow()
        require(scene.migration.isFinal, "it comes to an end")
        switch scene.phase {
        case .rolledBack: require(scene.decisions == original, "a rollback restores the decisions exactly")
        case .completed:
            require(scene.decisions.map(\.cluster) == ["edge-0", "edge-2"], "the copy has moved")
            require(scene.placement?.status?.evacuation(of: "edge-1") != nil, "nothing goes back by itself")
        default: break
        }
        require(!scene.decisions.contains(where: \.isProvisional), "the end leaves nothing provisional")
    }

    @discardableResult
    private mutating func act() -> MigrationScene.Effect {
        let (before, placement) = (scene.migration, scene.placement)
        let effect = scene.step()
        note("\(effect): \(scene.phase?.rawValue ?? "") \(scene.migration.status?.message ?? "")")
        if let phase = scene.phase { phases.insert(phase) }
        reasons.formUnion((scene.migration.status?.conditions ?? []).map(\.reason))
        checkStatus(before)
        if effect == .changedPlacement { checkChange(placement) }
        return effect
    }

    private mutating func checkStatus(_ before: Migration) {
        let steps = scene.steps
        require(Set(steps).count == steps.count, "no step twice: \(steps)")
        let old = (before.status?.completedSteps ?? []).map(\.name)
        require(steps.starts(with: old), "nothing acknowledged is lost")
        let forward = steps.filter(MigrationStepName.forward.contains)
        require(MigrationStepName.forward.starts(with: forward), "steps in order: \(steps)")
        require(!before.isFinal || before == scene.migration, "final is final")
        if before.status?.isPastReturn == true {
            require(scene.migration.status?.isPastReturn == true, "no way back")
            let isUndone = scene.phase == .rollingBack || scene.phase == .rolledBack
            require(!isUndone, "no rollback past the point of no return")
        }
        let isCut = scene.placement?.status?.isCutOver(MigrationMove(scene.migration)) ?? false
        require(!isCut || scene.migration.status?.isPastReturn == true, "the point of no return is written ahead")
    }

    /// What we write never asks for fewer copies than there were, and leaves the source for a ready copy only.
    private mutating func checkChange(_ old: Placement?) {
        let (before, after) = (old?.status, scene.placement?.status)
        let clusters = scene.decisions.map(\.cluster)
        require(Set(clusters).count == clusters.count, "one decision for each cluster: \(clusters)")
        require(!scene.decisions.allSatisfy(\.isLeaving), "a copy stays decided")
        let stays = { (status: PlacementStatus?) in status?.decision(on: "edge-1").map { !$0.isLeaving } ?? false }
        if stays(before), !stays(after) {
            require(old?.isServed(by: "edge-2") == true, "the source is left only for a copy that is ready")
            require(scene.target.isReady, "the source is left only for a cluster that answers")
        }
        let states = { (status: PlacementStatus?) in status?.clusters?.filter { $0.cluster != "edge-2" } }
        require(states(after) == states(before), "sync states are the placement controller's")
        let isReady = after?.sync(on: "edge-2")?.isReady == true
        require(!isReady || before?.sync(on: "edge-2")?.isReady == true, "a copy that is asked for is not ready yet")
    }

    private mutating func recover() {
        let request =
            random.oneIn(2)
            ? scene.migration.resumed("resumed", now: scene.now)
            : random.oneIn(4) ? scene.migration.rolledBack("CannotSucceed", "no use", now: scene.now) : nil
        guard let request else { return }
        let before = scene.migration
        scene.migration.status = request
        note("a recovery asked: \(request.message ?? "")")
        checkStatus(before)
    }

    private mutating func follow() {
        scene.follow()
        note("followed: \(scene.decisions.map { $0.cluster + ($0.isLeaving ? " leaving" : "") })")
    }

    private mutating func health(_ name: String) -> MigrationEnd.Health {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: .lost("\(name) is not ready")
        case 1: .unknown("\(name) has not been probed")
        default: .ready
        }
    }

    private mutating func require(_ holds: Bool, _ rule: String) {
        if !holds { problems.append(rule) }
    }

    private mutating func note(_ event: String) { history.append(event) }
}
