internal import KubernetesCore
package import RecoveryAPI

/// Who has to say as which ServiceAccount the controller acts: nobody gains a right by writing a policy or a Recovery.
package struct ServiceAccountRule: Sendable {
    /// The strategies that may run.
    package var catalogue: StrategyCatalogue
    /// Whether the controller was told to act in tenants' namespaces only as a ServiceAccount of theirs.
    package var isMandatory: Bool
    /// The namespace where that does not hold.
    package var controllerNamespace: String

    /// Makes the rule of a controller.
    package init(catalogue: StrategyCatalogue, isMandatory: Bool, controllerNamespace: String) {
        self.catalogue = catalogue
        self.isMandatory = isMandatory
        self.controllerNamespace = controllerNamespace
    }

    /// Why an account has to be named.
    ///
    /// - Parameters:
    ///   - rungs: what is to run.
    ///   - namespace: of the Recovery or policy.
    /// - Returns: the violation when none is named; nil where none is needed.
    package func violation(_ rungs: [StrategyRung], namespace: String?) -> FieldViolation? {
        let field = "spec.serviceAccountName"
        if let rung = rungs.first(where: { catalogue[$0.name]?.needsServiceAccount == true }) {
            return FieldViolation(
                path: field,
                message: "is required: the strategy \(rung.name) acts only as a ServiceAccount"
            )
        }
        guard isMandatory, namespace != controllerNamespace else { return nil }
        return FieldViolation(
            path: field,
            message:
                "is required outside namespace \(controllerNamespace): the controller runs with --require-service-account"
        )
    }

    /// What a person can do about it.
    ///
    /// - Parameters:
    ///   - recovery: the one that was refused.
    ///   - policy: the policy that governs it; nil when there is none.
    /// - Returns: the steps, with the manifest of a policy where there is none.
    static func nextSteps(_ recovery: Recovery, policy: RecoveryPolicy?) -> [String] {
        let space = recovery.metadata.namespace ?? ""
        let first =
            if let policy {
                "Name a ServiceAccount of namespace \(space) in spec.serviceAccountName of RecoveryPolicy "
                    + "\(policy.metadata.key), which governs this, or of a new Recovery"
            } else {
                "No RecoveryPolicy in namespace \(space) governs this: name a ServiceAccount of it in a new Recovery, or "
                    + "kubectl apply this policy, with the account of manifests/tenant or another one\n"
                    + sample(of: recovery)
            }
        return [
            first,
            "Let the controller act as it, by the Role and RoleBinding of manifests/tenant in namespace \(space)",
        ]
    }

    /// A policy under which the Recovery would run as it was meant to without one.
    private static func sample(of recovery: Recovery) -> String {
        """
        apiVersion: \(RecoveryAPI.apiVersion)
        kind: RecoveryPolicy
        metadata: {name: recoveries, namespace: \(recovery.metadata.namespace ?? "")}
        spec:
          mode: Auto
          serviceAccountName: recovery-operator
          match: {errorTypes: [\(recovery.spec.error.type)]}

        """
    }
}
