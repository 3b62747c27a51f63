import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

struct PlacementFenceTests {
    private let fence = PlacementFence(controllerNamespace: "tmc-recovery-system")

    private func manifest(_ apiVersion: String, _ kind: String, namespace: String? = nil) -> JSONValue {
        var object = Unstructured(["apiVersion": .string(apiVersion), "kind": .string(kind)])
        object.name = "a"
        object.namespace = namespace
        return object.content
    }

    private func placement(_ manifests: JSONValue..., namespace: String? = "team") -> Placement {
        Placement(
            metadata: ObjectMeta(name: "web", namespace: namespace),
            spec: PlacementSpec(manifests: manifests)
        )
    }

    private func paths(_ placement: Placement) -> [String] { fence.violations(of: placement).map(\.path) }

    @Test func namespacedObjectsOfTheSameNamespaceStayInside() {
        let inside = placement(
            manifest("apps/v1", "Deployment"),
            manifest("v1", "ConfigMap", namespace: "team"),
            manifest("v1", "Service", namespace: ""),
            manifest("example.com/v1", "Namespace")
        )
        #expect(paths(inside) == [])
    }

    @Test(
        "what hands out rights or secrets, governs namespaces, or is outside them, is refused in every version",
        arguments: [
            ("v1", "Secret"), ("v1", "ServiceAccount"), ("rbac.authorization.k8s.io/v1", "Role"),
            ("rbac.authorization.k8s.io/v1beta1", "RoleBinding"),
            ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
            ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
            ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"), ("apiregistration.k8s.io/v1", "APIService"),
            ("certificates.k8s.io/v1", "CertificateSigningRequest"), ("v1", "Namespace"), ("v1", "Node"),
            ("v1", "PersistentVolume"), ("storage.k8s.io/v1", "StorageClass"),
            ("scheduling.k8s.io/v1", "PriorityClass"), ("recovery.tmc.io/v1alpha1", "MemberCluster"),
            ("recovery.tmc.io/v1alpha1", "RecoveryApproval"), ("v1", "ResourceQuota"), ("v1", "LimitRange"),
            ("v1", "Endpoints"), ("discovery.k8s.io/v1beta1", "EndpointSlice"),
            ("storage.k8s.io/v1", "CSIStorageCapacity"),
        ]
    )
    func forbidden(_ apiVersion: String, _ kind: String) {
        let object = manifest(apiVersion, kind, namespace: "team")
        #expect(paths(placement(manifest("v1", "ConfigMap"), object)) == ["spec.manifests[1].kind"])
        #expect(paths(placement(object, namespace: "tmc-recovery-system")) == [])
    }

    @Test func anotherNamespaceIsNamedWithItsManifest() throws {
        let outside = placement(manifest("v1", "ConfigMap", namespace: "kube-system"))
        let violation = try #require(fence.violations(of: outside).first)
        #expect(
            violation.description == "spec.manifests[0].metadata.namespace: reaches namespace kube-system; "
                + "only Placements in the controller's namespace tmc-recovery-system may place that"
        )
        #expect(paths(placement(manifest("v1", "ConfigMap", namespace: "team"), namespace: nil)) != [])
        #expect(paths(placement(manifest("v1", "Secret"), namespace: "tmc-recovery-system2")) != [], "no prefixes")
    }

    @Test func onlyClustersThatAllowTheNamespaceTakeItsObjects() {
        var cluster = MemberCluster(
            metadata: ObjectMeta(name: "edge"),
            spec: MemberClusterSpec(kubeconfigSecretRef: SecretReference(name: "edge"))
        )
        #expect(!fence.allows(cluster, namespace: "team", labels: ["tier": "gold"]), "absent allows nobody")
        #expect(fence.allows(cluster, namespace: "tmc-recovery-system", labels: nil))
        cluster.spec.allowedNamespaces = LabelSelector(matchLabels: ["tier": "gold"])
        #expect(fence.allows(cluster, namespace: "team", labels: ["tier": "gold"]))
        #expect(!fence.allows(cluster, namespace: "team", labels: ["tier": "iron"]))
        #expect(!fence.allows(cluster, namespace: "team", labels: [:]))
        cluster.spec.allowedNamespaces = LabelSelector()
        #expect(fence.allows(cluster, namespace: "team", labels: [:]), "an empty selector matches every namespace")
        #expect(!fence.allows(cluster, namespace: "team", labels: nil), "a namespace that is not known is nobody's")
        #expect(!fence.allows(cluster, namespace: nil, labels: nil))
    }
}
