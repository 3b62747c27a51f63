package import JSON
package import KubernetesCore
package import RecoveryAPI

/// One manifest of a placement, as a member cluster is to have it.
package struct PlacedManifest: Sendable, Hashable {
    /// Position in `spec.manifests`.
    package var index: Int
    /// Group, version and kind, as written.
    package var kind: GroupVersionKind
    /// The name.
    package var name: String
    /// The namespace that is written, else the placement's own; means nothing where the kind has none.
    package var namespace: String?
    /// What is applied, but for the namespace: without status and server fields, with the placement's label.
    package var content: JSONValue
    /// Whether `spec.replicas` was taken out, because an autoscaler looks after it.
    package var leavesReplicas = false

    /// Namespaces come first and CustomResourceDefinitions second: the others may live in them.
    var rank: Int {
        switch (kind.group, kind.kind) {
        case ("", "Namespace"): 0
        case ("apiextensions.k8s.io", "CustomResourceDefinition"): 1
        default: 2
        }
    }

    /// The kind as `status.placedKinds` has it.
    package var placedKind: PlacedKind { PlacedKind(group: kind.group, kind: kind.kind) }

    /// The manifests of a placement in the order in which they are applied.
    package static func all(of placement: Placement) -> [PlacedManifest] {
        placement.spec.manifests.enumerated().map { PlacedManifest($0.offset, $0.element, placement) }
            .sorted { ($0.rank, $0.index) < ($1.rank, $1.index) }
    }

    private init(_ index: Int, _ manifest: JSONValue, _ placement: Placement) {
        self.index = index
        var object = Unstructured(manifest)
        kind = object.groupVersionKind
        name = object.name
        namespace = object.namespace ?? placement.metadata.namespace
        for field in Self.serverFields { object.content.set(nil, at: ["metadata", field]) }
        object.content["status"] = nil
        object.labels[MetadataName.placementUID] = placement.metadata.uid ?? ""
        content = object.content
        if kind.group.isEmpty, kind.kind == "Service" { nameProtocols() }
    }

    /// Names the protocol of a Service's ports where it is left out: it is part of what tells ports apart, and apply does
    /// not know its default before Kubernetes 1.21.
    private mutating func nameProtocols() {
        guard let ports = content.value(at: ["spec", "ports"])?.arrayValue else { return }
        let named = ports.map { port in
            var port = port
            if port.objectValue != nil, port["protocol"] == nil { port["protocol"] = "TCP" }
            return port
        }
        content.set(.array(named), at: ["spec", "ports"])
    }

    /// What only the server writes; a manifest that was exported from a cluster may carry it.
    private static let serverFields = [
        "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
        "resourceVersion", "selfLink", "uid",
    ]

    /// The same manifest without `spec.replicas`, which an autoscaler looks after.
    func withoutReplicas() -> PlacedManifest {
        var copy = self
        copy.content.set(nil, at: ["spec", "replicas"])
        copy.leavesReplicas = true
        return copy
    }

    /// The same manifest with a namespace where the kind has one, and without where it has none.
    func located(_ resource: APIResource) -> PlacedManifest {
        var copy = self
        copy.content.set(
            resource.isNamespaced ? namespace.map(JSONValue.string) : nil,
            at: ["metadata", "namespace"]
        )
        return copy
    }

    /// The kind that a CustomResourceDefinition brings along; nil for other manifests.
    var definedKind: PlacedKind? {
        guard kind.kind == "CustomResourceDefinition", let group = content.value(at: ["spec", "group"])?.stringValue,
            let name = content.value(at: ["spec", "names", "kind"])?.stringValue
        else { return nil }
        return PlacedKind(group: group, kind: name)
    }

    /// `Deployment production/web`, for messages.
    func description(_ resource: APIResource?) -> String {
        resource?.isNamespaced == false ? "\(kind.kind) \(name)" : "\(kind.kind) \(namespace ?? "")/\(name)"
    }
}

/// A kind without its version, in the form of `status.placedKinds`: `Deployment.apps`, `ConfigMap`.
package struct PlacedKind: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The API group; empty for the core group.
    package var group: String
    /// The kind.
    package var kind: String

    /// Names a kind.
    package init(group: String, kind: String) {
        self.group = group
        self.kind = kind
    }

    /// Reads `Kind.group`.
    package init(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1)
        self.init(group: parts.count == 2 ? String(parts[1]) : "", kind: parts.first.map(String.init) ?? "")
    }

    /// `Kind.group`.
    package var description: String { group.isEmpty ? kind : "\(kind).\(group)" }

    /// Data, and what holds data: stays on a cluster that a copy leaves, until the placement itself is deleted.
    package var isKeptByMoves: Bool {
        switch (group, kind) {
        case ("", "PersistentVolumeClaim"), ("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition"):
            true
        default: false
        }
    }

    /// Workloads go first and what they live in last: the reverse of the order in which they came.
    var removalRank: Int {
        switch (group, kind) {
        case ("", "Namespace"): 2
        case ("apiextensions.k8s.io", "CustomResourceDefinition"): 1
        default: 0
        }
    }

    package static func < (left: PlacedKind, right: PlacedKind) -> Bool { left.description < right.description }
}
