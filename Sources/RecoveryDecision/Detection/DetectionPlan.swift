internal import FoundationEssentials
package import KubernetesCore
package import RecoveryAPI

/// The objects of one kind in one namespace, which all policies that name them share.
package struct ObservedKind: Sendable, Hashable {
    /// The kind.
    package var kind: GroupVersionKind
    /// The namespace; of a cluster-scoped kind, that of the policy, which has to be the controller's own.
    package var namespace: String

    /// Names a kind.
    package init(_ kind: GroupVersionKind, in namespace: String) {
        self.kind = kind
        self.namespace = namespace
    }
}

/// What a policy asks detection to look at.
package struct DetectionPlan: Sendable, Hashable {
    /// A detector that looks at objects.
    package enum Source: Sendable, Hashable {
        /// At a condition of one kind.
        case condition(ConditionDetector)
        /// At workloads and their pods.
        case workloads(WorkloadDetector)
        /// At nodes.
        case nodes(NodeDetector)
    }

    /// A detector with what it opens.
    package struct Detector: Sendable, Hashable {
        /// What it opens, and how patient it is.
        package var rule: DetectionRule
        /// What it looks at.
        package var source: Source
    }

    /// The detectors that can work.
    package private(set) var detectors: [Detector] = []
    /// Why others cannot, for people.
    package private(set) var problems: [String] = []
    private var namespace = ""

    /// Looks at nothing.
    package init() {}

    /// Reads a policy; one that is suspended, or is being deleted, looks at nothing.
    ///
    /// - Parameters:
    ///   - policy: a policy without violations.
    ///   - controllerNamespace: the namespace whose policies may look at cluster-scoped kinds.
    package init(_ policy: RecoveryPolicy, controllerNamespace: String) {
        namespace = policy.metadata.namespace ?? ""
        guard let detection = policy.spec.detection, !policy.spec.isSuspended, !policy.metadata.isBeingDeleted else {
            return
        }
        for (index, detector) in (detection.conditions ?? []).enumerated() { add(detector, index) }
        if let workloads = detection.workloads, workloads.isEnabled { add(workloads) }
        if let nodes = detection.nodes, nodes.isEnabled {
            if namespace == controllerNamespace {
                add(nodes)
            } else {
                problems.append(
                    "spec.detection.nodes: nodes are cluster-scoped; only policies in \(controllerNamespace) may look at them"
                )
            }
        }
    }

    /// All detectors.
    package var rules: Set<DetectionRule> { Set(detectors.map(\.rule)) }

    /// The kinds that have to be watched.
    package var kinds: Set<ObservedKind> { Set(detectors.flatMap { kinds(of: $0.source) }) }

    private func kinds(of source: Source) -> [ObservedKind] {
        let kinds =
            switch source {
            case .condition(let detector): [GroupVersionKind(apiVersion: detector.apiVersion, kind: detector.kind)]
            case .workloads(let detector): detector.observedKinds
            case .nodes: [APIResource.nodes.groupVersionKind]
            }
        return kinds.map { ObservedKind($0, in: namespace) }
    }

    /// What the detectors see.
    ///
    /// - Parameter objects: the objects of a kind; nil while they are not known.
    /// - Returns: what they see, and those that do not see all they should.
    package func look(
        _ objects: (ObservedKind) -> [ObservedObject]?
    ) -> (sightings: [Sighting], blind: Set<DetectionRule>) {
        var sightings: [Sighting] = []
        var blind: Set<DetectionRule> = []
        for detector in detectors {
            var seen: [GroupVersionKind: [ObservedObject]] = [:]
            for kind in kinds(of: detector.source) {
                seen[kind.kind] = objects(kind)
                if seen[kind.kind] == nil { blind.insert(detector.rule) }
            }
            sightings += detector.sightings(seen)
        }
        return (sightings, blind)
    }

    // MARK: Detectors

    private mutating func add(_ detector: ConditionDetector, _ index: Int) {
        // The selector and all else are part of the name: a detector that was edited begins anew.
        let looksFor = [
            detector.apiVersion, detector.kind, detector.type, detector.effectiveStatus.rawValue,
            detector.reason ?? "", detector.selector?.queryString ?? "", detector.effectiveOnNoData.rawValue,
        ]
        var rule = DetectionRule(
            name: "conditions[\(index)] \(looksFor.joined(separator: " "))",
            errorType: detector.errorType,
            severity: detector.effectiveSeverity,
            forSeconds: detector.effectiveForSeconds,
            healthyForSeconds: detector.effectiveHealthyForSeconds
        )
        rule.code = detector.code
        detectors.append(Detector(rule: rule, source: .condition(detector)))
    }

    private mutating func add(_ detector: WorkloadDetector) {
        let rule = DetectionRule(
            name: "workloads \(detector.selector?.queryString ?? "")",
            errorType: ErrorType.componentUnhealthy.rawValue,
            severity: detector.effectiveSeverity,
            forSeconds: detector.effectiveForSeconds,
            healthyForSeconds: detector.effectiveHealthyForSeconds
        )
        detectors.append(Detector(rule: rule, source: .workloads(detector)))
    }

    private mutating func add(_ detector: NodeDetector) {
        let rule = DetectionRule(
            name: "nodes \(detector.selector?.queryString ?? "")",
            errorType: ErrorType.componentUnhealthy.rawValue,
            severity: detector.effectiveSeverity,
            forSeconds: detector.effectiveForSeconds,
            healthyForSeconds: detector.effectiveHealthyForSeconds
        )
        detectors.append(Detector(rule: rule, source: .nodes(detector)))
    }
}

extension DetectionPlan.Detector {
    /// What it sees of objects, by kind.
    fileprivate func sightings(_ seen: [GroupVersionKind: [ObservedObject]]) -> [Sighting] {
        switch source {
        case .condition(let detector):
            return seen.values.joined().compactMap { object in
                detector.verdict(on: object).map { Sighting(rule, object.target, $0) }
            }
        case .nodes(let detector):
            return seen.values.joined().compactMap { node in
                guard node.isWatched, detector.selector?.matches(node.labels) ?? true else { return nil }
                return node.workload.map { Sighting(rule, node.target, $0) }
            }
        case .workloads(let detector):
            return detector.verdicts(seen).map { Sighting(rule, $0.key, $0.value) }
        }
    }
}
