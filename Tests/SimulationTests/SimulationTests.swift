import Foundation
import TestSupport
import Testing

/// The seeded simulation: whatever a seed lets go wrong, the invariants hold.
///
/// `SIMULATION_SEED=17` runs one seed and prints every step; `SIMULATION_SEEDS=1000` runs that many.
@Suite(.timeLimit(.minutes(5))) struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let onlySeed = environment["SIMULATION_SEED"].flatMap { UInt64($0) }
    private static let seedCount = environment["SIMULATION_SEEDS"].flatMap { Int($0) } ?? 60

    @Test("no seed violates an invariant")
    func seeds() {
        if let seed = Self.onlySeed {
            check(ScenarioPlan(seed: seed), printsTrace: true)
            return
        }
        var failures = 0
        for seed in 0..<UInt64(Self.seedCount) where failures < 10 {
            if !check(ScenarioPlan(seed: seed), printsTrace: false) { failures += 1 }
        }
    }

    @Test("the same seed gives the same run, to the last request", .enabled(if: onlySeed == nil))
    func repeatability() {
        let plan = ScenarioPlan(seed: 3)
        let first = Simulation(plan, keepsTrace: true)
        let second = Simulation(plan, keepsTrace: true)
        #expect(first.run() == second.run())
        #expect(first.trace == second.trace)
    }

    @Test(
        "a crash before or after any single write is survived",
        .enabled(if: onlySeed == nil),
        arguments: [(false, false), (true, false), (true, true)]
    )
    func crashesAtEveryWrite(electsLeader: Bool, hasPolicy: Bool) {
        let calm = Simulation(ScenarioPlan(crash: nil, electsLeader: electsLeader, hasPolicy: hasPolicy))
        #expect(calm.run() == [])
        let writes = calm.writeCountAtRest
        #expect(writes >= 12)
        for write in 1...max(1, writes) {
            for isAfter in [false, true] {
                let crash = ScenarioPlan.PlannedCrash(write: write, isAfter: isAfter)
                let simulation = Simulation(
                    ScenarioPlan(crash: crash, electsLeader: electsLeader, hasPolicy: hasPolicy)
                )
                #expect(simulation.run() == [], "crash \(isAfter ? "after" : "before") write \(write) of \(writes)")
                #expect(simulation.states == calm.states, "the same ends as without a crash")
            }
        }
    }

    /// - Returns: Whether all invariants held.
    @discardableResult
    private func check(_ plan: ScenarioPlan, printsTrace: Bool) -> Bool {
        let simulation = Simulation(plan, keepsTrace: printsTrace)
        let violations = simulation.run()
        if printsTrace { print(simulation.trace.joined(separator: "\n")) }
        guard !violations.isEmpty else { return true }
        let list = violations.prefix(5).joined(separator: "\n")
        Issue.record(
            "seed \(plan.seed): \(list)\nreplay: SIMULATION_SEED=\(plan.seed) swift test --filter SimulationTests"
        )
        return false
    }
}
