internal import JSON
internal import KubernetesCore
package import RecoveryAPI

/// The namespace fence for what is put on member clusters: a Placement or Migration gives a tenant nothing that its
/// namespace does not (design.md section 6).
///
/// Outside the controller's namespace manifests are namespaced objects of the same namespace, of kinds that tenants may
/// write, and only clusters whose `allowedNamespaces` matches the namespace's labels take them.
package struct PlacementFence: Sendable {
    /// The namespace whose objects may reach everything.
    package var controllerNamespace: String

    /// Makes the fence of a controller.
    package init(controllerNamespace: String) {
        self.controllerNamespace = controllerNamespace
    }

    /// Whether objects of a namespace may reach everything.
    package func isOpen(for namespace: String?) -> Bool { namespace == controllerNamespace }

    /// What a Placement asks for that its namespace may not have; empty when it stays inside.
    ///
    /// Of a kind that is not known here nobody can tell whether it is namespaced; the request then counts as one for the
    /// Placement's own namespace, and whoever applies it must refuse a kind that the member has outside namespaces.
    package func violations(of placement: Placement) -> [FieldViolation] {
        let namespace = placement.metadata.namespace ?? ""
        guard !isOpen(for: namespace) else { return [] }
        return placement.spec.manifests.enumerated().flatMap { index, manifest in
            violations(of: Unstructured(manifest), at: "spec.manifests[\(index)]", namespace)
        }
    }

    /// Whether a namespace may place objects on a cluster.
    ///
    /// - Parameters:
    ///   - cluster: the MemberCluster.
    ///   - namespace: of the Placement or Migration.
    ///   - labels: of that namespace on the hub; nil when they are not known, which allows nothing.
    /// - Returns: true for the controller's own namespace, on every cluster.
    package func allows(_ cluster: MemberCluster, namespace: String?, labels: [String: String]?) -> Bool {
        if isOpen(for: namespace) { return true }
        guard let labels, let allowed = cluster.spec.allowedNamespaces else { return false }
        return allowed.matches(labels)
    }

    /// Why a tenant may never write objects of a kind by way of the controller; nil when it may.
    package static func problem(group: String, kind: String) -> String? {
        if handsOutRights(group: group, kind: kind) { return "hands out rights or secrets" }
        let isGoverning = group == RecoveryAPI.group || governingKinds[group]?.contains(kind) == true
        return isGoverning ? "is not for tenants to write" : nil
    }

    /// Whether objects of a kind give rights or hold secrets.
    package static func handsOutRights(group: String, kind: String) -> Bool {
        rightsGroups.contains(group) || rightsKinds[group]?.contains(kind) == true
    }

    private func violations(of object: Unstructured, at path: String, _ namespace: String) -> [FieldViolation] {
        let type = object.groupVersionKind
        let remedy = "only Placements in the controller's namespace \(controllerNamespace) may place that"
        if let problem = Self.problem(group: type.group, kind: type.kind) {
            return [FieldViolation(path: "\(path).kind", message: "\(type.kind) \(problem); \(remedy)")]
        }
        if Self.clusterScoped[type.group]?.contains(type.kind) == true {
            return [FieldViolation(path: "\(path).kind", message: "\(type.kind) is cluster-scoped; \(remedy)")]
        }
        if let other = object.namespace, other != namespace {
            return [
                FieldViolation(path: "\(path).metadata.namespace", message: "reaches namespace \(other); \(remedy)")
            ]
        }
        return []
    }

    /// Roles, bindings, webhook configurations, CRDs and aggregated APIs: all their kinds, in every version.
    private static let rightsGroups: Set<String> = [
        "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
        "certificates.k8s.io",
    ]

    private static let rightsKinds: [String: Set<String>] = ["": ["Secret", "ServiceAccount"]]

    /// What governs a namespace from outside, or leads traffic past its borders.
    ///
    /// Kubernetes' own role `admin` does not write these either.
    private static let governingKinds: [String: Set<String>] = [
        "": ["Endpoints", "LimitRange", "ResourceQuota"],
        "discovery.k8s.io": ["EndpointSlice"],
        "storage.k8s.io": ["CSIStorageCapacity"],
    ]

    /// The kinds of Kubernetes that live outside namespaces.
    private static let clusterScoped: [String: Set<String>] = [
        "": ["ComponentStatus", "Namespace", "Node", "PersistentVolume"],
        "extensions": ["PodSecurityPolicy"],
        "flowcontrol.apiserver.k8s.io": ["FlowSchema", "PriorityLevelConfiguration"],
        "internal.apiserver.k8s.io": ["StorageVersion"],
        "networking.k8s.io": ["IngressClass", "IPAddress", "ServiceCIDR"],
        "node.k8s.io": ["RuntimeClass"],
        "policy": ["PodSecurityPolicy"],
        "resource.k8s.io": ["DeviceClass", "ResourceSlice"],
        "scheduling.k8s.io": ["PriorityClass"],
        "storage.k8s.io": ["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ]
}
