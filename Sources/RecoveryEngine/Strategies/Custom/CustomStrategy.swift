internal import JSON
internal import KubernetesCore
internal import RecoveryAPI

/// What the strategies `Job` and `Webhook` have in common: a tenant says what is done, so it is done as the tenant's
/// ServiceAccount, and the error is told in one shape.
extension Attempt {
    /// The ServiceAccount that the Recovery or its policy names.
    ///
    /// - Throws: `StrategyFailure.permanent` where there is none: nobody gains a right by writing a policy.
    func requiredServiceAccount(_ strategy: String) throws -> String {
        if let account = recovery.status?.effective?.serviceAccountName { return account }
        throw StrategyFailure.permanent(
            "the strategy \(strategy) acts only as a ServiceAccount, and none is named; nothing was done",
            nextSteps: [
                "Set spec.serviceAccountName in the policy, or in a new Recovery; manifests/tenant has an example",
                "Let the controller impersonate it by the Role in manifests/tenant/impersonation.yaml",
            ]
        )
    }

    /// The error and its target by name, as environment variables and fields of a request know them; absent facts are
    /// left out.
    var facts: [(name: String, value: String)] {
        let all: [(String, String?)] = [
            ("recovery", recovery.metadata.name), ("namespace", recovery.metadata.namespace),
            ("execution", execution.id), ("attempt", String(execution.attempt)), ("error_type", error.type),
            ("error_code", error.code), ("error_component", error.component), ("error_operation", error.operation),
            ("error_severity", error.effectiveSeverity.rawValue), ("error_message", error.message),
            ("target_cluster", target?.cluster), ("target_api_version", target?.apiVersion),
            ("target_kind", target?.kind), ("target_namespace", target?.namespace), ("target_name", target?.name),
            ("target_uid", target?.uid),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}
