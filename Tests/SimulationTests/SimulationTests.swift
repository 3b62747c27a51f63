import Foundation
import RecoveryAPI
import TestSupport
import Testing

/// The seeded simulation: whatever a seed lets go wrong, the invariants hold.
///
/// `SIMULATION_SEED=17` runs one seed and prints every step; `SIMULATION_SEEDS=1000` runs that many.
@Suite(.timeLimit(.minutes(5))) struct SimulationTests {
    /// What the modes of policies came to.
    private struct Reached {
        var approved = 0
        var refused = 0
        var observed = 0
        var detected = 0
    }

    private static let environment = ProcessInfo.processInfo.environment
    private static let onlySeed = environment["SIMULATION_SEED"].flatMap { UInt64($0) }
    private static let seedCount = environment["SIMULATION_SEEDS"].flatMap { Int($0) } ?? 60

    @Test("no seed violates an invariant")
    func seeds() {
        if let seed = Self.onlySeed {
            var reached = Reached()
            check(ScenarioPlan(seed: seed), printsTrace: true, &reached)
            return
        }
        var failures = 0
        var reached = Reached()
        for seed in 0..<UInt64(Self.seedCount) where failures < 10 {
            if !check(ScenarioPlan(seed: seed), printsTrace: false, &reached) { failures += 1 }
        }
        // They test what they should.
        guard Self.seedCount >= 60, failures == 0 else { return }
        #expect(reached.approved >= 5 && reached.refused >= 5, "\(reached)")
        #expect(reached.observed >= 3 && reached.detected >= 3, "\(reached)")
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
        arguments: [(false, PolicyMode?.none), (true, nil), (true, .auto)]
    )
    func crashesAtEveryWrite(electsLeader: Bool, mode: PolicyMode?) {
        let calm = Simulation(scenario(nil, electsLeader, mode))
        #expect(calm.run() == [])
        let writes = calm.writeCountAtRest
        #expect(writes >= 12)
        for write in 1...max(1, writes) {
            for isAfter in [false, true] {
                let crash = ScenarioPlan.PlannedCrash(write: write, isAfter: isAfter)
                let simulation = Simulation(scenario(crash, electsLeader, mode))
                #expect(simulation.run() == [], "crash \(isAfter ? "after" : "before") write \(write) of \(writes)")
                #expect(simulation.states == calm.states, "the same ends as without a crash")
            }
        }
    }

    @Test("what is only observed stays untouched, whatever crashes", .enabled(if: onlySeed == nil))
    func observed() {
        let calm = Simulation(scenario(nil, true, .observe))
        #expect(calm.run() == [])
        // The third one is none of the policy's.
        #expect(calm.states == ["team/r1 pending", "team/r2 pending", "team/r3 completed"])
        for write in 1...max(1, calm.writeCountAtRest) {
            let crash = ScenarioPlan.PlannedCrash(write: write, isAfter: true)
            let simulation = Simulation(scenario(crash, true, .observe))
            #expect(simulation.run() == [], "crash after write \(write)")
            #expect(simulation.states == calm.states)
        }
    }

    private func scenario(
        _ crash: ScenarioPlan.PlannedCrash?,
        _ electsLeader: Bool,
        _ mode: PolicyMode?
    ) -> ScenarioPlan {
        ScenarioPlan(crash: crash, electsLeader: electsLeader, hasPolicy: mode != nil, mode: mode ?? .auto)
    }

    /// - Returns: Whether all invariants held.
    @discardableResult
    private func check(_ plan: ScenarioPlan, printsTrace: Bool, _ reached: inout Reached) -> Bool {
        let simulation = Simulation(plan, keepsTrace: printsTrace)
        let violations = simulation.run()
        reached.approved += simulation.approvedStarts
        reached.refused += simulation.refusedApprovals
        reached.observed += simulation.observed
        reached.detected += simulation.detected
        if printsTrace { print(simulation.trace.joined(separator: "\n")) }
        guard !violations.isEmpty else { return true }
        let list = violations.prefix(5).joined(separator: "\n")
        Issue.record(
            "seed \(plan.seed): \(list)\nreplay: SIMULATION_SEED=\(plan.seed) swift test --filter SimulationTests"
        )
        return false
    }
}
