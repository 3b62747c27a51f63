internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryDecision

/// A revision of a workload that its ReplicaSet or ControllerRevision keeps.
struct KeptRevision: Sendable, Hashable {
    /// As `kubectl rollout history` counts.
    let number: Int64
    /// `ReplicaSet web-5d4`, for messages.
    let description: String
    /// The pod template as it can be written back.
    let template: JSONValue
    /// `WorkloadTemplate.hash` of it.
    let hash: String

    /// Reads a ReplicaSet or ControllerRevision; nil when it has no template or number.
    init?(_ object: Unstructured) {
        let isReplicaSet = object.kind == APIResource.replicaSets.kind
        let template = isReplicaSet ? object["spec", "template"] : object["data", "spec", "template"]
        let number =
            isReplicaSet
            ? object.annotations["deployment.kubernetes.io/revision"].flatMap { Int64($0) }
            : object["revision"]?.intValue
        guard let template, let number else { return nil }
        self.number = number
        description = "\(object.kind) \(object.name)"
        self.template = WorkloadTemplate.written(template)
        hash = WorkloadTemplate.hash(template)
    }

    /// All kept revisions of a workload, the newest first.
    static func list(of workload: Unstructured, _ client: KubernetesClient) async throws -> [KeptRevision] {
        let resource = workload.kind == APIResource.deployments.kind ? .replicaSets : controllerRevisions
        var options = ListOptions()
        if case .success(let selector)? = workload["spec", "selector"].map({ value in
            Result { try value.decode(LabelSelector.self) }
        }) {
            options.labelSelector = selector.queryString
        }
        let kept = try await client.list(resource, namespace: workload.namespace, options: options).items
        return kept.filter { $0.isControlled(by: workload.uid) }.compactMap(KeptRevision.init)
            .sorted { $1.number < $0.number }
    }

    private static let controllerRevisions = APIResource(
        group: "apps",
        version: "v1",
        plural: "controllerrevisions",
        kind: "ControllerRevision"
    )
}

extension Unstructured {
    /// Whether an object is this one's managing owner.
    func isControlled(by uid: String) -> Bool {
        let references = self["metadata", "ownerReferences"]?.arrayValue ?? []
        return references.contains { $0["controller"]?.boolValue == true && $0["uid"]?.stringValue == uid }
    }
}
