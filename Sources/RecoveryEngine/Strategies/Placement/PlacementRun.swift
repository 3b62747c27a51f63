internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// One attempt to find clusters for a Placement.
struct PlacementRun: Sendable {
    let attempt: Attempt
    let target: PlacementTarget
    let reservations: CapacityReservations
    /// What the policy allows to give up, least harm first.
    let relaxations: [PlacementRelaxation]

    static let writeAction = "WriteDecision"
    /// How many steps name a rejected cluster each.
    private static let maxSteps = 24

    /// What the members have, and which copies have to go.
    struct Picture: Sendable {
        var clusters: [ClusterCandidate]
        var leave: [String: String]
    }

    /// A plan, and what was given up for it.
    struct Choice: Sendable {
        var plan: PlacementPlan
        var relaxed: [PlacementRelaxation]
        /// What nobody takes, and why: of the plan that was wished for.
        var rejections: [String]
        var missing: Int
    }

    func recover() async throws -> StrategyResult {
        let placement = try await target.read()
        try await checkMigrations(of: placement)
        let picture = try await look(at: placement)
        var isWritten = false
        // What was decided and is not going to be written takes no room.
        defer { if !isWritten { reservations.release(placement.metadata.key, by: .recovery) } }
        var choice = try await choose(placement, picture)
        try await write(&choice, picture, &isWritten)
        if choice.missing > 0 { throw shortage(choice) }
        return try await waitForCopies(choice)
    }

    // MARK: - Who else moves it

