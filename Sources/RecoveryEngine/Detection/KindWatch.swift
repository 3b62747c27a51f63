internal import ControllerRuntime
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryDecision
internal import Synchronization
internal import Telemetry
internal import Timekeeping

/// Follows the objects of one kind in one namespace for as long as a policy names them.
///
/// Whether the server has the kind, and whether the controller may list and watch it, is asked first: an informer without
/// would fail again and again, and tell nobody why. What is missing may come later, so it is asked for again, less and
/// less often.
final class KindWatch: Sendable {
    /// Why nothing is seen.
    struct Obstacle: Sendable, Hashable {
        /// A CamelCase reason.
        var reason: String
        /// What is missing, and what to do about it.
        var message: String
    }

    private enum Standing: Sendable {
        case starting
        case blocked(Obstacle)
        /// With what was in the way before, for as long as there is no list.
        case running(Informer<ObservedObject>, Obstacle?)
    }

    /// What all watches work with.
    struct Environment: Sendable {
        var client: KubernetesClient
        var controllerNamespace: String
        var informers: InformerConfiguration
        var context: RuntimeContext
    }

    /// An informer that fails for so long shows an old state: what it shows is no data any more.
    private static let patience = Duration.seconds(30)

    let observed: ObservedKind
    private let environment: Environment
    private let onNews: @Sendable () -> Void
    private let state = Mutex(Standing.starting)
    private let ended = Latch()
    private var timeSource: any TimeSource { environment.context.timeSource }

    /// Makes a watch; nothing runs yet.
    ///
    /// - Parameters:
    ///   - observed: what to follow.
    ///   - environment: the hub and its settings.
    ///   - onNews: called for each change of an object, and when the watch begins or ceases to see; must not wait.
    init(_ observed: ObservedKind, _ environment: Environment, onNews: @escaping @Sendable () -> Void) {
        self.observed = observed
        self.environment = environment
        self.onNews = onNews
    }

    /// The objects; nil while they are not known.
    var objects: [ObservedObject]? {
        guard case .running(let informer, _) = state.withLock({ $0 }), informer.hasSynced.isOpen, !isStale(informer)
        else { return nil }
        return informer.store.list()
    }

    /// Why nothing is seen; nil while all is well or it has only just begun.
    var obstacle: Obstacle? {
        switch state.withLock({ $0 }) {
        case .starting: return nil
        case .blocked(let obstacle): return obstacle
        case .running(let informer, let before):
            if !informer.hasSynced.isOpen, let before { return before }
            guard isStale(informer) else { return nil }
            return Obstacle(reason: "Disconnected", message: "\(observed.kind) cannot be listed or watched at present")
        }
    }

    private func isStale(_ informer: Informer<ObservedObject>) -> Bool {
        guard let since = informer.disconnectedSince else { return false }
        return since.duration(to: timeSource.now()) >= Self.patience
    }

    /// Follows until ``end()`` or cancellation.
    ///
    /// - Throws: `CancellationError` when cancelled.
    func run() async throws {
        try await untilOpen(ended) { try await self.follow() }
    }

    /// Has ``run()`` return.
    func end() { ended.open() }

    private func follow() async throws {
        var backoff = Backoff(initial: .seconds(2), factor: 2, cap: .seconds(60), jitter: 0)
        var random = SystemRandomNumberGenerator()
        while true {
            do {
                try await follow(try await resource())
            } catch let obstacle as Refusal {
                block(obstacle.obstacle)
            } catch let error as CancellationError {
                throw error
            } catch {
                // Whatever an API server answers about one kind, the others are looked at.
                block(Obstacle(reason: "Unreachable", message: "\(observed.kind): \(error)"))
            }
            try await timeSource.sleep(for: backoff.next(now: timeSource.now(), using: &random))
        }
    }

    private func block(_ obstacle: Obstacle) {
        let isNews = state.withLock { state in
            defer { state = .blocked(obstacle) }
            if case .blocked(obstacle) = state { return false }
            return true
        }
        guard isNews else { return }
        environment.context.logger.warning(
            "detection cannot look",
            ["kind": "\(observed.kind)", "namespace": observed.namespace, "reason": obstacle.message]
        )
        onNews()
    }

    private struct Refusal: Error {
        var obstacle: Obstacle
    }

    /// The resource, when the server has it and the controller may follow it.
    private func resource() async throws -> APIResource {
        let resource: APIResource
        do {
            resource = try await environment.client.discovery.resource(for: observed.kind)
        } catch ClientError.noMatch {
            throw Refusal(
                obstacle: Obstacle(reason: "KindNotFound", message: "the API server does not have \(observed.kind)")
            )
        }
        guard resource.isNamespaced || observed.namespace == environment.controllerNamespace else {
            let message =
                "\(observed.kind) is cluster-scoped; only policies in \(environment.controllerNamespace) may look at it"
            throw Refusal(obstacle: Obstacle(reason: "OutsideFence", message: message))
        }
        var missing: [String] = []
        for verb in ["list", "watch"] {
            let right = AccessAttributes(
                verb: verb,
                group: resource.group,
                resource: resource.plural,
                namespace: resource.isNamespaced ? observed.namespace : nil
            )
            if try await !environment.client.canI(right).isAllowed { missing.append(verb) }
        }
        guard missing.isEmpty else {
            let group = resource.group.isEmpty ? "" : ".\(resource.group)"
            let place = resource.isNamespaced ? " in namespace \(observed.namespace)" : ""
            let message = "the controller may not \(missing.joined(separator: ", ")) \(resource.plural)\(group)\(place)"
            throw Refusal(obstacle: Obstacle(reason: "MissingRights", message: message))
        }
        return resource
    }

    /// Runs an informer until it has failed for so long that kind and rights have to be looked into again.
    private func follow(_ resource: APIResource) async throws {
        let informer = Informer(
            client: environment.client,
            source: InformerSource(
                resource: resource,
                scope: WatchScope(namespace: resource.isNamespaced ? observed.namespace : nil),
                decoder: ObjectDecoder(projection: ObservedObject.projection) { ObservedObject($0) }
            ),
            configuration: environment.informers,
            context: RuntimeContext(timeSource: timeSource, logger: environment.context.logger)
        )
        informer.addHandler(receivesResyncs: false) { [onNews] _ in onNews() }
        let before = obstacle
        state.withLock { $0 = .running(informer, before) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await informer.run()
                return true
            }
            group.addTask {
                while !self.isStale(informer) { try await self.timeSource.sleep(for: Self.patience) }
                return true
            }
            group.addTask {
                try await informer.hasSynced.wait()
                // An empty list is news as well.
                self.onNews()
                return false
            }
            defer { group.cancelAll() }
            while try await group.next() == false {}
        }
        onNews()
    }
}
