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
    static func nextSteps(namespace: String?) -> [String] {
        let space = namespace ?? ""
        return [
            "Name a ServiceAccount of namespace \(space) in spec.serviceAccountName of the RecoveryPolicy that governs this, or "
                + "of a new Recovery",
            "Let the controller act as it, by the Role and RoleBinding of manifests/tenant in namespace \(space)",
        ]
    }
}
