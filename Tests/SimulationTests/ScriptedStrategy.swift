import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import RecoveryEngine
import TestSupport
import Timekeeping

/// A strategy whose every step changes the target ConfigMap once, and which fails as the seed says.
struct ScriptedStrategy: RecoveryStrategy {
    /// Marks a write with the Recovery, execution and action that it belongs to.
    static let tag = "simulation/action"

    let descriptor = StrategyDescriptor(
        name: "Scripted",
        errorTypes: ["SyncFailure"],
        priority: 50,
        timeout: .seconds(20),
        destructiveness: .mutating
    )
    let seed: UInt64
    let isUnreliable: Bool
    let simulation: Simulation

    func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

    func verify(_ attempt: Attempt) async throws -> Bool {
        guard script(attempt).verifies, attempt.target?.name != nil else { return false }
        for step in 1...script(attempt).steps {
            guard try await isDone("Step\(step)", attempt) else { return false }
        }
        return true
    }

    func execute(_ attempt: Attempt) async throws -> StrategyResult {
        var script = script(attempt)
        for step in 1...script.steps {
            try await perform(script.next(), attempt, step)
            guard attempt.target?.name != nil else { continue }
            let after = script.next()
            let action = "Step\(step)"
            try await attempt.mutate(action) {
                try await isDone(action, attempt)
            } _: {
                try await write(action, attempt)
                try await perform(after, attempt, step)
                return "changed"
            }
        }
        return StrategyResult(message: "all steps done")
    }

    private func perform(_ move: Script.Move, _ attempt: Attempt, _ step: Int) async throws {
        switch move {
        case .nothing: return
        case .pause(let duration): try await attempt.pause(for: duration)
        case .failTransiently: throw StrategyFailure.transient("not now")
        case .failPermanently: throw StrategyFailure.permanent("never")
        case .hang: try await attempt.timeSource.sleep(for: .seconds(1_000_000))
        case .ignoreCancellation(let duration, let isRecorded):
            await simulation.ignoringCancellation(after: duration, in: attempt.execution.holder) {
                guard attempt.target?.name != nil else { return }
                let action = "Late\(step)"
                // Without a record only the fence is in its way, so it must not happen while the attempt runs.
                if isRecorded {
                    try await attempt.mutate(action) {
                        try await isDone(action, attempt)
                    } _: {
                        try await write(action, attempt)
                        return "changed late"
                    }
                } else if attempt.deadline <= attempt.timeSource.now() {
                    try await write(action, attempt)
                }
            }
        }
    }

    /// The same for every run of an attempt, also of a resumed one.
    private func script(_ attempt: Attempt) -> Script {
        let name = "\(attempt.recovery.metadata.name ?? "")/\(attempt.execution.attempt)"
        let hash = name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Script(SeededRandom(seed: hash), isUnreliable: isUnreliable)
    }

    private func tag(_ action: String, _ attempt: Attempt) -> String {
        "\(attempt.recovery.metadata.key)|\(attempt.execution.id)|\(action)"
    }

    private func key(_ attempt: Attempt) -> ObjectKey {
        ObjectKey(namespace: attempt.target?.namespace, name: attempt.target?.name ?? "")
    }

    private func isDone(_ action: String, _ attempt: Attempt) async throws -> Bool {
        let map = try await attempt.client.get(.configMaps, key(attempt))
        return map.content.value(at: ["data", tag(action, attempt)]) != nil
    }

    private func write(_ action: String, _ attempt: Attempt) async throws {
        var map = try await attempt.client.get(.configMaps, key(attempt))
        map.content.set(.string(tag(action, attempt)), at: ["metadata", "annotations", Self.tag])
        map.content.set("done", at: ["data", tag(action, attempt)])
        _ = try await attempt.client.update(.configMaps, map)
    }
}

/// What one attempt does, step by step.
struct Script {
    enum Move {
        case nothing
        case pause(Duration)
        case failTransiently
        case failPermanently
        case hang
        /// Goes on in spite of being cancelled, and then writes, with a record or without.
        case ignoreCancellation(Duration, isRecorded: Bool)
    }

    let steps: Int
    let verifies: Bool
    private var random: SeededRandom
    private let isUnreliable: Bool

    init(_ random: SeededRandom, isUnreliable: Bool) {
        var random = random
        steps = Int.random(in: 1...3, using: &random)
        verifies = random.chance(0.5)
        self.random = random
        self.isUnreliable = isUnreliable
    }

    mutating func next() -> Move {
        let dice = Int.random(in: 0..<100, using: &random)
        let pause = random.milliseconds(1...4_000)
        switch dice {
        case 0..<50: return .nothing
        case 50..<80: return .pause(pause)
        case _ where !isUnreliable: return .nothing
        case 80..<89: return .failTransiently
        case 89..<91: return .failPermanently
        case 91..<96: return .hang
        default:
            return .ignoreCancellation(
                .seconds(Int.random(in: 10...60, using: &random)),
                isRecorded: random.chance(0.5)
            )
        }
    }
}
