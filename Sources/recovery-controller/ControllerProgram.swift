import ControllerRuntime
import FoundationEssentials
import Glibc
import HTTPServer
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import ProcessSignals
import RecoveryAPI
import RecoveryDecision
import RecoveryEngine
import Synchronization
import Telemetry
import Timekeeping

/// The controller as a program: options in, parts wired together, run until a signal.
struct ControllerProgram {
    /// The version that `--version`, the user agent and `build_info` show.
    static let version = "0.1.0"

    private static let name = "recovery-controller"

    let options: ControllerOptions
    private let timeSource = SystemTimeSource()
    private let metrics = MetricsRegistry()
    private let logger: Logger

    init(options: ControllerOptions) {
        self.options = options
        logger = Logger(level: options.logLevel, format: options.logFormat, timeSource: timeSource)
    }

    /// Runs until SIGTERM or SIGINT; a second one ends the process at once.
    ///
    /// - Parameter notices: carries what people are told, and nothing else; it is not ended here.
    /// - Throws: `ConfigurationError`; `ManagerError` or a `ClientError` when a part fails.
    func run(notices: CurlTransport) async throws {
        let kubeconfig = try loadKubeconfig()
        let transport = try CurlTransport()
        let leaseTransport = try CurlTransport()
        let memberTransport = try CurlTransport()
        let outgoingTransport = try CurlTransport()
        defer {
            for used in [transport, leaseTransport, memberTransport, outgoingTransport] { used.shutdown() }
        }
        let clientMetrics = ClientMetrics(registry: metrics)
        let userAgent = UserAgent.text(name: Self.name, version: Self.version)
        let client = KubernetesClient(
            configuration: kubeconfig,
            transport: transport,
            timeSource: timeSource,
            logger: logger,
            metrics: clientMetrics,
            userAgent: userAgent
        )
        let leaseClient = KubernetesClient(
            configuration: kubeconfig,
            transport: leaseTransport,
            timeSource: timeSource,
            logger: logger,
            metrics: clientMetrics,
            userAgent: userAgent + " leader-election"
        )
        let namespace = try controllerNamespace()
        let members = MemberClients(
            hub: client,
            namespace: namespace,
            transport: memberTransport,
            timeSource: timeSource,
            logger: logger,
            metrics: clientMetrics,
            allowedCommands: options.allowedMemberCommands
        )
        try await run(
            client: client,
            leaseClient: leaseClient,
            namespace: namespace,
            members: members,
            outgoing: outgoingTransport,
            notices: notices
        )
    }

    private func run(
        client: KubernetesClient,
        leaseClient: KubernetesClient,
        namespace: String,
        members: MemberClients,
        outgoing: CurlTransport,
        notices: CurlTransport
    ) async throws {
        let reservations = CapacityReservations()
        var registry = StrategyRegistry.standard(
            members: members,
            transport: outgoing,
            reservations: reservations
        )
        var configuration = try ConfigurationFile.read(options.configurationFile, registry: registry)
        registry.register(WebhookStrategy(transport: outgoing, addresses: configuration.addresses))
        if let limit = options.maxConcurrentRecoveries { configuration.maxConcurrentRecoveries = limit }
        configuration.requiresServiceAccount = options.requiresServiceAccount
        let context = RuntimeContext(timeSource: timeSource, logger: logger, metrics: metrics)
        let identity = LeaderElectionConfiguration.uniqueIdentity()
        var eventLimits = EventRecorder.Configuration()
        // Many Recoveries may end within a second, with several events each.
        eventLimits.queueLimit = 10_000
        let recorder = EventRecorder(
            client: client,
            component: Self.name,
            instance: identity,
            configuration: eventLimits,
            context: context
        )
        let elector = try makeElector(leaseClient, namespace: namespace, identity: identity, recorder, context)
        var dependencies = RecoveryEngine.Dependencies(
            client: client,
            members: members.guardedClient,
            registry: registry,
            configuration: configuration,
            namespace: options.namespace,
            controllerNamespace: namespace,
            identity: {
                ControllerIdentity(holder: identity, fencingToken: Int(clamping: elector?.fencingToken ?? 0))
            },
            mayLead: { elector?.isValid ?? true },
            recorder: recorder,
            timeSource: timeSource,
            logger: logger,
            metrics: metrics
        )
        dependencies.fleet = members
        dependencies.reservations = reservations
        dependencies.alertToken = try alertToken()
        dependencies.outgoing = outgoing
        dependencies.notices = notices
        dependencies.followsErrorCatalogue = true
        let engine = RecoveryEngine(dependencies)
        ProcessMetrics.register(in: metrics)
        ProcessMetrics.registerBuildInfo(in: metrics, version: Self.version)
        let manager = Manager(context: context)
        addServers(manager, engine, elector)
        // Beside the servers: it has to tell why the caches do not fill.
        manager.addServer(Runnable(name: "health monitor", run: engine.healthMonitor.run))
        manager.addCache(Runnable(name: "Recovery", run: engine.recoveries.run), hasSynced: engine.recoveries.hasSynced)
        manager.addCache(
            Runnable(name: "RecoveryPolicy", run: engine.policies.run),
            hasSynced: engine.policies.hasSynced
        )
        manager.addCache(
            Runnable(name: "MemberCluster", run: engine.clusters.run),
            hasSynced: engine.clusters.hasSynced
        )
        manager.addCache(
            Runnable(name: "Placement", run: engine.placements.run),
            hasSynced: engine.placements.hasSynced
        )
        manager.addCache(
            Runnable(name: "Migration", run: engine.migrations.run),
            hasSynced: engine.migrations.hasSynced
        )
        manager.addLeaderElected(Runnable(name: "recovery engine", run: engine.run))
        if let elector { manager.setLeaderElection(elector) }
        manager.setEventRecorder(recorder)
        try SignalTrap.catchSignals { [logger] signal in
            logger.info("stopping", ["signal": String(signal)])
            manager.stop()
        }
        logger.info(
            "starting",
            ["version": Self.version, "server": client.configuration.server, "namespace": namespace]
        )
        try await manager.run()
        logger.info("stopped")
    }

