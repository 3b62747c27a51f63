internal import ControllerRuntime
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryDecision
internal import Timekeeping

/// What the parts of an engine have in common.
struct EngineBase {
    let dependencies: RecoveryEngine.Dependencies
    let context: RuntimeContext
    /// The hub; writes end when leadership is no longer sure.
    let client: KubernetesClient
    let caches: EngineCaches
    /// The Recoveries to look at.
    let queue: WorkQueue<ObjectKey>
    let incidents: IncidentReporter
    /// Who writes to which copy of a placement.
    let turns = CopyTurns()
    let findings = DetectionFindings()
    /// The strategies that may run.
    let catalogue: StrategyCatalogue

    init(_ dependencies: RecoveryEngine.Dependencies) {
        self.dependencies = dependencies
        context = RuntimeContext(
            timeSource: dependencies.timeSource,
            logger: dependencies.logger,
            metrics: dependencies.metrics
        )
        client = dependencies.client.guarded { [mayLead = dependencies.mayLead] _ in
            guard mayLead() else {
                throw AttemptFence.Refusal(
                    description: "this controller is no longer sure to be the leader",
                    isAboutLeadership: true
                )
            }
        }
        caches = EngineCaches(dependencies, context)
        queue = WorkQueue(name: "recovery", timeSource: dependencies.timeSource, metrics: dependencies.metrics)
        incidents = IncidentReporter(
            client: client,
            recoveries: caches.recoveries.store,
            watchedNamespace: dependencies.namespace,
            recorder: dependencies.recorder,
            logger: dependencies.logger
        )
        catalogue = dependencies.registry.catalogue(enabled: dependencies.configuration.enabledStrategies)
    }
}
