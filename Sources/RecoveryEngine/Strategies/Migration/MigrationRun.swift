internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// One attempt at a Migration that does not get on.
struct MigrationRun: Sendable {
    let attempt: Attempt
    let target: TargetAccess
    let members: MemberClients
    let reservations: CapacityReservations

    static let resumeAction = "ResumeMigration"
    static let rollBackAction = "RollBack"
    /// How long an end may take to answer.
    private static let probeTimeout = Duration.seconds(10)

    func recover() async throws -> StrategyResult {
        let migration = try await read()
        if migration.isFinal { return try ended(migration) }
        let facts = try await look(at: migration)
        let remedy = MigrationRemedy.choose(migration, facts, attempt: attempt.execution.attempt)
        return try await apply(remedy, to: migration)
    }

    private func apply(_ remedy: MigrationRemedy, to migration: Migration) async throws -> StrategyResult {
        switch remedy {
        case .seeThrough: return try await follow(nil)
        case .resume(let words): return try await resume(migration, words)
        case .rollBack(let finding): return try await rollBack(finding)
        case .wait(let words):
            throw StrategyFailure.transient(
                words,
                nextSteps: [
                    "Bring the cluster back: kubectl describe membercluster \(migration.source) \(migration.destination)"
                ]
            )
        case .giveUp(let finding):
            throw StrategyFailure.permanent(
                "\(finding.message); spec.rollbackOnFailure is false, so nothing is undone",
                nextSteps: finding.nextSteps(migration)
            )
        }
    }

    // MARK: What there is

    private func read() async throws -> Migration {
        let object = try await target.read()
        try target.checkMayChange(object)
        return try Migration(json: object.content)
    }

    /// Both ends as they answer now, the Placement, and the prechecks where they matter.
    private func look(at migration: Migration) async throws -> MigrationFacts {
        let placement = try await placement(of: migration)
        let source = try await end("CheckSource", migration.source)
        let target = try await end("CheckTarget", migration.destination)
        var facts = MigrationFacts(placement: placement, source: source, target: target)
        if target.isReady, [.prechecking, .deploying].contains(migration.status?.phase) {
            facts.prechecks = try await prerequisites(placement, migration.destination)
        }
        return facts
    }

    /// The Placement, which has to be one that may go to the target, unless it is taken back from there or has gone.
    private func placement(of migration: Migration) async throws -> Placement {
        let key = migration.placementKey
        do {
            let placement = try await attempt.client.get(Placement.self, key)
            if migration.status?.phase != .rollingBack, migration.status?.isPastReturn != true {
                try await attempt.placementFence.check(placement, on: migration.destination)
            }
            return placement
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            throw StrategyFailure.permanent(
                "Placement \(key) does not exist: nothing is left to move",
                nextSteps: ["Delete Migration \(migration.metadata.key)"]
            )
        }
    }

    /// Probes one end; what it answers is a finding, not a failure.
    private func end(_ action: String, _ name: String) async throws -> MigrationEnd {
        try attempt.journal.checkStop()
        var end = MigrationEnd(name: name)
        do {
            let client = try await attempt.member(name)
            let probe = ClusterProbe(client, timeout: Self.probeTimeout, timeSource: attempt.timeSource)
            let finding = try await probe.testEndpoint()
            if finding.verdict != .usable { end.health = .lost("\(name) does not answer as it should: \(finding)") }
            attempt.note(action, end.isReady ? .succeeded : .failed, "\(name): \(finding)")
        } catch let failure as StrategyFailure {
            end.health = .lost(failure.description)
            attempt.note(action, .failed, failure.description)
        }
        return end
    }

    private func prerequisites(_ placement: Placement, _ name: String) async throws -> MigrationPrechecks {
        let client = try await attempt.member(name)
        let inspection = TargetInspection(
            placement: placement,
            cluster: try await members.cluster(name, fence: attempt.fence),
            client: client,
            fence: attempt.placementFence.fence,
            capacity: try await capacity(client),
            reservations: reservations,
            decider: nil
        )
        let found = try await inspection.run(attempt.timeSource)
        let words = found.findings.map(\.message).joined(separator: "; ")
        attempt.note(
            "CheckPrerequisites",
            found.findings.isEmpty ? .succeeded : .failed,
            words.isEmpty ? found.summary : words
        )
        return found
    }

