internal import JSON
internal import KubernetesCore
internal import RecoveryAPI

/// The GitOps tool that keeps an object as a repository says: whatever else is written, it would write back.
enum GitOpsOwner {
    private static let labels = [
        ("argocd.argoproj.io/instance", "Argo CD"), ("kustomize.toolkit.fluxcd.io/name", "Flux"),
        ("helm.toolkit.fluxcd.io/name", "Flux"), ("objectset.rio.cattle.io/hash", "Fleet"),
        ("app.kubernetes.io/managed-by=configmanagement.gke.io", "Config Sync"),
    ]
    private static let annotations = [
        ("argocd.argoproj.io/tracking-id", "Argo CD"), ("objectset.rio.cattle.io/id", "Fleet"),
        ("configmanagement.gke.io/managed", "Config Sync"),
    ]
    private static let managers = [
        ("argocd-controller", "Argo CD"), ("argocd-application-controller", "Argo CD"),
        ("kustomize-controller", "Flux"),
        ("helm-controller", "Flux"), ("fleetagent", "Fleet"), ("configsync.gke.io", "Config Sync"),
    ]

    /// Reads the signs of ownership from an object with `metadata.managedFields`; nil when there is none.
    static func of(_ content: JSONValue) -> String? {
        let object = Unstructured(content)
        for (label, tool) in labels {
            let parts = label.split(separator: "=")
            guard let value = object.labels[String(parts[0])] else { continue }
            if parts.count == 1 || parts[1] == value { return tool }
        }
        for (annotation, tool) in annotations where object.annotations[annotation] != nil { return tool }
        let fields = content.value(at: ["metadata", "managedFields"])?.arrayValue ?? []
        let writers = fields.filter { $0["subresource"]?.stringValue != "status" }.compactMap {
            $0["manager"]?.stringValue
        }
        return managers.first { writers.contains($0.0) }?.1
    }
}

extension Attempt {
    static let gitOpsParameter = "gitOps"

    /// What to do with objects that a GitOps tool owns: as the Recovery's parameter says, else its policy.
    var gitOps: GitOpsMode {
        if let word = parameters[Self.gitOpsParameter]?.stringValue { return GitOpsMode(rawValue: word) ?? .defer }
        return recovery.status?.effective?.gitOps?.value ?? .defer
    }

    /// Throws when a GitOps tool owns the target and is to be left its way.
    ///
    /// - Throws: `StrategyFailure.permanent`; nothing was changed.
    func checkGitOps(_ target: TargetAccess) async throws {
        guard gitOps == .defer, let tool = GitOpsOwner.of(try await target.readWithManagedFields()) else { return }
        throw StrategyFailure.permanent(
            "\(target.description) is managed by \(tool), which would write back what this strategy changes; "
                + "nothing was changed",
            nextSteps: [
                "Put the change into the repository that \(tool) follows, such as by reverting the last commit",
                "Or set gitOps: Override in the policy, and have \(tool) ignore the field",
            ]
        )
    }
}
