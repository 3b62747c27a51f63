internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

/// Asks a member whether a copy of a placement would fit: kinds, namespaces, names, quota and capacity.
///
/// Changes nothing there: what would be applied is applied as a dry run, which goes through the member's admission, quota of
/// objects included. Quota of what pods ask for is reckoned, since a dry run of a workload makes no pods.
struct TargetInspection: Sendable {
    let placement: Placement
    let cluster: MemberCluster
    let client: KubernetesClient
    let fence: PlacementFence
    /// What the nodes have left; nil while nobody has counted.
    let capacity: ClusterCapacity?
    /// What copies of other placements that are on their way there will take of it.
    let reservations: CapacityReservations
    /// Who reserves the room that the copy takes, where there is enough; nil only asks.
    let decider: CapacityReservations.Decider?
    private var name: String { cluster.metadata.name ?? "" }

    /// Asks everything.
    ///
    /// - Returns: what stands in the way; a member that does not answer is a finding.
    /// - Throws: `CancellationError`.
    func run(_ time: any TimeSource) async throws -> MigrationPrechecks {
        try await MigrationPrechecks.asking(name, time) { try await inspect(now: time.wallTime()) }
    }

    private func inspect(now: Date) async throws -> MigrationPrechecks {
        var findings = [schedulerFinding(now: now)].compactMap { $0 }
        let objects = PlacedObjects(placement, on: name, client: client, fence: fence)
        let state = try await objects.inspect()
        for object in state.objects { findings += try await judge(object, among: state.objects) }
        let missing = state.objects.filter { $0.uid == nil }
        let quota = try await quotaFindings(missing.map(\.manifest))
        findings += quota.findings
        let summary = "\(name) serves all kinds and accepts \(missing.count) new objects of \(state.objects.count)"
        return MigrationPrechecks(findings: findings, summary: summary + quota.gap)
    }

    /// What the scheduler would say about the cluster, if a copy were to go there.
    private func schedulerFinding(now: Date) -> MigrationFinding? {
        var request = PlacementRequest(placement)
        request.count = 1
        request.current = []
        request.evacuated = [:]
        var candidate = ClusterCandidate(cluster)
        candidate.count(capacity, reserved: ResourceAmounts())
        let plan = reservations.decide(placement.metadata.key, request, [candidate], by: decider, now: now)
        guard let rejection = plan.rejections.first else { return nil }
        let words = "\(name) is no place for a copy: \(rejection.message ?? rejection.reason)"
        return MigrationFinding(rejection.reason, words, isRefusal: true)
    }

    private func judge(
        _ object: PlacedState.Object,
        among all: [PlacedState.Object]
    ) async throws -> [MigrationFinding] {
        switch object.verdict {
        case .inSync, .drifted, .awaited, .excluded: return []
        case .foreign(let owner):
            let words = "\(object.description) exists on \(name) and belongs to \(owner)"
            return [MigrationFinding(MigrationReason.nameTaken, words, isRefusal: true)]
        case .refused(let words):
            let reason =
                object.resource == nil ? MigrationReason.apiNotAvailable : MigrationReason.refusedByTarget
            return [MigrationFinding(reason, "\(object.description) on \(name): \(words)", isRefusal: true)]
        case .missing: return try await tryOut(object, among: all)
        }
    }

    /// Applies a new object as a dry run.
    private func tryOut(
        _ object: PlacedState.Object,
        among all: [PlacedState.Object]
    ) async throws -> [MigrationFinding] {
        guard let resource = object.resource else { return [] }
        do {
            _ = try await client.patch(
                resource,
                object.key,
                object.manifest.content,
                type: .apply(fieldManager: MetadataName.fieldManager, force: false),
                options: WriteOptions(dryRun: true)
            )
            return []
        } catch let error as ClientError {
            let isMadeFirst = all.contains {
                $0.manifest.kind.kind == "Namespace" && $0.manifest.name == object.key.namespace
            }
            if error.apiError?.isNotFound == true {
                guard !isMadeFirst else { return [] }
                let words = "namespace \(object.key.namespace ?? "") does not exist on \(name)"
                return [MigrationFinding(MigrationReason.namespaceMissing, words, isRefusal: true)]
            }
            let words = try error.refusal()
            let isQuota = error.apiError?.isForbidden == true && words.contains("exceeded quota")
            return [
                MigrationFinding(
                    isQuota ? MigrationReason.quotaExceeded : MigrationReason.refusedByTarget,
                    "\(object.description) on \(name): \(words)",
                    isRefusal: true
                )
            ]
        }
    }

