internal import KubernetesCore
internal import RecoveryAPI

extension WorkloadDetector {
    /// The kinds to watch: those asked for, and ReplicaSets, which lead from a pod to its Deployment.
    var observedKinds: [GroupVersionKind] {
        var kinds = effectiveKinds.map(\.resource.groupVersionKind)
        if effectiveKinds.contains(.pod) { kinds.append(APIResource.replicaSets.groupVersionKind) }
        return kinds
    }

    /// How each workload looks, its pods included: one verdict for a workload, however many of its pods fail.
    func verdicts(_ seen: [GroupVersionKind: [ObservedObject]]) -> [DetectedTarget: TargetVerdict] {
        var wholes: [DetectedTarget: TargetVerdict] = [:]
        for kind in effectiveKinds where kind != .pod {
            for object in seen[kind.resource.groupVersionKind] ?? [] where looksAt(object) {
                wholes[object.target] = object.workload
            }
        }
        guard effectiveKinds.contains(.pod) else { return wholes }
        let owners = PodOwners(seen)
        var parts: [DetectedTarget: TargetVerdict] = [:]
        for pod in seen[APIResource.pods.groupVersionKind] ?? [] where looksAt(pod) {
            guard let verdict = pod.workload, let target = owners.target(of: pod) else { continue }
            parts[target] = parts[target].map { $0.worse(verdict) } ?? verdict
        }
        return wholes.merging(parts) { $0.explained(by: $1) }
    }

    private func looksAt(_ object: ObservedObject) -> Bool {
        object.isWatched && (selector?.matches(object.labels) ?? true)
    }
}

/// Who owns pods.
struct PodOwners {
    private let pods: [ObjectKey: ObservedObject]
    private let replicaSets: [ObjectKey: ObservedObject]

    /// Takes pods and ReplicaSets of one namespace.
    init(_ seen: [GroupVersionKind: [ObservedObject]]) {
        func byKey(_ resource: APIResource) -> [ObjectKey: ObservedObject] {
            Dictionary((seen[resource.groupVersionKind] ?? []).map { ($0.key, $0) }) { $1 }
        }
        pods = byKey(.pods)
        replicaSets = byKey(.replicaSets)
    }

    /// What has to be repaired when something is wrong with an object: of a pod that which owns it.
    ///
    /// - Returns: nil for a pod that is not known (any more), or that nothing is to be done about.
    func target(of reference: TargetReference) -> DetectedTarget? {
        guard reference.kind == APIResource.pods.kind, reference.apiVersion == APIResource.pods.apiVersion else {
            return DetectedTarget(reference)
        }
        guard let pod = pods[ObjectKey(namespace: reference.namespace, name: reference.name)], !pod.isExcluded else {
            return nil
        }
        return target(of: pod)
    }

    /// What has to be repaired when a pod fails: its owner, and behind a ReplicaSet that one's owner; else the pod.
    ///
    /// - Returns: nil when the ReplicaSet is not known (yet), so that nobody takes the pod for one of its own.
    func target(of pod: ObservedObject) -> DetectedTarget? {
        guard let owner = pod.owner else { return pod.target }
        guard owner.kind == APIResource.replicaSets.kind else { return owner.target(in: pod.key.namespace) }
        let key = ObjectKey(namespace: pod.key.namespace, name: owner.name)
        guard let replicaSet = replicaSets[key] else { return nil }
        return replicaSet.owner?.target(in: pod.key.namespace) ?? replicaSet.target
    }
}

extension TargetVerdict {
    /// The worse of two parts; of two that fail the first by message, so that looks do not differ by chance.
    fileprivate func worse(_ other: TargetVerdict) -> TargetVerdict {
        guard case .failing(let failure) = other else { return self }
        guard case .failing(let mine) = self else { return other }
        return mine.message <= failure.message ? self : other
    }

    /// With what a part shows: that says more than the whole, which says since when.
    fileprivate func explained(by part: TargetVerdict) -> TargetVerdict {
        guard case .failing(var failure) = part else { return self }
        if case .failing(let whole) = self { failure.since = whole.since }
        return .failing(failure)
    }
}

extension WorkloadKind {
    /// The kind as the API server serves it.
    fileprivate var resource: APIResource {
        switch self {
        case .deployment: .deployments
        case .statefulSet: .statefulSets
        case .daemonSet: .daemonSets
        case .pod: .pods
        case .job: .jobs
        }
    }
}

extension ObservedObject.Owner {
    /// The owner as a target.
    fileprivate func target(in namespace: String?) -> DetectedTarget {
        DetectedTarget(TargetReference(apiVersion: apiVersion, kind: kind, name: name, namespace: namespace))
    }
}
