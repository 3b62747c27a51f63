internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI

/// Finds the pods of placed workloads that a member's scheduler has no node for.
enum UnschedulablePods {
    /// The reason of the pod's condition `PodScheduled`.
    static let reason = "Unschedulable"

    /// The first such pod, with what the scheduler says.
    ///
    /// - Parameters:
    ///   - state: the objects of a placement on the member; those that are ready are not looked into.
    ///   - client: the member's.
    /// - Returns: nil when there is none, or pods may not be listed.
    /// - Throws: `ClientError` when the member does not answer.
    static func first(of state: PlacedState, _ client: KubernetesClient) async throws -> String? {
        for object in state.objects where object.problem != nil {
            for pod in try await pods(of: object, client) {
                let conditions = pod["status", "conditions"]?.arrayValue ?? []
                let condition = conditions.first {
                    $0["type"]?.stringValue == "PodScheduled" && $0["reason"]?.stringValue == reason
                }
                guard let condition else { continue }
                return "pod \(pod.key): \(condition["message"]?.stringValue ?? reason)"
            }
        }
        return nil
    }

    private static func pods(of object: PlacedState.Object, _ client: KubernetesClient) async throws -> [Unstructured] {
        do {
            if object.manifest.kind == GroupVersionKind(apiVersion: "v1", kind: "Pod") {
                return [try await client.get(.pods, object.key)]
            }
            let labels = object.manifest.content.value(at: ["spec", "selector", "matchLabels"])?.objectValue ?? [:]
            guard !labels.isEmpty else { return [] }
            let selector = LabelSelector(matchLabels: labels.compactMapValues(\.stringValue)).queryString
            let options = ListOptions(labelSelector: selector)
            return try await client.list(.pods, namespace: object.key.namespace, options: options).items
        } catch let error as ClientError {
            _ = try error.refusal()
            return []
        }
    }
}