    /// What the target has now; nil where that cannot be counted.
    ///
    /// Of a target that does not answer the inspection tells.
    private func capacity(_ client: KubernetesClient) async throws -> ClusterCapacity? {
        do {
            return try await ClusterCapacity.counted(by: client.with(requestTimeout: Self.probeTimeout))
        } catch let error as ClientError {
            if case .refused = error { throw error }
            return nil
        }
    }

    // MARK: What is done

    /// Lets it go on; one that then makes no step in half of the time that is left cannot succeed.
    private func resume(_ migration: Migration, _ words: String) async throws -> StrategyResult {
        let since = attempt.execution.startTime ?? .distantPast
        try await attempt.mutate(Self.resumeAction) {
            let live = try await read()
            return live.isFinal || (live.status?.resumeTime ?? .distantPast) >= since
        } _: {
            try await write { $0.resumed(words, now: attempt.timeSource.wallTime()) }
            return words
        }
        let now = attempt.timeSource.now()
        let half = now.advanced(by: now.duration(to: attempt.deadline) / 2)
        if let end = try await wait(until: half) { return try ended(end) }
        let live = try await read()
        if live.isFinal { return try ended(live) }
        let hasProgressed = live.status?.completedSteps?.count != migration.status?.completedSteps?.count
        let found = "no further step since it was resumed: \(live.status?.message ?? "")"
        guard !hasProgressed, live.status?.isPastReturn != true, live.status?.phase != .rollingBack else {
            return try await follow(nil)
        }
        let finding = MigrationFinding(reason(of: live), found)
        return try await apply(MigrationRemedy.undo(live, finding), to: live)
    }

    private func reason(of migration: Migration) -> String {
        migration.status?.conditions?[type: ConditionType.progressing]?.reason ?? MigrationReason.waitingForTarget
    }

    private func rollBack(_ finding: MigrationFinding) async throws -> StrategyResult {
        try await attempt.mutate(Self.rollBackAction) {
            let live = try await read()
            return live.isFinal || live.status?.phase == .rollingBack || live.status?.isPastReturn == true
        } _: {
            try await write { $0.rolledBack(finding.reason, finding.message, now: attempt.timeSource.wallTime()) }
            return "\(finding.reason): \(finding.message)"
        }
        return try await follow(finding)
    }

    /// Writes a status that follows from the Migration as it is now; nothing where it does not apply any more.
    private func write(_ change: (Migration) -> MigrationStatus?) async throws {
        try await attempt.client.withRetryOnConflict {
            let live = try await read()
            guard let status = change(live) else { return }
            _ = try await attempt.client.patchStatus(of: live, from: live.status, to: status)
        }
    }

    // MARK: What comes of it

    /// Waits for the end with the rest of the time.
    private func follow(_ finding: MigrationFinding?) async throws -> StrategyResult {
        if let end = try await wait(until: attempt.lastMoment()) { return try ended(end, finding) }
        let now = try await read()
        if now.isFinal { return try ended(now, finding) }
        throw StrategyFailure.transient(
            "\(target.description) is in phase \(now.status?.phase?.rawValue ?? ""): \(now.status?.message ?? "")",
            nextSteps: ["See what it waits for: \(target.describeCommand)"]
        )
    }

    /// Follows the Migration to its end; nil when it is not there at `limit`.
    private func wait(until limit: MonotonicInstant) async throws -> Migration? {
        let watch = ObjectWatch(target.client, target.resource, target.key)
        do {
            let name = target.description
            return try await watch.wait(attempt, until: limit, name) { objects -> ObjectWatch.Sight<Migration> in
                guard let object = objects.first else { return .waiting("is gone") }
                let migration = try Migration(json: object.content)
                return migration.isFinal ? .reached(migration) : .waiting(migration.status?.message ?? "")
            }
        } catch StrategyFailure.transient {
            return nil
        }
    }

    private func ended(_ migration: Migration, _ finding: MigrationFinding? = nil) throws -> StrategyResult {
        let words = "\(target.description): \(migration.status?.message ?? "")"
        let metrics = ["phase": migration.status?.phase?.rawValue ?? ""]
        switch migration.status?.phase {
        case .completed: return StrategyResult(message: words, metrics: metrics)
        case .rolledBack:
            let steps = finding?.nextSteps(migration) ?? ["Create a new Migration once the cause is gone"]
            return StrategyResult(message: words, nextSteps: steps, metrics: metrics)
        default:
            throw StrategyFailure.permanent(
                words,
                nextSteps: [
                    "Check where the copies are: kubectl describe placement \(migration.spec.placementRef.name)",
                    "Create a new Migration once the cause is gone",
                ],
                metrics: metrics
            )
        }
    }
}
