internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization
internal import Timekeeping

/// What the status of a policy says about its detection.
struct DetectionView: Sendable, Hashable {
    /// How many targets there are.
    var base: DetectionBase
    /// How many of them may be unhealthy; nil when any number may, and while that is not known.
    var limit: Int?
    /// Kinds that cannot be seen.
    var obstacles: [KindWatch.Obstacle]
    /// What is wrong with the policy itself, or is not looked at for another reason.
    var problems: [String]
    /// Whether it names nothing to look at.
    var isEmpty: Bool
    /// Whether the policy breaks a rule, so that nothing is looked at.
    var isInvalid: Bool
    /// Whether something is not seen, or not yet.
    var isBlind: Bool

    /// The condition `Detecting`.
    func condition(_ policy: RecoveryPolicy) -> Condition {
        var condition = Condition(type: ConditionType.detecting, status: .true, reason: "Watching")
        condition.observedGeneration = policy.metadata.generation
        condition.message = "all that spec.detection names is looked at"
        if let first = obstacles.first {
            (condition.status, condition.reason) = (.false, first.reason)
        } else if !problems.isEmpty {
            condition.status = .false
            condition.reason = isInvalid ? ConditionReason.invalidSpec : "PartlyWatching"
        } else if isBlind {
            (condition.status, condition.reason) = (.unknown, ConditionReason.warmingUp)
            condition.message = "the first lists are being read, and the first probes sent"
        } else if isEmpty {
            (condition.status, condition.reason) = (.false, "NothingToWatch")
            condition.message = "spec.detection names nothing that is looked at"
        }
        let messages = problems + obstacles.map(\.message)
        if !messages.isEmpty { condition.message = String(messages.joined(separator: "; ").prefix(1_024)) }
        return condition
    }
}

/// Writes what detection sees into the status of policies: only its own fields, only on top of the version that was read.
///
/// Numbers may change with every pod, so they are written at most every ten seconds.
final class DetectionStatusWriter: Sendable {
    private static let interval = Duration.seconds(10)

    private let client: KubernetesClient
    private let timeSource: any TimeSource
    private let written = Mutex<[ObjectKey: MonotonicInstant]>([:])

    init(client: KubernetesClient, timeSource: any TimeSource) {
        self.client = client
        self.timeSource = timeSource
    }

    /// Writes what has changed.
    ///
    /// - Parameters:
    ///   - view: what is to be there; nil when the policy looks at nothing.
    ///   - policy: the policy as the cache has it; a newer one on the server is left alone, as it is looked at soon.
    /// - Returns: in how long another write is due; nil when none is.
    /// - Throws: `ClientError`.
    func write(_ view: DetectionView?, on policy: RecoveryPolicy) async throws -> Duration? {
        var status = policy.status ?? RecoveryPolicyStatus()
        var conditions = status.conditions ?? []
        let isNews =
            if let view {
                conditions.set(view.condition(policy), now: timeSource.wallTime())
            } else {
                conditions.remove(type: ConditionType.detecting)
            }
        status.conditions = conditions
        // Without detection it is the PolicyOutlook that counts what is matched.
        if view != nil || policy.spec.detection != nil { status.matched = view?.base.matched }
        status.unhealthy = view?.base.unhealthy
        status.maxUnhealthy = view?.limit
        guard status != policy.status else { return nil }
        let (key, now) = (policy.metadata.key, timeSource.now())
        if !isNews, let last = written.withLock({ $0[key] }), last.duration(to: now) < Self.interval {
            return Self.interval - last.duration(to: now)
        }
        do {
            try await patch(status, on: policy)
        } catch let error as ClientError
            where error.apiError?.isConflict == true || error.apiError?.isNotFound == true
        {
            // The newer version is on its way to the cache, and leads to another look.
            return nil
        }
        written.withLock { $0[key] = now }
        return nil
    }

    private func patch(_ status: RecoveryPolicyStatus, on policy: RecoveryPolicy) async throws {
        let before = try policy.status.map { try JSONValue(encoding: $0) } ?? .object([:])
        var metadata: [String: JSONValue] = [:]
        metadata["resourceVersion"] = policy.metadata.resourceVersion.map(JSONValue.string)
        metadata["uid"] = policy.metadata.uid.map(JSONValue.string)
        _ = try await client.patch(
            RecoveryPolicy.self,
            policy.metadata.key,
            [
                "metadata": .object(JSONObject(metadata)),
                "status": JSONMergePatch.diff(from: before, to: try JSONValue(encoding: status)),
            ],
            type: .merge,
            subresource: "status"
        )
    }
}