    /// A Migration decides alone; one that fails takes over, and for one that is not accepted nobody waits.
    private func checkMigrations(of placement: Placement) async throws {
        let migrations = try await attempt.client.list(Migration.self, namespace: placement.metadata.namespace).items
        let others = migrations.filter { $0.spec.placementRef.name == placement.metadata.name }
        guard let migration = MigrationTurn.first(of: others), !migration.isRefused else { return }
        let name = migration.metadata.name ?? ""
        let words = "\(target.description) is being moved by Migration \(name)"
        guard let incident = MigrationIncident.of(migration) else {
            throw StrategyFailure.transient(
                "\(words): it decides where the copies go",
                nextSteps: ["Wait for Migration \(name), or delete it: kubectl describe migration \(name)"],
                retryAfter: .seconds(30)
            )
        }
        let found = "\(words), which does not get on: \(incident.message)"
        var error = attempt.successorError(incident.errorType, found)
        error.context = incident.context
        let subject = TargetReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Migration.resource.kind,
            name: name,
            namespace: migration.metadata.namespace
        )
        throw StrategyFailure.superseded(
            SuccessorRequest(error: error, subject: .object(subject, since: incident.since)),
            found
        )
    }

    // MARK: - What there is

    private var survey: FleetSurvey { FleetSurvey(attempt: attempt, reservations: reservations) }

    private func look(at placement: Placement) async throws -> Picture {
        var clusters: [ClusterCandidate] = []
        try await attempt.read("RecountCapacity") {
            let (found, words) = try await survey.candidates(for: placement)
            clusters = found
            return words
        }
        guard attempt.error.knownType == .placementCapacity else { return Picture(clusters: clusters, leave: [:]) }
        return Picture(clusters: clusters, leave: try await crowdedCopies(of: placement, clusters))
    }

    /// The copies that found no room, by a look at them now.
    private func crowdedCopies(of placement: Placement, _ clusters: [ClusterCandidate]) async throws -> [String: String]
    {
        let suspects = placement.wantedClusters.filter {
            target.reportedCluster == nil ? !placement.isReady(on: $0) : $0 == target.reportedCluster
        }
        let demand = PlacementDemand(manifests: placement.spec.manifests)
        var crowded: [String: String] = [:]
        for name in suspects {
            // Where the placement may not be, nothing is looked at in its name.
            guard var cluster = clusters.first(where: { $0.name == name }), cluster.fenceProblem == nil else {
                continue
            }
            let now = attempt.timeSource.wallTime()
            cluster.reserve(reservations.amounts(on: name, besides: placement.metadata.key, now: now))
            guard cluster.isReady else { throw try await unready(name) }
            let state = try await PlacedObjects(
                placement,
                on: name,
                client: try await attempt.member(name),
                fence: attempt.placementFence.fence
            ).inspect()
            if state.isReady {
                attempt.note("InspectCopy", .succeeded, "\(name): \(state.message)")
            } else if cluster.hasRoom(for: demand) {
                attempt.note("InspectCopy", .succeeded, "\(name): \(state.message); there is room for it now")
            } else {
                attempt.note("InspectCopy", .failed, "\(name): \(state.message)")
                crowded[name] = "its pods do not fit (\(state.message))"
            }
        }
        return crowded
    }

    /// Whether a copy is well on a cluster that is not ready nobody knows: the cluster comes first, with the one incident
    /// that detection may have found already.
    private func unready(_ cluster: String) async throws -> StrategyFailure {
        let words = "whether the copy on \(cluster) fits cannot be told: the cluster is not ready"
        let failure = try await attempt.placementFence.hub.get(MemberCluster.self, ObjectKey(name: cluster)).failure
        let error = attempt.successorError(failure?.type ?? .clusterUnreachable, words)
        let since = failure?.condition.lastTransitionTime ?? attempt.execution.startTime ?? .distantPast
        return .superseded(SuccessorRequest(error: error, subject: .cluster(cluster, since: since)), words)
    }

    // MARK: - What to do

    /// Decides, giving up no more than it takes.
    private func choose(_ placement: Placement, _ picture: Picture) async throws -> Choice {
        var choice = decide(placement, picture)
        try await attempt.read("ScoreClusters") {
            let scores = choice.plan.decisions.filter { !$0.isLeaving }.map { decision in
                decision.cluster + (decision.score.map { " (\($0))" } ?? "")
            }
            let chosen = scores.isEmpty ? "no cluster" : scores.joined(separator: ", ")
            let rest = choice.rejections.isEmpty ? "" : "; not chosen: \(choice.rejections.joined(separator: "; "))"
            return "chosen: \(chosen)\(rest)"
        }
        if choice.relaxed.isEmpty {
            guard choice.missing > 0 else { return choice }
            let allowed = relaxations.map(\.rawValue).joined(separator: ", ")
            let words = allowed.isEmpty ? "nothing may be relaxed" : "relaxing \(allowed) does not help"
            attempt.note("RelaxConstraints", .skipped, words)
        } else {
            let given = choice.relaxed.map(\.rawValue).joined(separator: ", ")
            attempt.note(
                "RelaxConstraints",
                .succeeded,
                "no cluster meets all constraints; relaxed as allowed: \(given)"
            )
        }
        choice.relaxed.sort()
        return choice
    }

    /// The plan for a state of the Placement, with the room reserved that it takes.
    private func decide(_ placement: Placement, _ picture: Picture) -> Choice {
        let (now, key) = (attempt.timeSource.wallTime(), placement.metadata.key)
        var request = PlacementRequest(placement)
        request.placedBy = "Recovery/\(attempt.recovery.metadata.name ?? "")"
        request.leave = picture.leave
        var plan = reservations.decide(key, request, picture.clusters, by: .recovery, now: now)
        let (strict, wished) = (request, plan)
        for relaxation in relaxations where plan.missing > 0 {
            request.relaxed.insert(relaxation)
            plan = reservations.decide(key, request, picture.clusters, by: .recovery, now: now)
        }
        if plan.missing == 0 {
            let relaxed = wished.missing == 0 ? [] : request.relaxed.sorted()
            return Choice(plan: plan, relaxed: relaxed, rejections: wished.rejectionTexts, missing: 0)
        }
        // Not for everything: then without giving anything up, and without leaving a copy for nothing.
        request = strict
        request.leave = [:]
        let partial = reservations.decide(key, request, picture.clusters, by: .recovery, now: now)
        return Choice(
            plan: partial,
            relaxed: [],
            rejections: plan.rejectionTexts,
            missing: max(plan.missing, partial.missing)
        )
    }

    /// Writes the decision where it is another one: decided again from all that is there at each try, since somebody else
    /// may have been faster, and rules may have changed.
    private func write(_ choice: inout Choice, _ picture: Picture, _ isWritten: inout Bool) async throws {
        let placement = try await target.read()
        let isNew = attempt.recorded(Self.writeAction) != nil || !choice.plan.isWritten(in: placement)
        guard isNew, choice.isWorthWriting(over: placement) else { return }
        try await attempt.mutate(Self.writeAction) {
            let live = try await target.read()
            return decide(live, picture).plan.isWritten(in: live)
        } _: {
            let latest = try await attempt.client.withRetryOnConflict {
                let live = try await target.read()
                try await checkMigrations(of: live)
                let clusters = try await survey.candidates(for: live).clusters
                let latest = decide(live, Picture(clusters: clusters, leave: picture.leave))
                guard latest.isWorthWriting(over: live) else { return latest }
                try await target.patch(
                    live,
                    status: [
                        "decisions": try JSONValue(encoding: latest.plan.decisions),
                        "rejected": try JSONValue(encoding: Array(latest.plan.rejections.prefix(100))),
                    ]
                )
                isWritten = true
                return latest
            }
            choice = latest
            guard isWritten else { return "not written: what was free a moment ago is taken" }
            let plan = latest.plan
            let left =
                plan.leaving.isEmpty ? "" : "; leaving when they are ready: \(plan.leaving.joined(separator: ", "))"
            return "copies on \(plan.clusters.joined(separator: ", "))\(left)"
        }
    }

    // MARK: - What comes of it

    /// No cluster for every copy: what each one lacks is for a person to read.
    private func shortage(_ choice: Choice) -> StrategyFailure {
        let found = choice.plan.clusters.isEmpty ? "none" : choice.plan.clusters.joined(separator: ", ")
        var steps = choice.rejections.prefix(Self.maxSteps).map { "Make room on, or open, \($0)" }
        if choice.rejections.count > Self.maxSteps {
            steps.append("And \(choice.rejections.count - Self.maxSteps) more: kubectl describe \(target.description)")
        }
        if choice.rejections.isEmpty { steps.append("Add a MemberCluster: there is no other one") }
        let others = PlacementRelaxation.allCases.filter { !relaxations.contains($0) }.map(\.rawValue)
        if !others.isEmpty {
            steps.append(
                "Or allow constraints to be relaxed: strategies[].parameters.relax of the policy, one or more of "
                    + others.joined(separator: ", ")
            )
        }
        steps.append("Create a new Recovery afterwards; the placement controller also tries by itself")
        return .permanent(
            "\(target.description): \(choice.missing) copies find no cluster; copies on \(found)",
            nextSteps: steps,
            metrics: ["missing": String(choice.missing)]
        )
    }

    /// Waits until every copy that is to stay is synced and ready.
    private func waitForCopies(_ choice: Choice) async throws -> StrategyResult {
        var clusters: [String] = []
        try await attempt.read("WaitForCopies") {
            let steps = ["See what keeps the copies from becoming ready: status.clusters of \(target.description)"]
            clusters = try await target.wait(nextSteps: steps, until: \.shortfall).wantedClusters
            return "synced and ready on \(clusters.joined(separator: ", "))"
        }
        var metrics = ["clusters": clusters.joined(separator: ",")]
        var message = "\(target.description) is synced and ready on \(clusters.joined(separator: ", "))"
        if !choice.plan.leaving.isEmpty { message += "; left: \(choice.plan.leaving.joined(separator: ", "))" }
        if !choice.relaxed.isEmpty {
            let relaxed = choice.relaxed.map(\.rawValue).joined(separator: ", ")
            message += "; relaxed, as the policy allows: \(relaxed)"
            metrics["relaxed"] = relaxed
        }
        return StrategyResult(message: message, metrics: metrics)
    }
}

extension PlacementRun.Choice {
    /// Part of a plan is worth writing only where it adds a copy.
    fileprivate func isWorthWriting(over placement: Placement) -> Bool {
        missing == 0 || plan.clusters.count > placement.wantedClusters.count
    }
}

extension PlacementPlan {
    /// Whether the status of the Placement says the same already.
    fileprivate func isWritten(in placement: Placement) -> Bool {
        (placement.status?.decisions ?? []) == decisions
    }
}

extension Attempt {
    /// The error of a Recovery that takes over from this attempt's.
    func successorError(_ type: ErrorType, _ message: String) -> ReportedError {
        var found = ReportedError(type: type.rawValue)
        found.component = error.component
        found.operation = error.operation
        found.severity = error.severity
        found.message = String(message.prefix(1_024))
        return found
    }
}
