internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI

/// Ends pods as `kubectl drain` does: by the Eviction API, so that PodDisruptionBudgets are honoured.
///
/// Where the attempt is only gone through, a budget counts as one that gives way in time: a plan names all pods that are to
/// go, and is the same whatever room budgets have at the moment.
struct Evictor: Sendable {
    /// What became of one eviction.
    enum Outcome: Sendable, Hashable {
        /// The pod is ending, or was gone.
        case evicted
        /// A PodDisruptionBudget forbids it for now.
        case blocked(String, retryAfter: Duration?)
    }

    /// How often a blocked eviction is tried again where the server does not say; as kubectl does.
    static let pace = Duration.seconds(5)

    private let client: KubernetesClient
    private let apiVersion: String
    private let rehearsal: Rehearsal?

    /// Finds out which version of the Eviction the server takes: `policy/v1` came with 1.22.
    init(_ client: KubernetesClient, _ attempt: Attempt) async throws {
        self.client = client
        rehearsal = attempt.rehearsal
        let minor = try await client.discovery.serverVersion().minorNumber
        apiVersion = minor.map { $0 < 22 } == true ? "policy/v1beta1" : "policy/v1"
    }

    /// Asks for the end of one pod, and of no other of that name.
    ///
    /// - Throws: `ClientError` for everything but a budget's refusal and a pod that is gone.
    func evict(_ pod: Unstructured) async throws -> Outcome {
        let body: JSONValue = [
            "apiVersion": .string(apiVersion), "kind": "Eviction",
            "metadata": ["name": .string(pod.name), "namespace": .string(pod.namespace ?? "")],
            "deleteOptions": ["preconditions": ["uid": .string(pod.uid)]],
        ]
        do {
            _ = try await client.createSubresource("eviction", of: .pods, pod.key, body)
        } catch let error as ClientError {
            guard let answer = error.apiError else { throw error }
            // Another pod has its name by now.
            if answer.isNotFound || answer.isConflict { return .evicted }
            guard answer.status == 429 else { throw error }
            if rehearsal == nil { return .blocked(answer.message, retryAfter: answer.retryAfter) }
        }
        rehearsal?.evict(pod)
        return .evicted
    }
}
