package import FoundationEssentials
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
package struct DetectionPlan: Sendable {
    /// A detector that looks at objects.
    package enum Source: Sendable, Hashable {
        /// At a condition of one kind.
        case condition(ConditionDetector)
        /// At workloads and their pods.
        case workloads(WorkloadDetector)
        /// At nodes.
        case nodes(NodeDetector)
        /// At events.
        case events(EventDetector)
        /// At alerts.
        case alerts(AlertDetector)
        /// At the answers to HTTP requests.
        case probe(HTTPProbe)
        /// At these conditions of member clusters.
        case clusters(ClusterHealthDetector, conditions: [String])
    }

    /// All that detectors look at.
    package struct World {
        /// The objects of a kind; nil while they are not known.
        package var objects: (ObservedKind) -> [ObservedObject]?
        /// The alerts that were received.
        package var alerts: AlertBoard
        /// What an HTTP probe has shown; nil while that is not known.
        package var probes: (HTTPProbe) -> ProbeRecord?
        /// The member clusters that are the policy's to look at; nil while they are not known.
        package var clusters: [ObservedCluster]?
        /// The date.
        package var now: Date

        /// Describes the world at a moment.
        package init(
            now: Date,
            alerts: AlertBoard = AlertBoard(),
            probes: @escaping (HTTPProbe) -> ProbeRecord? = { _ in nil },
            clusters: [ObservedCluster]? = nil,
            objects: @escaping (ObservedKind) -> [ObservedObject]?
        ) {
            self.objects = objects
            self.alerts = alerts
            self.probes = probes
            self.clusters = clusters
            self.now = now
        }
    }

    /// What detectors see.
    package struct View: Sendable, Hashable {
        /// What they see.
        package var sightings: [Sighting] = []
        /// Those that do not see all they should.
        package var blind: Set<DetectionRule> = []
        /// When they see something else although nothing happens; nil when they do not.
        package var nextChange: Date?
    }

    /// A detector with what it opens.
    package struct Detector: Sendable, Hashable {
        /// What it opens, and how patient it is.
        package var rule: DetectionRule
        /// What it looks at.
        package var source: Source
    }

    /// The detectors that can work.
    package internal(set) var detectors: [Detector] = []
    /// Why others cannot, for people.
    package private(set) var problems: [String] = []
    private var policy = (namespace: "", name: "")
    private var isOwn = false

    /// Looks at nothing.
    package init() {}

    /// Reads a policy; one that is suspended, or is being deleted, looks at nothing.
    ///
    /// - Parameters:
    ///   - policy: a policy without violations.
    ///   - controllerNamespace: the namespace whose policies may look at cluster-scoped kinds.
    ///   - addresses: where HTTP probes may lead.
    package init(_ policy: RecoveryPolicy, controllerNamespace: String, addresses: AddressRule = AddressRule()) {
        self.policy = (policy.metadata.namespace ?? "", policy.metadata.name ?? "")
        isOwn = self.policy.namespace == controllerNamespace
        guard let detection = policy.spec.detection, !policy.spec.isSuspended, !policy.metadata.isBeingDeleted else {
            return
        }
        for (index, detector) in (detection.conditions ?? []).enumerated() { add(detector, index) }
        if let workloads = detection.workloads, workloads.isEnabled { add(workloads) }
        if let nodes = detection.nodes, nodes.isEnabled {
            if isOwn {
                add(nodes)
            } else {
                problems.append(
                    "spec.detection.nodes: nodes are cluster-scoped; only policies in \(controllerNamespace) may look at them"
                )
            }
        }
        for (index, detector) in (detection.events ?? []).enumerated() { add(detector, index) }
        for (index, detector) in (detection.alerts ?? []).enumerated() { add(detector, index) }
        for (index, probe) in (detection.httpProbes ?? []).enumerated() {
            if let problem = addresses.problem(url: probe.url) {
                problems.append("spec.detection.httpProbes[\(index)] \(probe.name): the URL \(problem)")
            } else {
                add(probe)
            }
        }
        if let clusters = detection.clusterHealth, clusters.isEnabled {
            if isOwn {
                add(clusters)
            } else {
                problems.append(
                    "spec.detection.clusterHealth: only policies in \(controllerNamespace) may look at member clusters"
                )
            }
        }
    }

    /// All detectors.
    package var rules: Set<DetectionRule> { Set(detectors.map(\.rule)) }

    /// The kinds that have to be watched.
    package var kinds: Set<ObservedKind> { Set(detectors.flatMap { kinds(of: $0.source) }) }

    /// The HTTP probes that are to be sent.
    package var probes: [HTTPProbe] {
        detectors.compactMap { if case .probe(let probe) = $0.source { probe } else { nil } }
    }

    private func kinds(of source: Source) -> [ObservedKind] {
        let kinds =
            switch source {
            case .condition(let detector): [GroupVersionKind(apiVersion: detector.apiVersion, kind: detector.kind)]
            case .workloads(let detector): detector.observedKinds
            case .nodes: [APIResource.nodes.groupVersionKind]
            case .events: [APIResource.events, .pods, .replicaSets].map(\.groupVersionKind)
            case .alerts, .probe, .clusters: [GroupVersionKind]()
            }
        return kinds.map { ObservedKind($0, in: policy.namespace) }
    }

    /// What the detectors see.
    ///
    /// - Parameters:
    ///   - world: all there is to be seen.
    ///   - tally: the events that were counted so far.
    /// - Returns: what each detector sees of each target.
    package func look(_ world: World, tally: inout EventTally) -> View {
        tally.keep(rules)
        var view = View()
        for detector in detectors {
            var seen: [GroupVersionKind: [ObservedObject]] = [:]
            for kind in kinds(of: detector.source) {
                seen[kind.kind] = world.objects(kind)
                if seen[kind.kind] == nil { view.blind.insert(detector.rule) }
            }
            switch detector.source {
            case .events(let events):
                // Half of it would count an event for the wrong target.
                guard !view.blind.contains(detector.rule) else { continue }
                view.add(look(detector.rule, events, seen, world, &tally))
            case .alerts(let alerts):
                view.add(world.alerts.look(detector.rule, alerts, policy: policy, isOwn: isOwn, now: world.now))
            case .probe(let probe):
                let record = world.probes(probe) ?? ProbeRecord()
                if !record.isSeen { view.blind.insert(detector.rule) }
                let target = target(of: probe)
                view.sightings.append(
                    Sighting(detector.rule, target, record.verdict, isSuspect: record.isSuspect)
                )
            case .clusters(let health, let conditions):
                if world.clusters == nil { view.blind.insert(detector.rule) }
                view.sightings += health.sightings(detector.rule, conditions, world.clusters ?? [])
            default:
                let isBlind = view.blind.contains(detector.rule)
                // Half of what shows a workload shows failures, but no health.
                view.sightings += detector.sightings(seen).map { sighting in
                    isBlind && sighting.verdict == .healthy
                        ? Sighting(sighting.rule, sighting.target, .unknown) : sighting
                }
            }
        }
        return view
    }

    /// The object to be repaired, else the probe itself.
    private func target(of probe: HTTPProbe) -> DetectedTarget {
        probe.targetRef.map { DetectedTarget($0, namespace: policy.namespace) }
            ?? .subject("HTTPProbe", "\(policy.name)-\(probe.name)", namespace: policy.namespace)
    }

    private func look(
        _ rule: DetectionRule,
        _ detector: EventDetector,
        _ seen: [GroupVersionKind: [ObservedObject]],
        _ world: World,
        _ tally: inout EventTally
    ) -> (sightings: [Sighting], nextChange: Date?) {
        let owners = PodOwners(seen)
        let events = seen[APIResource.events.groupVersionKind] ?? []
        return tally.look(rule, detector, events: events, now: world.now) { about in
            // Events about nodes lie in the namespace default, which does not make nodes its own.
            let isInside = about.namespace == policy.namespace || (about.namespace == nil && isOwn)
            return isInside ? owners.target(of: about) : nil
        }
    }
}

extension DetectionPlan.View {
    fileprivate mutating func add(_ seen: (sightings: [Sighting], nextChange: Date?)) {
        sightings += seen.sightings
        nextChange = [nextChange, seen.nextChange].compactMap(\.self).min()
    }
}

extension DetectionPlan.Detector {
    /// What a detector that looks at objects as they are sees of them, by kind.
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
        case .events, .alerts, .probe, .clusters: return []
        }
    }
}
