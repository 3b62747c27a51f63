internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// Judges whether a Placement may be on a member, by what the hub says now and not by what was decided before.
///
/// A decision in status was right when it was made: manifests, the labels of the namespace and the MemberCluster change
/// after it. Whoever reaches a member in a Placement's name asks here first, and once more before each write.
struct LivePlacementFence: Sendable {
    /// The reason that its failures carry.
    static let reason = ConditionReason.outsideFence

    /// The hub as the controller itself: a tenant's ServiceAccount sees neither MemberClusters nor Namespaces.
    let hub: KubernetesClient
    let fence: PlacementFence
    /// Who writes to a copy now.
    var turns = CopyTurns()

    /// Throws when the Placement must not be acted upon: its spec is invalid, or reaches out of its namespace.
    ///
    /// - Throws: `StrategyFailure.permanent`.
    func check(_ placement: Placement) throws {
        let name = "Placement \(placement.metadata.key)"
        let invalid = placement.validate()
        guard invalid.isEmpty else { throw refusal(name, "is not valid", invalid, ConditionReason.invalidSpec) }
        let found = fence.violations(of: placement)
        guard found.isEmpty else { throw refusal(name, "is \(FieldViolation.outsideFence)", found, Self.reason) }
    }

    /// Throws when the Placement must not be acted upon, or may not be on this member.
    ///
    /// - Throws: `StrategyFailure.permanent`; `ClientError` when the hub does not answer.
    func check(_ placement: Placement, on cluster: String) async throws {
        try check(placement)
        let namespace = placement.metadata.namespace
        guard !fence.isOpen(for: namespace) else { return }
        let labels = try await namespaceLabels(of: placement)
        let member = try await found { try await hub.get(MemberCluster.self, ObjectKey(name: cluster)) }
        if let member, fence.allows(member, namespace: namespace, labels: labels) { return }
        let words = "spec.allowedNamespaces of MemberCluster \(cluster) does not match namespace \(namespace ?? "")"
        throw StrategyFailure.permanent(
            "Placement \(placement.metadata.key) is \(FieldViolation.outsideFence): \(words); nothing is done there",
            nextSteps: ["Have \(words) corrected, or let the Placement leave \(cluster)"],
            metrics: ["reason": Self.reason]
        )
    }

    /// Labels of the Placement's namespace; nil where they do not matter, or it is gone.
    ///
    /// - Throws: `ClientError`.
    func namespaceLabels(of placement: Placement) async throws -> [String: String]? {
        guard let namespace = placement.metadata.namespace, !fence.isOpen(for: namespace) else { return nil }
        return try await found { try await hub.get(.namespaces, ObjectKey(name: namespace)) }?.labels
    }

    private func refusal(_ name: String, _ what: String, _ found: [FieldViolation], _ reason: String) -> StrategyFailure
    {
        let words = found.prefix(5).map(\.description)
        return .permanent(
            "\(name) \(what): \(words.joined(separator: "; ")); nothing is done about it",
            nextSteps: words.map { "Correct \(name): \($0)" },
            metrics: ["reason": reason]
        )
    }

    /// nil for what does not exist.
    private func found<Object>(_ read: () async throws -> Object) async throws -> Object? {
        do {
            return try await read()
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }
}