    private func makeElector(
        _ client: KubernetesClient,
        namespace: String,
        identity: String,
        _ recorder: EventRecorder,
        _ context: RuntimeContext
    ) throws -> LeaderElector? {
        guard options.electsLeader else { return nil }
        return try LeaderElector(
            configuration: LeaderElectionConfiguration(
                namespace: options.leaseNamespace ?? namespace,
                leaseName: options.leaseName,
                identity: identity
            ),
            client: client,
            context: context,
            events: recorder,
            watchdog: Watchdog(),
            onLost: { loss in
                // Nothing may run any more: what is unfinished is reserved in status, where the new leader finds it.
                StandardError.write(Array("recovery-controller: \(loss)\n".utf8))
                _exit(1)
            }
        )
    }

    private func addServers(_ manager: Manager, _ engine: RecoveryEngine, _ elector: LeaderElector?) {
        if let address = options.metricsAddress {
            let routes = HTTPRoutes()
            routes.addMetrics(metrics)
            routes.add("/status") { _ in .json(engine.status.status()) }
            routes.add("/health") { _ in .json(engine.status.health()) }
            manager.addServer(
                "metrics server",
                HTTPServer(address: address, limits: .withoutBodies, handler: routes.answer)
            )
        }
        if let address = options.alertAddress, let alerts = engine.alerts {
            manager.addServer(
                "alert receiver",
                HTTPServer(address: address, gate: alerts.refusal, handler: alerts.answer)
            )
        }
        guard let address = options.probeAddress else { return }
        let liveness = HealthChecks(logger: logger)
        liveness.add("ping") {}
        if let elector { liveness.add("leader-election") { try elector.checkHealth() } }
        let readiness = HealthChecks(logger: logger)
        readiness.add("caches") {
            guard manager.hasSynced else { throw NotReady() }
        }
        let routes = HTTPRoutes()
        routes.addHealth("/healthz", liveness)
        routes.addHealth("/livez", liveness)
        routes.addHealth("/readyz", readiness)
        manager.addServer(
            "health probe server",
            HTTPServer(address: address, limits: .withoutBodies, handler: routes.answer)
        )
    }

    /// The token of the alert receiver; nil when none was asked for.
    private func alertToken() throws(ConfigurationError) -> (@Sendable () -> String?)? {
        guard options.alertAddress != nil, let path = options.alertTokenFile else { return nil }
        do {
            let token = try ReceiverToken(timeSource: timeSource, logger: logger) {
                [UInt8](try Data(contentsOf: URL(filePath: path)))
            }
            return { token.current }
        } catch {
            throw ConfigurationError(description: "cannot read --alert-receiver-token-file \(path): \(error)")
        }
    }

    private func loadKubeconfig() throws(ConfigurationError) -> ClientConfiguration {
        do {
            return try KubernetesClient.loadConfiguration(kubeconfig: options.kubeconfig, context: options.context)
        } catch {
            throw ConfigurationError(description: "no cluster to work for: \(error)")
        }
    }

    /// The flag, else the pod's namespace, else the standard one.
    private func controllerNamespace() throws(ConfigurationError) -> String {
        if let namespace = options.controllerNamespace { return namespace }
        do {
            return try KubernetesClient.podNamespace() ?? RecoveryAPI.defaultControllerNamespace
        } catch {
            throw ConfigurationError(description: "\(error)")
        }
    }
}

/// The caches have not synced yet.
private struct NotReady: Error {}

extension HTTPServerResponse {
    /// A JSON document.
    fileprivate static func json(_ value: JSONValue) -> HTTPServerResponse {
        HTTPServerResponse(
            status: 200,
            headers: [HTTPServerHeader(name: "Content-Type", value: "application/json")],
            body: value.serialized() + [UInt8(ascii: "\n")]
        )
    }
}
