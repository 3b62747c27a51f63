package import JSON
package import KubernetesCore

/// What one copy of a placement needs of a cluster.
package struct PlacementDemand: Sendable, Hashable {
    /// The kinds that the cluster has to serve; those that the manifests define themselves are not among them.
    package var kinds: Set<GroupVersionKind>
    /// What all pods of a copy ask for together.
    package var total: ResourceAmounts
    /// The most that one pod asks for, resource by resource: it has to fit on one node.
    package var largestPod: ResourceAmounts

    /// A need that is known.
    package init(
        kinds: Set<GroupVersionKind> = [],
        total: ResourceAmounts = ResourceAmounts(),
        largestPod: ResourceAmounts = ResourceAmounts()
    ) {
        self.kinds = kinds
        self.total = total
        self.largestPod = largestPod
    }

    /// Adds up what the manifests of a placement need.
    ///
    /// Pods of a DaemonSet, which depend on the cluster's nodes, and of a CronJob, which come and go, count as largest
    /// pods only.
    ///
    /// - Parameters:
    ///   - manifests: of the placement.
    ///   - isCounted: takes a pod's spec and says whether the pod counts; all do where it is left out.
    package init(manifests: [JSONValue], counting isCounted: (JSONValue) -> Bool = { _ in true }) {
        self.init()
        var defined: Set<DefinedKind> = []
        for manifest in manifests {
            guard let apiVersion = manifest["apiVersion"]?.stringValue, let kind = manifest["kind"]?.stringValue else {
                continue
            }
            kinds.insert(GroupVersionKind(apiVersion: apiVersion, kind: kind))
            if let definition = DefinedKind(manifest) { defined.insert(definition) }
            guard let pods = Self.pods(of: manifest, kind: kind), isCounted(pods.spec) else { continue }
            let one = ResourceAmounts(podSpec: pods.spec)
            largestPod = largestPod.larger(one)
            total += one.multiplied(by: pods.count)
        }
        kinds = kinds.filter { !defined.contains(DefinedKind(group: $0.group, kind: $0.kind)) }
    }

    /// A kind that a CustomResourceDefinition among the manifests brings along.
    private struct DefinedKind: Hashable {
        var group: String
        var kind: String

        init(group: String, kind: String) {
            self.group = group
            self.kind = kind
        }

        init?(_ manifest: JSONValue) {
            guard manifest["kind"]?.stringValue == "CustomResourceDefinition",
                let group = manifest.value(at: ["spec", "group"])?.stringValue,
                let kind = manifest.value(at: ["spec", "names", "kind"])?.stringValue
            else { return nil }
            self.init(group: group, kind: kind)
        }
    }

    /// The pod template of a workload, and how many pods of it run for good; nil for other kinds.
    private static func pods(of manifest: JSONValue, kind: String) -> (spec: JSONValue, count: Int64)? {
        let count = { (field: String) in max(0, manifest.value(at: ["spec", field])?.intValue ?? 1) }
        let template = manifest.value(at: ["spec", "template", "spec"])
        switch kind {
        case "Pod": return manifest["spec"].map { ($0, 1) }
        case "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController":
            return template.map { ($0, count("replicas")) }
        case "Job": return template.map { ($0, count("parallelism")) }
        case "DaemonSet": return template.map { ($0, 0) }
        case "CronJob":
            return manifest.value(at: ["spec", "jobTemplate", "spec", "template", "spec"]).map { ($0, 0) }
        default: return nil
        }
    }
}
