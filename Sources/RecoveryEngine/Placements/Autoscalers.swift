internal import JSON
internal import KubernetesClient
internal import KubernetesCore

/// Which workloads a HorizontalPodAutoscaler scales: by the manifests themselves, and by what the member has.
struct Autoscalers {
    /// The kind of an autoscaler.
    static let kind = "HorizontalPodAutoscaler"

    private struct Target: Hashable {
        var group: String
        var kind: String
        var name: String
        var namespace: String?
    }

    private var targets: Set<Target> = []
    /// The namespaces of the member whose autoscalers are known.
    private var known: Set<String> = []

    /// Knows the autoscalers among the manifests.
    init(_ manifests: [PlacedManifest]) {
        for manifest in manifests where Self.isAutoscaler(manifest.kind) {
            add(manifest.content, manifest.namespace)
        }
    }

    /// Whether one of them targets the object of a manifest; asks the member once for each namespace.
    ///
    /// A member that does not let its autoscalers be listed counts as one without any.
    mutating func target(_ manifest: PlacedManifest, _ client: KubernetesClient) async throws -> Bool {
        let target = Target(
            group: manifest.kind.group,
            kind: manifest.kind.kind,
            name: manifest.name,
            namespace: manifest.namespace
        )
        if targets.contains(target) { return true }
        guard let namespace = manifest.namespace, known.insert(namespace).inserted else { return false }
        do {
            guard let resource = try await Self.resource(client) else { return false }
            for autoscaler in try await client.list(resource, namespace: namespace).items {
                add(autoscaler.content, namespace)
            }
        } catch let error as ClientError {
            _ = try error.refusal()
        }
        return targets.contains(target)
    }

    /// The version of autoscalers that a server has; nil when it has none.
    static func resource(_ client: KubernetesClient) async throws -> APIResource? {
        let versions = ["v2", "v2beta2", "v1"].map {
            GroupVersionKind(group: "autoscaling", version: $0, kind: Self.kind)
        }
        return try await client.discovery.firstSupported(versions)
    }

    private mutating func add(_ autoscaler: JSONValue, _ namespace: String?) {
        guard let reference = autoscaler.value(at: ["spec", "scaleTargetRef"]),
            let kind = reference["kind"]?.stringValue, let name = reference["name"]?.stringValue
        else { return }
        let type = GroupVersionKind(apiVersion: reference["apiVersion"]?.stringValue ?? "v1", kind: kind)
        targets.insert(Target(group: type.group, kind: kind, name: name, namespace: namespace))
    }

    private static func isAutoscaler(_ kind: GroupVersionKind) -> Bool {
        kind.group == "autoscaling" && kind.kind == Self.kind
    }
}
