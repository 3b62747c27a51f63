package import KubernetesCore
package import RecoveryAPI

/// What to grant, and how, when a server has refused a request of an attempt.
package enum MissingRights {
    /// The next steps after a 403.
    ///
    /// - Parameters:
    ///   - error: the server's answer.
    ///   - recovery: whose attempt it was.
    ///   - controllerNamespace: where the controller's ServiceAccount lives.
    /// - Returns: the manifest that lets the controller act as the ServiceAccount, when that is what it may not; else
    ///   the right that is missing and whose it is. Empty when the server did not refuse.
    package static func nextSteps(
        for error: APIError,
        recovery: Recovery,
        controllerNamespace: String
    ) -> [String] {
        guard error.isForbidden else { return [] }
        let namespace = recovery.metadata.namespace ?? ""
        guard let account = recovery.status?.effective?.serviceAccountName else {
            return [
                "Grant the controller \(error.verb.rawValue) on \(error.resource): add the rule to the ClusterRole of "
                    + "the strategy, or name a ServiceAccount that has the right in spec.serviceAccountName",
                "Create a new Recovery afterwards",
            ]
        }
        // The server names what it refused: to act as somebody is a right on serviceaccounts, whatever was asked for.
        let refused = error.kubernetesStatus?.details?.kind
        guard refused == "serviceaccounts", !error.resource.hasPrefix("serviceaccounts") else {
            return [
                "Grant ServiceAccount \(namespace)/\(account) \(error.verb.rawValue) on \(error.resource)",
                "Create a new Recovery afterwards",
            ]
        }
        return [
            "Let the controller act as ServiceAccount \(account): kubectl apply this\n"
                + manifest(namespace: namespace, account: account, controllerNamespace: controllerNamespace),
            "Create a new Recovery afterwards",
        ]
    }

    /// The Role and RoleBinding of manifests/tenant, for one account.
    private static func manifest(namespace: String, account: String, controllerNamespace: String) -> String {
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: tmc-recovery-impersonation, namespace: \(namespace)}
        rules:
        - {apiGroups: [""], resources: [serviceaccounts], resourceNames: [\(account)], verbs: [impersonate]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: tmc-recovery-impersonation, namespace: \(namespace)}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tmc-recovery-impersonation}
        subjects:
        - {kind: ServiceAccount, name: recovery-controller, namespace: \(controllerNamespace)}
        """
    }
}
