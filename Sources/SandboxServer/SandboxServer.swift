internal import FoundationEssentials
internal import HTTPServer
internal import JSON
internal import Synchronization
package import Telemetry
package import Timekeeping

/// An embedded Kubernetes API server, for trying and for tests, not for production.
///
/// It keeps everything in memory and answers as a current kube-apiserver does, with garbage collection, the life of
/// namespaces and, on request, simulated workloads.
///
/// ```swift
/// let server = SandboxServer(configuration: .init(), timeSource: SystemTimeSource(), logger: log)
/// let port = try server.start()
/// try await server.run()  // until it is cancelled
/// ```
package final class SandboxServer: Sendable {
    /// How it is set up.
    package let configuration: SandboxConfiguration
    /// All objects.
    package let store: ObjectStore
    /// All resources.
    package let registry: ResourceRegistry
    /// Garbage collection, namespaces and the simulation.
    package let controllers: Controllers

    /// What goes wrong on purpose.
    package let faults: FaultPlan
    /// All open watches.
    package let watches: WatchHub

    let timeSource: any TimeSource
    let logger: Logger
    let handlers: ResourceHandlers
    let authenticator: Authenticator
    let authorizer: Authorizer
    let reviews: AccessReviews
    private let documents = OpenAPIDocuments(version: ServerInformation.gitVersion)
    /// The state of the registry that the documents show.
    private let documentedGeneration = Mutex(0)
    private let listening = Mutex<HTTPServer?>(nil)
    private let boundAddress = Mutex("")
    private let stopping = Latch()

    /// Makes a server with what every cluster begins with; nothing is bound before ``start()``.
    package init(configuration: SandboxConfiguration, timeSource: any TimeSource, logger: Logger) {
        self.configuration = configuration
        self.timeSource = timeSource
        self.logger = logger
        store = ObjectStore(historyLimit: configuration.historyLimit)
        let registry = ResourceRegistry(BuiltinCatalogue.definitions)
        self.registry = registry
        registry.follow(store)
        handlers = ResourceHandlers(store: store)
        authenticator = Authenticator(token: configuration.token, accountTokens: ServiceAccountTokens())
        authorizer = Authorizer(store)
        reviews = AccessReviews(authorizer: authorizer, authenticator: authenticator)
        watches = WatchHub(store: store, timeSource: timeSource)
        watches.followDefinitions()
        faults = FaultPlan(
            store: store,
            watches: watches,
            seed: configuration.faultSeed,
            rules: configuration.faults
        )
        var simulation = Controllers.Configuration()
        simulation.simulatesWorkloads = configuration.simulatesWorkloads
        simulation.nodeCount = configuration.nodeCount
        controllers = Controllers(
            store: store,
            configuration: simulation,
            definitions: { registry.all },
            timeSource: timeSource,
            logger: logger
        )
        controllers.bootstrap()
    }

    /// Binds the address and returns the port; connections wait until ``run()``.
    ///
    /// - Throws: `HTTPServerError` when the address cannot be bound.
    @discardableResult
    package func start() throws -> Int {
        let server = listening.withLock { listening in
            if let listening { return listening }
            let server = HTTPServer(
                address: configuration.address,
                limits: HTTPServerLimits(maxBodyBytes: RequestBody.maxBytes, maxConnections: 1024),
                refusal: { $0 == 413 ? .failure(.tooLarge(limit: RequestBody.maxBytes)) : .plain($0) }
            ) { [weak self] request in
                await self?.handle(request) ?? .text("shutting down\n", status: 503)
            }
            listening = server
            return server
        }
        let port = try server.start()
        let host = configuration.address.split(separator: ":").dropLast().joined(separator: ":")
        boundAddress.withLock { $0 = "\(host):\(port)" }
        controllers.publish(address: host, port: port)
        return port
    }

    /// Ends ``run()``: requests in work are answered, and watches end as when their time is over.
    package func stop() {
        stopping.open()
    }

    /// Serves until ``stop()``, then returns.
    ///
    /// - Throws: `CancellationError` when it is cancelled, which ends it in the same way; `HTTPServerError` as
    ///   ``start()`` does.
    package func run() async throws {
        try start()
        guard let server = listening.withLock({ $0 }) else { return }
        try await withThrowingTaskGroup { group in
            group.addTask { try await server.run() }
            group.addTask { [controllers] in try await controllers.run() }
            group.addTask { [watches] in try await watches.run() }
            group.addTask { [stopping] in try await stopping.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// An OpenAPI document that shows what is served now; nil for paths without one.
    func openAPIDocument(path: String, accept: String) -> OpenAPIDocuments.Answer? {
        documentedGeneration.withLock { documented in
            let generation = registry.generation
            guard documented != generation else { return }
            documents.update(custom: registry.all)
            documented = generation
        }
        return documents.answer(path: path, accept: accept)
    }

    /// Where the server listens, as `127.0.0.1:6443`; empty before ``start()``.
    package var address: String { boundAddress.withLock { $0 } }
}
