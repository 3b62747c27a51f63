import Foundation
import RecoveryAPI
import TestSupport
import Testing

/// The seeded simulation with member clusters: Placements and Migrations of the real engine, whatever a seed lets go wrong.
///
/// `FLEET_SEED=17` runs one seed and prints every step; `FLEET_SEEDS=1000` runs that many.
@Suite(.timeLimit(.minutes(5))) struct FleetSimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let onlySeed = environment["FLEET_SEED"].flatMap { UInt64($0) }
    private static let seedCount = environment["FLEET_SEEDS"].flatMap { UInt64($0) } ?? 30

    @Test("no seed loses a copy, leaves one behind, or strands a Migration")
    func seeds() {
        if let seed = Self.onlySeed {
            _ = check(seed, printsTrace: true)
            return
        }
        var ends: [MigrationPhase: Int] = [:]
        var failures = 0
        for seed in 0..<Self.seedCount where failures < 10 {
            guard let reached = check(seed, printsTrace: false) else {
                failures += 1
                continue
            }
            ends.merge(reached, uniquingKeysWith: +)
        }
        // They test what they should.
        guard Self.seedCount >= 30, failures == 0 else { return }
        #expect(ends[.completed, default: 0] >= 10 && ends[.pending, default: 0] >= 1, "\(ends)")
    }

    @Test("the same seed gives the same run, to the last request", .enabled(if: onlySeed == nil))
    func repeatability() {
        let first = Simulation(ScenarioPlan(fleetSeed: 3), keepsTrace: true)
        let second = Simulation(ScenarioPlan(fleetSeed: 3), keepsTrace: true)
        #expect(first.run() == second.run())
        #expect(first.trace == second.trace)
    }

    @Test(
        "a crash before or after any single write of a move is survived",
        .enabled(if: onlySeed == nil),
        arguments: [false, true]
    )
    func crashesAtEveryWrite(electsLeader: Bool) {
        let calm = Simulation(ScenarioPlan(moveWith: nil, electsLeader: electsLeader))
        #expect(calm.run() == [])
        #expect(calm.hasMovedOnce)
        let writes = calm.writeCountAtRest
        for write in 1...max(1, writes) {
            for isAfter in [false, true] {
                let crash = ScenarioPlan.PlannedCrash(write: write, isAfter: isAfter)
                let simulation = Simulation(ScenarioPlan(moveWith: crash, electsLeader: electsLeader))
                let words = "crash \(isAfter ? "after" : "before") write \(write) of \(writes)"
                #expect(simulation.run() == [], "\(words)")
                #expect(simulation.hasMovedOnce, "\(words)")
            }
        }
    }

    /// - Returns: How Migrations ended; nil when an invariant did not hold.
    private func check(_ seed: UInt64, printsTrace: Bool) -> [MigrationPhase: Int]? {
        let simulation = Simulation(ScenarioPlan(fleetSeed: seed), keepsTrace: printsTrace)
        let violations = simulation.run()
        if printsTrace { print(simulation.trace.joined(separator: "\n")) }
        guard !violations.isEmpty else { return simulation.moveEnds }
        let list = violations.prefix(5).joined(separator: "\n")
        Issue.record("seed \(seed): \(list)\nreplay: FLEET_SEED=\(seed) swift test --filter FleetSimulationTests")
        return nil
    }
}
