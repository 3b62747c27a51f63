internal import FoundationEssentials
internal import Synchronization
package import Telemetry
package import Timekeeping

/// What a cluster does on its own: garbage collection, the life of namespaces, and on request its workloads.
///
/// One task consumes the store's changes in their order, finds out which objects have to be looked at, and looks at one
/// after the other, each in a transaction of its own. What to do is decided from the objects alone, so an object may be
/// looked at too often, never too seldom.
///
/// ```swift
/// let controllers = Controllers(store: store, configuration: .init(), definitions: registry.all, timeSource: time, logger: log)
/// controllers.bootstrap()
/// try await controllers.run()
/// ```
package final class Controllers: Sendable {
    /// What differs from cluster to cluster.
    package struct Configuration: Sendable {
        /// Whether Deployments and the other workloads get pods that run on simulated nodes.
        package var simulatesWorkloads = false
        /// How many nodes are simulated.
        package var nodeCount = 3
        /// The certificate in `kube-root-ca.crt`, as PEM; empty when the server speaks plain HTTP.
        package var rootCertificate = ""
        /// Takes the standard values.
        package init() {}
    }

    private struct State {
        var reconcilers: [any Reconciler]
        var queue = ReconcileQueue()
    }

    private let store: ObjectStore
    private let configuration: Configuration
    private let definitions: @Sendable () -> [ResourceDefinition]
    private let timeSource: any TimeSource
    private let logger: Logger
    private let inbox = Mutex<[ObjectStore.Change]>([])
    private let wakeUp = Signal()
    private let state: Mutex<State>

    /// Makes the controllers of a store.
    ///
    /// The definitions are those of all resources that are served now, CustomResourceDefinitions' included.
    package init(
        store: ObjectStore,
        configuration: Configuration,
        definitions: @escaping @Sendable () -> [ResourceDefinition],
        timeSource: any TimeSource,
        logger: Logger
    ) {
        self.store = store
        self.configuration = configuration
        self.definitions = definitions
        self.timeSource = timeSource
        self.logger = logger
        var reconcilers: [any Reconciler] = [
            GarbageCollector(), NamespaceLifecycle(), NamespaceDefaults(rootCertificate: configuration.rootCertificate),
            CustomResourceDefinitionController(),
        ]
        if configuration.simulatesWorkloads { reconcilers += Self.simulation }
        state = Mutex(State(reconcilers: reconcilers))
        store.subscribe { [weak self] in self?.receive($0) }
    }

    /// Takes note of changes of the store, which come in order.
    func receive(_ changes: [ObjectStore.Change]) {
        inbox.withLock { $0 += changes }
        wakeUp.send()
    }

    /// Stores what every cluster begins with, as the namespace `default` and the simulated nodes; what exists stays.
    package func bootstrap() {
        let context = makeContext()
        store.transaction { tx in
            for (resource, object) in BootstrapObjects.all(configuration) {
                tx.create(resource, object, context)
            }
        }
        settle()
    }

    /// Makes the Service `kubernetes` lead to the server; to be called once its port is known.
    package func publish(address: String, port: Int) {
        let context = makeContext()
        store.transaction { tx in
            for (resource, object) in BootstrapObjects.endpoints(address: address, port: port) {
                tx.create(resource, object, context)
            }
        }
    }

    /// How much is done before others get the thread.
    private static let batch = 200

    /// Works until it is cancelled.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        while true {
            let isSettled = work(atMost: Self.batch)
            try Task.checkCancellation()
            guard isSettled else {
                await Task.yield()
                continue
            }
            guard let next = state.withLock({ $0.queue.nextDue }) else {
                try await wakeUp.wait()
                continue
            }
            do {
                try await withDeadline(next, timeSource) { [wakeUp] in try await wakeUp.wait() }
            } catch is DeadlineExceeded {
                continue
            }
        }
    }

    /// Handles all changes so far and everything that is due, until nothing is left to do now.
    package func settle() {
        while !work(atMost: Self.batch) {}
    }

    /// Looks at so many objects.
    ///
    /// - Returns: whether nothing is left to do now.
    private func work(atMost limit: Int) -> Bool {
        state.withLock { state in
            for _ in 0..<limit {
                for change in inbox.withLock({ $0.take() }) {
                    observe(change, &state)
                }
                state.queue.promoteDue(timeSource.now())
                guard let key = state.queue.next() else { return true }
                reconcile(key, &state)
            }
            return false
        }
    }

    private func observe(_ change: ObjectStore.Change, _ state: inout State) {
        for index in state.reconcilers.indices {
            do {
                for object in try state.reconcilers[index].objects(toReconcileAfter: change) {
                    state.queue.add(ReconcileQueue.Key(reconciler: index, object: object))
                }
            } catch {
                logger.error("controller", ["change": "\(change.revision)", "error": error.message])
            }
        }
    }

    private func reconcile(_ key: ReconcileQueue.Key, _ state: inout State) {
        let context = makeContext(state.reconcilers[key.reconciler].manager)
        do {
            let delay = try store.transaction { tx in
                try state.reconcilers[key.reconciler].reconcile(key.object, &tx, context)
            }
            if let delay { state.queue.add(key, at: timeSource.now().advanced(by: delay)) }
        } catch {
            logger.error("controller", ["object": key.object.description, "error": "\(error)"])
        }
    }

    private func makeContext(_ manager: String = "kube-apiserver") -> ReconcileContext {
        ReconcileContext(now: timeSource.wallTime(), definitions: definitions, manager: manager)
    }
}

extension [ObjectStore.Change] {
    fileprivate mutating func take() -> Self {
        defer { self = [] }
        return self
    }
}

extension Controllers {
    /// The controllers that stand for the nodes and the workload controllers of a cluster.
    private static var simulation: [any Reconciler] {
        [
            NodeSimulation(), Scheduler(), Kubelet(), ReplicaSetController(), DeploymentController(),
            StatefulSetController(), DaemonSetController(), JobController(), EndpointsController(),
            DisruptionController(), EventExpiry(),
        ]
    }
}
