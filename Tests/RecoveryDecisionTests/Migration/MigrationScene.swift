import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// A Migration with the world around it: hub objects, two clusters, and a placement controller that follows decisions.
///
/// `step` does what the controller's shell does, one write at a time, so that a test can crash between any two of them.
struct MigrationScene {
    /// What the shell did.
    enum Effect: Hashable {
        case wroteStatus, changedPlacement, prechecked, verified
        case rested(until: Date?)
    }

    static let from = "edge-1"
    static let to = "edge-2"

    var migration: Migration
    var placement: Placement?
    var source = MigrationEnd(name: Self.from)
    var target = MigrationEnd(name: Self.to)
    var violations: [FieldViolation] = []
    var waitsFor: String?
    var heldBackBy: String?
    /// What the target answers when it is asked.
    var answer = MigrationPrechecks(summary: "all good")
    /// What the workloads on the target do; nil when they are ready.
    var targetProblem: String?
    var now = start
    /// Held by the shell's memory only: lost by a crash.
    private var prechecks: MigrationPrechecks?
    private var verification: [MigrationFinding]?

    init(_ action: MigrationAction = .relocate, _ change: (inout Migration) -> Void = { _ in }) {
        migration = Migration(
            metadata: ObjectMeta(name: "move", namespace: "team"),
            spec: MigrationSpec(
                placementRef: NameReference(name: "web"),
                action: action,
                from: Self.from,
                to: Self.to
            )
        )
        migration.metadata.generation = 1
        migration.metadata.uid = "uid-move"
        change(&migration)
        if action == .failover { source.health = .lost("edge-1 is not ready") }
        var placement = Placement(
            metadata: ObjectMeta(name: "web", namespace: "team"),
            spec: PlacementSpec(manifests: [])
        )
        placement.metadata.uid = "uid-web"
        placement.metadata.generation = 1
        placement.status = PlacementStatus()
        placement.status?.observedGeneration = 1
        placement.status?.decisions = [Self.scheduled("edge-0"), Self.scheduled(Self.from)]
        let copies = [Self.synced("edge-0", placement), Self.synced(Self.from, placement)]
        placement.status?.clusters = copies
        self.placement = placement
    }

    static func scheduled(_ cluster: String) -> PlacementDecision {
        var decision = PlacementDecision(cluster: cluster, reason: "Scheduled", score: 7)
        decision.placedBy = "Scheduler"
        return decision
    }

    static func synced(_ cluster: String, _ placement: Placement?) -> ClusterSyncStatus {
        var sync = ClusterSyncStatus(cluster: cluster, state: .synced)
        sync.hash = placement?.manifestsHash
        sync.ready = true
        return sync
    }

    var phase: MigrationPhase? { migration.status?.phase }
    var steps: [String] { (migration.status?.completedSteps ?? []).map(\.name) }
    var decisions: [PlacementDecision] { placement?.status?.decisions ?? [] }

    var facts: MigrationFacts {
        var facts = MigrationFacts(placement: placement, source: source, target: target)
        facts.violations = violations
        facts.waitsFor = waitsFor
        facts.heldBackBy = heldBackBy
        facts.prechecks = prechecks
        facts.verification = verification
        return facts
    }

    func condition(_ type: String) -> String {
        let condition = migration.status?.conditions?[type: type]
        return "\(condition?.status.rawValue ?? "none")/\(condition?.reason ?? "")"
    }

    // MARK: The shell

    /// One write or question, then back.
    mutating func step() -> Effect {
        let decision = MigrationDecision.decide(migration, facts, now: now)
        if decision.status != migration.status {
            migration.status = decision.status
            return .wroteStatus
        }
        switch decision.action {
        case .rest:
            crash()
            return .rested(until: decision.recheckAt)
        case .precheck:
            prechecks = answer
            return .prechecked
        case .verify:
            let problem = isUp(Self.to) ? targetProblem : "no answer"
            verification = [problem.map { MigrationFinding(MigrationReason.waitingForTarget, $0) }].compactMap { $0 }
            return .verified
        case .change(let status):
            placement?.status = status
            return .changedPlacement
        }
    }

    /// One look of the controller, until it rests; returns when it wants to look again.
    @discardableResult
    mutating func look() -> Date? {
        crash()
        for _ in 0..<20 {
            if case .rested(let time) = step() { return time }
        }
        Issue.record("it does not come to rest: \(String(describing: migration.status))")
        return nil
    }

    /// What was only in memory is gone: the process ended, or rests.
    mutating func crash() { (prechecks, verification) = (nil, nil) }

    /// What the placement controller does once: copies where they are missing, and away with those that leave.
    mutating func follow() {
        guard var status = placement?.status else { return }
        status.observedGeneration = placement?.metadata.generation
        var clusters = status.clusters ?? []
        for decision in status.decisions ?? [] where !decision.isLeaving && isUp(decision.cluster) {
            clusters.removeAll { $0.cluster == decision.cluster }
            var sync = Self.synced(decision.cluster, placement)
            if decision.cluster == Self.to, let targetProblem {
                sync.ready = false
                sync.message = targetProblem
            }
            clusters.append(sync)
        }
        status.clusters = clusters
        placement?.status = status
        let staying = (status.decisions ?? []).filter { !$0.isLeaving }
        if !staying.isEmpty, staying.allSatisfy({ placement?.isServed(by: $0.cluster) == true && isUp($0.cluster) }) {
            let gone = (status.decisions ?? []).filter { $0.isLeaving && isUp($0.cluster) }.map(\.cluster)
            status.decisions?.removeAll { gone.contains($0.cluster) }
            status.clusters?.removeAll { gone.contains($0.cluster) }
        }
        for (index, entry) in (status.evacuated ?? []).enumerated() where entry.hasLeftovers && isUp(entry.cluster) {
            status.evacuated?[index].leftovers = false
            status.clusters?.removeAll { $0.cluster == entry.cluster }
        }
        placement?.status = status
    }

    func isUp(_ cluster: String) -> Bool {
        switch cluster {
        case Self.from: source.isReady
        case Self.to: target.isReady
        default: true
        }
    }

    /// Looks and follows until nothing changes any more.
    mutating func settle() {
        for _ in 0..<20 {
            let before = (migration, placement)
            look()
            follow()
            if before == (migration, placement) { return }
        }
        Issue.record("it never settles: \(String(describing: migration.status))")
    }

    /// Settles, then waits as often as it asks to, until the end.
    mutating func finish() {
        for _ in 0..<200 where !migration.isFinal {
            settle()
            guard let time = look() else { return }
            now = max(time, now.addingTimeInterval(1))
        }
    }
}
