package import ControllerRuntime
internal import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
internal import Telemetry
internal import Timekeeping

/// Watches over the fleet: probes every MemberCluster at its interval, writes what it finds into the conditions, renews
/// credentials before they expire, and opens a Recovery as soon as a condition turns False.
///
/// A probe waits for the network and holds no thread. At most `maxConcurrent` run at one time and each has its timeout, so
/// clusters that swallow packets delay the others by little. Runs on the leader only; writes are refused otherwise.
package final class MemberClusterController: Sendable {
    /// What the controller works with.
    package struct Environment: Sendable {
        /// The hub, behind the leader's guard.
        package var hub: KubernetesClient
        package var members: MemberClients
        package var clusters: Informer<MemberCluster>
        package var fleet: MemberFleet
        package var incidents: IncidentReporter
        /// Where failures in a row are counted.
        package var sights: ClusterSights
        /// Whether a policy's detection opens the Recoveries of a cluster.
        package var isDetected: @Sendable (MemberCluster) -> Bool
        /// The controller's own namespace: where Secrets are read and Recoveries opened.
        package var namespace: String
        package var recorder: EventRecorder
        package var informers: InformerConfiguration
        package var context: RuntimeContext
    }

    /// How many clusters are probed at one time.
    private static let maxConcurrent = 32

    let environment: Environment
    private let secrets: Informer<Unstructured>
    private let queue: WorkQueue<ObjectKey>
    private var timeSource: any TimeSource { environment.context.timeSource }

    /// Makes a controller; nothing runs yet.
    package init(_ environment: Environment) {
        self.environment = environment
        queue = WorkQueue(
            name: "membercluster",
            timeSource: environment.context.timeSource,
            metrics: environment.context.metrics
        )
        secrets = Informer(
            client: environment.hub,
            resource: .secrets,
            scope: WatchScope(namespace: environment.namespace),
            configuration: environment.informers,
            context: environment.context
        )
        watch()
    }

    /// Probes until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    package func run() async throws {
        var configuration = ControllerConfiguration.patient
        configuration.maxConcurrent = Self.maxConcurrent
        let controller = Controller(
            name: "membercluster",
            queue: queue,
            configuration: configuration,
            context: environment.context
        ) { [self] key in try await reconcile(key) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.secrets.run() }
            group.addTask { try await self.environment.fleet.run() }
            group.addTask {
                // A Secret that is not in the cache is a finding, so the cache has to be whole.
                try await self.secrets.hasSynced.wait()
                try await controller.run()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Looks at one cluster.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let cluster = environment.clusters.store.get(key), !cluster.metadata.isBeingDeleted else {
            environment.members.forget(key.name)
            environment.fleet.forget(key.name)
            environment.sights.forget(key)
            return .done
        }
        let finding = try await probe(cluster)
        let now = timeSource.wallTime()
        let isUsable = finding.verdict == .usable
        var status = cluster.status(afterProbe: finding, now: now)
        status.credentialExpirationTime = environment.members.claims(key.name)?.end
        status = cluster.status(status, with: environment.fleet.observation(of: key.name), now: now)
        status = try await cluster.status(status, with: isUsable ? renewCredential(cluster, now) : nil, now: now)
        var current = cluster
        if cluster.isNews(status, now: now) {
            current = try await MemberClients.write(status, on: cluster, through: environment.hub)
            report(current, before: cluster)
        }
        follow(current, isUsable: isUsable)
        // Counted once it is written: a write that fails is tried again within milliseconds, which is no second failure.
        let failures = environment.sights.note(key, isUsable: isUsable)
        if !isUsable, failures >= cluster.spec.effectiveProbe.effectiveFailureThreshold,
            !environment.isDetected(current),
            let incident = current.incident(namespace: environment.namespace)
        {
            try await environment.incidents.report(incident)
        }
        return .requeue(after: .seconds(max(1, cluster.spec.effectiveProbe.effectiveIntervalSeconds)))
    }

    private func probe(_ cluster: MemberCluster) async throws -> ClusterFinding {
        let settings = cluster.spec.effectiveProbe
        do {
            let name = ObjectKey(
                namespace: environment.namespace,
                name: cluster.spec.kubeconfigSecretRef.name
            )
            let client = try environment.members.client(for: cluster, secret: secrets.store.get(name))
            let version = environment.members.current(cluster.metadata.key.name)?.version
            let probe = ClusterProbe(
                client,
                timeout: .seconds(max(1, settings.effectiveTimeoutSeconds)),
                timeSource: timeSource
            )
            let finding = try await probe.testEndpoint()
            guard finding.verdict == .usable, needsExercise(cluster) else { return finding }
            let exercised = try await probe.exercise(cluster.spec)
            if exercised.version != nil {
                environment.members.noteIdentified(cluster.metadata.key.name, version: version)
            }
            return exercised
        } catch let error as MemberClientError {
            guard let finding = ClusterFinding(error) else { throw error }
            // A kubeconfig that was taken away is used no more, nor are the connections that it has made.
            let name = cluster.metadata.key.name
            if environment.members.current(name) != nil { await environment.members.refresh(name) }
            return finding
        }
    }

    /// Whether a probe has to make real calls too: to review rights, to come back from a failure, to see a new version, to
    /// learn where a new client leads.
    private func needsExercise(_ cluster: MemberCluster) -> Bool {
        if cluster.spec.requiredPermissions?.isEmpty == false { return true }
        guard environment.members.isIdentified(cluster.metadata.key.name) else { return true }
        guard let status = cluster.status, let last = status.lastProbeTime, status.version != nil else { return true }
        return !(status.conditions ?? []).isTrue(ConditionType.ready)
            || timeSource.wallTime().timeIntervalSince(last) >= MemberCluster.heartbeat
    }

    /// Has a cluster watched while it is ready.
    private func follow(_ cluster: MemberCluster, isUsable: Bool) {
        let key = cluster.metadata.key
        switch cluster.status?.conditions?[type: ConditionType.ready]?.status {
        case .true:
            guard isUsable, let (client, version) = environment.members.current(key.name) else { return }
            environment.fleet.watch(key.name, through: client, version: version) { [queue] in queue.add(key) }
        case .false: environment.fleet.pause(key.name)
        case .unknown, nil: return
        }
    }

    /// Renews the credential where that is due, and says what became of it; nil where nobody asks for it.
    ///
    /// One that cannot be renewed works for a while yet: the next probe tries again, and people have the time to act.
    private func renewCredential(_ cluster: MemberCluster, _ now: Date) async throws -> RenewalStanding? {
        let (members, name) = (environment.members, cluster.metadata.name ?? "")
        guard let renewal = cluster.spec.credentialRenewal else { return nil }
        guard members.claims(name)?.end != nil else {
            return .failed(
                reason: ClusterReason.notRenewable,
                message: "the credential does not say when it ends, as those of exec plug-ins and tokens without exp: "
                    + "put a token that does, or a client certificate, into Secret \(members.secretName(of: cluster))"
            )
        }
        guard members.renewalDue(of: cluster, at: now) != nil else { return .upToDate }
        let logger = environment.context.logger.with(["cluster": name])
        do {
            let expiration = try await members.renew(renewal, of: cluster, through: environment.hub)
            logger.info("credential renewed", ["expires": expiration.flatMap { RFC3339.string(from: $0) } ?? ""])
            return .upToDate
        } catch let error as MemberClientError {
            return .failed(reason: ClusterReason.renewalFailed, message: "\(error)")
        } catch let error as ClientError {
            if case .refused = error { throw error }
            logger.warning("cannot renew the credential", ["error": "\(error)"])
            let missing = renewal.missingRight(error, cluster: name, secret: members.secretName(of: cluster))
            return .failed(
                reason: missing == nil ? ClusterReason.renewalFailed : ClusterReason.forbidden,
                message: missing ?? "\(error)"
            )
        }
    }

    // MARK: Changes

    /// One event for each change of Ready, one when the credential cannot be renewed, and one when it is another cluster.
    private func report(_ cluster: MemberCluster, before: MemberCluster) {
        let changed = { (type: String) -> Condition? in
            let condition = cluster.status?.conditions?[type: type]
            return condition?.status == before.status?.conditions?[type: type]?.status ? nil : condition
        }
        if let ready = changed(ConditionType.ready), ready.status != .unknown {
            let isReady = ready.status == .true
            record(
                isReady ? .normal : .warning,
                isReady ? "ClusterReady" : "ClusterNotReady",
                ready.message.isEmpty ? "the cluster can be used" : ready.message,
                about: cluster
            )
        }
        if let renewed = changed(ConditionType.credentialRenewed), renewed.status == .false {
            record(.warning, "CredentialNotRenewed", renewed.message, about: cluster)
        }
        if let old = before.status?.clusterUID, let new = cluster.status?.clusterUID, old != new {
            let words =
                "the kubeconfig leads to another cluster: the uid of its namespace kube-system is \(new) and was \(old); "
                + "copies are placed there anew, and what is on the cluster before stays, with the label "
                + MetadataName.placementUID
            record(.warning, "ClusterReplaced", words, about: cluster)
        }
    }

    private func record(_ type: EventType, _ reason: String, _ message: String, about cluster: MemberCluster) {
        environment.recorder.record(
            type,
            reason: reason,
            message: message,
            about: ObjectReference(
                apiVersion: RecoveryAPI.apiVersion,
                kind: MemberCluster.resource.kind,
                namespace: nil,
                name: cluster.metadata.name,
                uid: cluster.metadata.uid
            )
        )
    }

    private func watch() {
        environment.clusters.addHandler { [queue] event in
            switch event {
            case .added(let cluster, _): queue.add(cluster.metadata.key)
            case .updated(let old, let new) where old.metadata.generation != new.metadata.generation:
                queue.add(new.metadata.key)
            case .updated: break
            case .deleted(let cluster): queue.add(cluster.metadata.key)
            case .deletedFinalStateUnknown(let key, _): queue.add(key)
            case .undecodable(let failure, _): queue.add(failure.key)
            }
        }
        secrets.addHandler { [queue, clusters = environment.clusters.store] event in
            guard let name = event.key?.name else { return }
            for cluster in clusters.list() where cluster.spec.kubeconfigSecretRef.name == name {
                queue.add(cluster.metadata.key)
            }
        }
    }
}

extension InformerEvent where Object == Unstructured {
    /// The object that changed.
    fileprivate var key: ObjectKey? {
        switch self {
        case .added(let object, _), .updated(_, let object), .deleted(let object): object.key
        case .deletedFinalStateUnknown(let key, _): key
        case .undecodable(let failure, _): failure.key
        }
    }
}
