internal import ControllerRuntime
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

/// The parts of an engine that carry out policies: their books, detection, approvals and ledgers.
struct PolicyParts {
    let books: PolicyBooks
    let controller: PolicyController
    let approvals: ApprovalController
    let detection: DetectionController
    let ledger: LedgerKeeper?

    /// Makes the parts; `noteHealed` is called with a Recovery whose target detection sees healthy again, and since when.
    init(
        _ base: EngineBase,
        sights: ClusterSights?,
        noteHealed: @escaping @Sendable (Recovery, Date) -> Void
    ) {
        let dependencies = base.dependencies
        let (policies, recoveries, queue) = (base.caches.policies, base.caches.recoveries, base.queue)
        let report = PolicyReporter(
            recorder: dependencies.recorder,
            metrics: dependencies.metrics,
            logger: dependencies.logger
        )
        books = PolicyBooks(
            client: base.client,
            policies: policies.store,
            recoveries: recoveries.store,
            findings: base.findings,
            timeSource: dependencies.timeSource,
            report: report
        )
        let controller = PolicyController(
            PolicyController.Environment(
                client: base.client,
                policies: policies,
                recoveries: recoveries,
                books: books,
                findings: base.findings,
                report: report,
                accounts: ServiceAccountRule(
                    catalogue: base.catalogue,
                    isMandatory: dependencies.configuration.requiresServiceAccount,
                    controllerNamespace: dependencies.controllerNamespace
                ),
                context: base.context
            )
        )
        self.controller = controller
        approvals = ApprovalController(
            ApprovalController.Environment(
                client: base.client,
                recoveries: recoveries,
                approvals: base.caches.approvals,
                enqueue: { queue.add($0) },
                context: base.context
            )
        )
        detection = DetectionController(
            DetectionController.Environment(
                client: base.client,
                policies: policies,
                recoveries: recoveries,
                incidents: base.incidents,
                findings: base.findings,
                books: books,
                noteBase: { controller.noteChange($0) },
                controllerNamespace: dependencies.controllerNamespace,
                clusters: base.caches.clusters,
                sights: sights,
                outgoing: dependencies.outgoing,
                addresses: dependencies.configuration.addresses,
                alerts: Self.alerts(dependencies),
                informers: dependencies.informers,
                context: base.context,
                noteHealed: noteHealed,
                enqueue: { queue.add($0) }
            )
        )
        ledger = base.catalogue[StrategyName.rollback].map { _ in
            LedgerKeeper(
                client: base.client,
                policies: policies,
                informers: dependencies.informers,
                report: report,
                context: base.context
            )
        }
    }

    private static func alerts(_ dependencies: RecoveryEngine.Dependencies) -> AlertReceiver? {
        dependencies.alertToken.map { token in
            AlertReceiver(
                AlertReceiver.Environment(
                    token: token,
                    mayLead: dependencies.mayLead,
                    timeSource: dependencies.timeSource,
                    logger: dependencies.logger
                )
            )
        }
    }
}
