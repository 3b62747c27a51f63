internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

extension AttemptRunner {
    /// What a strategy had to tell that succeeded before an interruption: only its target is still to be checked.
    func resumedVerification(_ prepared: Prepared) -> Ending? {
        guard prepared.attempt.isResumed, let status = prepared.attempt.recovery.status, status.verification != nil,
            let result = status.executions?.last?.result
        else { return nil }
        var ending = Ending(.succeeded, message: result.message ?? "the strategy had succeeded before an interruption")
        ending.nextSteps = result.nextSteps ?? []
        ending.metrics = result.metrics ?? [:]
        return ending
    }

    /// Sees whether the target stays healthy for as long as the policy asks; only then an attempt has succeeded.
    ///
    /// The attempt goes on meanwhile: with its lock, its place and its fence, and it can be suspended and cancelled.
    func verified(_ ending: Ending, _ prepared: Prepared) async -> Ending {
        guard ending.outcome == .succeeded, !ending.isProven else { return ending }
        do {
            guard let settings = prepared.attempt.recovery.status?.verifySettings else {
                return try await agreed(ending, prepared)
            }
            let check = try await beginVerification(ending, prepared)
            return try await follow(check, VerificationRule(settings), ending, prepared)
        } catch {
            return Self.judge(error)
        }
    }

    /// Where nobody asks for a check, detection has to agree at least; it learns of a change a moment later.
    private func agreed(_ ending: Ending, _ prepared: Prepared) async throws -> Ending {
        let now = environment.timeSource.now()
        let limit = min(now.advanced(by: Self.detectionTime), prepared.attempt.lastMoment())
        while environment.isSeenFailing(prepared.journal.recovery) {
            guard environment.timeSource.now() < limit else { return Self.disproved(ending, Self.seenFailing) }
            try await prepared.attempt.pause(for: .seconds(1))
        }
        return ending
    }

    private static let detectionTime = Duration.seconds(30)
    private static let seenFailing = "the policy's detectors still see it fail"

    private static func disproved(_ ending: Ending, _ words: String) -> Ending {
        var failed = Ending(.transient(retryAfter: nil), message: "\(ending.message), but \(words)")
        failed.error = failed.message
        return failed
    }

    private func beginVerification(_ ending: Ending, _ prepared: Prepared) async throws -> Verification {
        let now = environment.timeSource.wallTime()
        let recovery = prepared.journal.recovery
        if let check = recovery.status?.verification { return check }
        guard
            let status = recovery.status?.beginningVerification(result(prepared, ending), recovery: recovery, now: now),
            let check = status.verification
        else { return Verification() }
        try await prepared.journal.write(status)
        let left = status.executions?.last?.deadline?.timeIntervalSince(now) ?? 0
        prepared.attempt.clock.extend(
            to: environment.timeSource.now().advanced(by: .milliseconds(Int64(max(0, min(left, 1e9)) * 1_000)))
        )
        return check
    }

    private func follow(
        _ begun: Verification,
        _ rule: VerificationRule,
        _ ending: Ending,
        _ prepared: Prepared
    ) async throws -> Ending {
        var check = begun
        while true {
            let before = check
            // Before the look: an answer that takes long proves nothing about the time until it came.
            let now = environment.timeSource.wallTime()
            var health = try await prepared.attempt.targetHealth()
            if case .healthy = health, environment.isSeenFailing(prepared.journal.recovery) {
                health = .unhealthy(Self.seenFailing)
            }
            switch rule.look(health, &check, now: now) {
            case .verified(let words):
                var ending = ending
                ending.message += "; \(words)"
                return ending
            case .failed(let words): return Self.disproved(ending, words)
            case .waiting(let next):
                if check != before { try await write(check, prepared, now: now) }
                let pause = max(0.05, min(next.timeIntervalSince(environment.timeSource.wallTime()), 3_600))
                try await prepared.attempt.pause(for: .milliseconds(Int64(pause * 1_000)))
            }
        }
    }

    /// Only a change of health is written; whoever goes on after a crash finds since when the target is healthy.
    private func write(_ check: Verification, _ prepared: Prepared, now: Date) async throws {
        let recovery = prepared.journal.recovery
        guard var status = recovery.status else { return }
        status.verify(check, recovery: recovery, now: now.wholeSecond)
        try await prepared.journal.write(status)
    }
}

extension Attempt {
    /// How the target looks now: its object, else its cluster.
    ///
    /// - Throws: `ClientError` when nobody may look; `AttemptFence.Refusal` inside one when the attempt is over.
    func targetHealth() async throws -> TargetHealth {
        do {
            let client = try await targetClient()
            guard let target = try await TargetAccess(self, client) else {
                _ = try await client.send(.raw("/readyz"))
                return .healthy(since: nil)
            }
            let object = try await target.read()
            if let reason = ObjectHealth.problem(of: object) {
                return .unhealthy("\(target.description) is not healthy: \(reason)")
            }
            return .healthy(since: ObjectHealth.lastChange(of: object))
        } catch let failure as StrategyFailure {
            return .unhealthy("\(failure)")
        } catch let error as ClientError {
            if case .refused = error { throw error }
            // A cluster that does not answer is the target itself.
            if target?.name == nil { return .unhealthy(Self.describe(error)) }
            if error.disposition == .terminal { throw error }
            return .unknown(Self.describe(error))
        } catch let error as MemberClientError {
            return .unhealthy("\(error)")
        }
    }
}
