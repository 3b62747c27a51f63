internal import KubernetesCore
package import RecoveryAPI

/// The namespace fence: creating a Recovery gives a tenant nothing that its namespace does not (design.md section 6).
package enum NamespaceFence {
    /// What a Recovery asks for that its namespace may not reach; empty when it stays inside.
    ///
    /// - Parameters:
    ///   - recovery: the Recovery.
    ///   - controllerNamespace: the namespace whose Recoveries may reach everything.
    ///   - targetIsNamespaced: whether the target's kind is namespaced; nil when unknown, which counts as namespaced:
    ///     the request that follows then stays inside the namespace.
    /// - Returns: one violation for each field that reaches out.
    package static func violations(
        of recovery: Recovery,
        controllerNamespace: String,
        targetIsNamespaced: Bool?
    ) -> [FieldViolation] {
        let namespace = recovery.metadata.namespace ?? ""
        guard namespace != controllerNamespace else { return [] }
        let remedy = "only Recoveries in the controller's namespace \(controllerNamespace) may"
        var violations: [FieldViolation] = []
        if let cluster = recovery.spec.clusterRef {
            violations.append(
                FieldViolation(path: "spec.clusterRef", message: "reaches member cluster \(cluster.name); \(remedy)")
            )
        }
        if let target = recovery.spec.targetRef {
            if let other = target.namespace, !other.isEmpty, other != namespace {
                violations.append(
                    FieldViolation(path: "spec.targetRef.namespace", message: "reaches namespace \(other); \(remedy)")
                )
            }
            if targetIsNamespaced == false {
                violations.append(
                    FieldViolation(path: "spec.targetRef.kind", message: "\(target.kind) is cluster-scoped; \(remedy)")
                )
            }
        }
        return violations
    }
}