    // MARK: Quota of pods

    /// What the pods of new workloads would take too much of, and in words where nobody could look.
    private func quotaFindings(
        _ manifests: [PlacedManifest]
    ) async throws -> (findings: [MigrationFinding], gap: String) {
        var (findings, unread): ([MigrationFinding], [String]) = ([], [])
        let byNamespace = Dictionary(grouping: manifests) { $0.namespace ?? "" }
        for (namespace, manifests) in byNamespace.sorted(by: { $0.key < $1.key }) {
            let contents = manifests.map(\.content)
            let demand = PlacementDemand(manifests: contents).total
            guard demand.names.contains(where: { demand[$0] > .zero }) else { continue }
            guard let quotas = try await quotas(in: namespace) else {
                unread.append(namespace)
                continue
            }
            for quota in quotas {
                let scopes = QuotaScopes(quota: quota["spec"])
                let demand = PlacementDemand(manifests: contents, counting: scopes.covers).total
                let words = Self.excess(of: demand, in: quota)
                guard !words.isEmpty else { continue }
                let text = "exceeded quota \(namespace)/\(quota.name) on \(name): \(words.joined(separator: ", "))"
                findings.append(MigrationFinding(MigrationReason.quotaExceeded, text, isRefusal: true))
            }
        }
        guard !unread.isEmpty else { return (findings, "") }
        let places = unread.joined(separator: ", ")
        return (findings, "; quota of pods not checked: needs list resourcequotas in \(places)")
    }

    /// The quotas of a namespace; nil where they may not be listed.
    private func quotas(in namespace: String) async throws -> [Unstructured]? {
        do {
            return try await client.list(.resourceQuotas, namespace: namespace).items
        } catch let error as ClientError where error.apiError?.isForbidden == true {
            return nil
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return []
        }
    }

    /// What `demand` takes more of than a quota has left.
    private static func excess(of demand: ResourceAmounts, in quota: Unstructured) -> [String] {
        let hard = ResourceAmounts(quota["status", "hard"] ?? quota["spec", "hard"])
        let used = ResourceAmounts(quota["status", "used"])
        var words: [String] = []
        for resource in demand.names {
            let names = resource == "pods" ? ["pods", "count/pods"] : [resource, "requests.\(resource)"]
            for name in names where hard.names.contains(name) {
                let left = hard[name] - used[name]
                if demand[resource] > left { words.append("\(name) \(demand[resource]) of \(left) left") }
            }
        }
        return words
    }
}

extension MigrationPrechecks {
    /// How long a member may take for all questions.
    private static let timeLimit = Duration.seconds(30)

    /// What `body` finds out about a member; one that does not answer in time is a finding, too.
    ///
    /// - Throws: `CancellationError`.
    static func asking(
        _ cluster: String,
        _ time: any TimeSource,
        _ body: @escaping @Sendable () async throws -> MigrationPrechecks
    ) async throws -> MigrationPrechecks {
        do {
            return try await withDeadline(time.now().advanced(by: timeLimit), time, body)
        } catch let error as ClientError {
            return .notAnswering(cluster, "\(error)")
        } catch is DeadlineExceeded {
            return .notAnswering(cluster, "no answer within \(timeLimit.components.seconds) s")
        }
    }

    /// A member that could not be asked.
    static func notAnswering(_ cluster: String, _ words: String) -> MigrationPrechecks {
        let finding = MigrationFinding(MigrationReason.targetNotAnswering, "\(cluster) cannot be asked: \(words)")
        return MigrationPrechecks(findings: [finding])
    }
}

extension APIResource {
    /// The quotas of a namespace.
    fileprivate static let resourceQuotas = APIResource(
        group: "",
        version: "v1",
        plural: "resourcequotas",
        kind: "ResourceQuota"
    )
}
