internal import ControllerRuntime
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Timekeeping

// What a policy's detection looks at besides objects of the API server.
extension DetectionController {
    /// What a policy asks for that this controller does not do, or was not told to do.
    func unheard(_ policy: RecoveryPolicy, _ plan: DetectionPlan) -> [String] {
        var unheard = plan.probes.compactMap { probe in
            probes?.record(of: probe, for: policy.metadata.key)?.problem.map { "HTTP probe \(probe.name): \($0)" }
        }
        if probes == nil, !plan.probes.isEmpty {
            unheard.append("spec.detection.httpProbes: this controller sends no HTTP probes")
        }
        if policy.spec.detection?.clusterHealth?.isEnabled == true, environment.sights == nil {
            unheard.append("spec.detection.clusterHealth: this controller probes no member clusters")
        }
        if policy.spec.detection?.alerts?.isEmpty == false, environment.alerts == nil {
            unheard.append("spec.detection.alerts: this controller takes no alerts; see --alert-receiver-bind-address")
        }
        return unheard
    }

    /// The clusters that are this policy's to look at; nil while they are not known.
    func clusters(of policy: RecoveryPolicy) -> [ObservedCluster]? {
        guard policy.spec.detection?.clusterHealth?.isEnabled == true, let sights = environment.sights,
            environment.clusters.hasSynced.isOpen
        else { return nil }
        let policies = environment.policies.store.list()
        return environment.clusters.store.list().compactMap { cluster in
            let governing = policies.governing(cluster, controllerNamespace: environment.controllerNamespace)
            guard governing?.metadata.uid == policy.metadata.uid else { return nil }
            return ObservedCluster(cluster, failuresSeen: sights.failures(of: cluster.metadata.key))
        }
    }

    /// Has policies that look at clusters look again when one has changed, or when a probe tells something new.
    func watchClusters() {
        let (queue, policies) = (queue, environment.policies.store)
        let look: @Sendable () -> Void = {
            for policy in policies.list() where policy.spec.detection?.clusterHealth?.isEnabled == true {
                queue.add(policy.metadata.key, after: Self.burst)
            }
        }
        environment.sights?.onNews(look)
        environment.clusters.addHandler { event in
            if case .updated(let old, let new) = event, old.metadata.labels == new.metadata.labels,
                old.status?.conditions == new.status?.conditions
            {
                return
            }
            look()
        }
    }
}
