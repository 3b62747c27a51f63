internal import JSON
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// The ledger of a policy, as the keeper asks for it.
extension RecoveryPolicy {
    /// Whether its ladder names Rollback.
    var rollsBack: Bool {
        spec.strategies?.contains { $0.name == StrategyName.rollback } ?? false
    }

    /// Whether its Recoveries can be about a workload.
    func covers(_ sight: WorkloadSight) -> Bool {
        guard let match = spec.match else { return true }
        if let kinds = match.targetKinds, !kinds.contains(sight.kind) { return false }
        return match.targetSelector?.matches(sight.labels) ?? true
    }

    /// The ConfigMap with its ledger.
    var ledgerKey: ObjectKey {
        ObjectKey(
            namespace: metadata.namespace,
            name: RevisionLedger.name(ofPolicy: metadata.name ?? "")
        )
    }

    /// A ledger that goes when the policy goes.
    func newLedger(_ content: JSONValue) -> Unstructured {
        var ledger = Unstructured(content)
        ledger.name = ledgerKey.name
        ledger.namespace = ledgerKey.namespace
        // A name may be longer than a label's value.
        if let name = metadata.name, NameRules.problem(labelValue: name) == nil {
            ledger.labels = [MetadataName.policy: name]
        }
        ledger["metadata", "ownerReferences"] = [ledgerOwner]
        return ledger
    }

    /// The policy as the owner of its ledger.
    var ledgerOwner: JSONValue {
        [
            "apiVersion": .string(RecoveryAPI.apiVersion), "kind": .string(Self.resource.kind),
            "name": .string(metadata.name ?? ""), "uid": .string(metadata.uid ?? ""),
        ]
    }
}
