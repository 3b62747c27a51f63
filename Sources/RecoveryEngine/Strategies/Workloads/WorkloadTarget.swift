internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Timekeeping

/// A Deployment, StatefulSet or DaemonSet that a strategy is to change.
struct WorkloadTarget: Sendable {
    static let kinds: [APIResource] = [.deployments, .statefulSets, .daemonSets]

    let attempt: Attempt
    let target: TargetAccess

    /// Takes a workload that rolls out changes of its template by itself.
    ///
    /// - Throws: `StrategyFailure.permanent` for another kind, and for one that is paused or waits for its pods to be
    ///   deleted by hand: nothing would come of the change.
    init(_ attempt: Attempt, _ target: TargetAccess, restarting object: Unstructured) throws {
        self.attempt = attempt
        self.target = target
        guard Self.kinds.contains(where: { $0.group == target.resource.group && $0.kind == target.resource.kind })
        else {
            throw StrategyFailure.permanent(
                "\(target.resource.kind) is no kind that rolls out; nothing was changed",
                nextSteps: ["Target a Deployment, StatefulSet or DaemonSet"]
            )
        }
        if object["spec", "paused"]?.boolValue == true {
            throw StrategyFailure.permanent(
                "\(target.description) is paused; nothing was changed",
                nextSteps: ["Resume it: kubectl rollout resume deployment \(target.key.name)"]
            )
        }
        if object["spec", "updateStrategy", "type"]?.stringValue == "OnDelete" {
            throw StrategyFailure.permanent(
                "\(target.description) replaces pods only when they are deleted (updateStrategy OnDelete); nothing was changed",
                nextSteps: ["Delete its pods one by one, or set spec.updateStrategy.type to RollingUpdate"]
            )
        }
    }

    /// Waits until the latest generation is rolled out and ready.
    ///
    /// - Throws: `StrategyFailure.transient` with what is missing.
    func waitUntilReady(_ action: String) async throws {
        let limit = attempt.lastMoment()
        let name = target.description
        try await attempt.read(action) {
            try await ObjectWatch(target.client, target.resource, target.key).wait(
                attempt,
                until: limit,
                "\(name) did not become ready: it",
                nextSteps: ["See what keeps it from becoming ready: \(target.describeCommand)"]
            ) { objects in
                guard let object = objects.first else {
                    throw StrategyFailure.permanent("\(name) was deleted meanwhile")
                }
                return WorkloadReadiness.problem(of: object).map { .waiting($0) } ?? .reached("\(name) is ready")
            }
        }
    }
}

/// The controller that makes another pod when one goes.
struct PodOwner: Sendable, Hashable {
    let apiVersion: String
    let kind: String
    let namespace: String
    let name: String

    /// Reads the managing owner of a pod; nil when it has none.
    init?(_ pod: Unstructured) {
        let references = pod["metadata", "ownerReferences"]?.arrayValue ?? []
        guard let owner = references.first(where: { $0["controller"]?.boolValue == true }),
            let kind = owner["kind"]?.stringValue, let name = owner["name"]?.stringValue
        else { return nil }
        apiVersion = owner["apiVersion"]?.stringValue ?? "v1"
        self.kind = kind
        self.name = name
        namespace = pod.namespace ?? ""
    }

    /// Reads what the record of an action has of it.
    init?(facts: JSONValue?) {
        guard let facts, let kind = facts["kind"]?.stringValue, let name = facts["name"]?.stringValue else {
            return nil
        }
        apiVersion = facts["apiVersion"]?.stringValue ?? "v1"
        self.kind = kind
        self.name = name
        namespace = facts["namespace"]?.stringValue ?? ""
    }

    /// For the record of an action.
    var facts: JSONValue {
        [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "namespace": .string(namespace),
            "name": .string(name),
        ]
    }

    /// `ReplicaSet production/web-5d4`, for messages.
    var description: String { "\(kind) \(namespace)/\(name)" }

    /// Whose pod it is, by a name that lasts longer than the pod: of one that nobody owns its own.
    ///
    /// A `*` stands for what a new revision of a Deployment, or the next run of a CronJob, has otherwise.
    static func lastingName(of pod: Unstructured) -> String {
        guard let owner = PodOwner(pod) else { return "\(APIResource.pods.kind) \(pod.key)" }
        let number = owner.name.split(separator: "-", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        let ending: String? =
            switch owner.kind {
            case APIResource.replicaSets.kind: pod.labels["pod-template-hash"]
            case APIResource.jobs.kind: Int(number) == nil ? nil : number
            default: nil
            }
        guard let ending, owner.name.hasSuffix("-\(ending)") else { return owner.description }
        return "\(owner.kind) \(owner.namespace)/\(owner.name.dropLast(ending.count))*"
    }

    /// Whether a pod only shows what a kubelet runs by a file of its own.
    static func isMirror(_ pod: Unstructured) -> Bool {
        pod.annotations["kubernetes.io/config.mirror"] != nil
    }

    /// Waits until the owner has all its pods ready; owners of kinds that say nothing about that count as ready.
    func waitUntilReady(
        _ attempt: Attempt,
        _ client: KubernetesClient,
        _ limit: MonotonicInstant
    ) async throws -> String {
        let known: [APIResource] = WorkloadTarget.kinds + [.replicaSets]
        guard let resource = known.first(where: { $0.apiVersion == apiVersion && $0.kind == kind }) else {
            return "\(description) makes another"
        }
        let words = description
        let watch = ObjectWatch(client, resource, ObjectKey(namespace: namespace, name: name))
        return try await watch.wait(attempt, until: limit, "\(words) did not become ready again: it") { objects in
            // Replaced itself meanwhile, as a ReplicaSet by a rollout: somebody else looks after that.
            guard let object = objects.first else { return .reached("\(words) is gone") }
            return WorkloadReadiness.problem(of: object).map { .waiting($0) } ?? .reached("\(words) is ready again")
        }
    }
}
