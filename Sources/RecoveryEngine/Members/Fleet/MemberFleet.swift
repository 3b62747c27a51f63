package import ControllerRuntime
internal import HTTPTransport
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
internal import Synchronization
internal import Telemetry
internal import Timekeeping

/// What is known of the capacity of a member.
package enum CapacityObservation: Sendable, Hashable {
    /// Not yet, or not at present.
    case unknown
    /// Not at all: the credential lacks these rights.
    case forbidden([RequiredPermission])
    /// This much.
    case counted(ClusterCapacity)
}

/// How well drift is noticed on a member.
enum PlacedWatching: Sendable, Hashable {
    /// Not known yet, or not at present.
    case unknown
    /// All kinds are watched.
    case watched
    /// Not at all for some kinds: the credential lacks these rights, as `list deployments.apps, watch deployments.apps`.
    case forbidden(String)
}

/// The insides of the members that are ready: capacity, placed objects, and what their API servers serve.
///
/// One session for each member, with its informers; none of them holds a thread, and what one member does to its
/// session reaches no other. `MemberClusterController` begins, renews and ends them.
///
/// ```swift
/// fleet.onPlacedChange { cluster, uid in for key in placements(cluster, uid) { queue.add(key) } }
/// fleet.watchPlaced(kinds: [.deployments], of: placement, on: "edge")
/// let free = fleet.capacity(of: "edge")?.free
/// ```
package final class MemberFleet: Sendable {
    /// Hears of a member whose placed objects have changed: those of the placement with this uid, or where that is nil
    /// those of any: after a first list, and when a watch was interrupted.
    package typealias PlacedHandler = @Sendable (_ cluster: String, _ placementUID: String?) -> Void

    private struct Member: Sendable {
        var session: MemberSession?
        /// What each placement has there.
        var kindsOf: [ObjectKey: Set<APIResource>] = [:]
        /// How many placements have each kind there.
        var counts: [APIResource: Int] = [:]

        /// Replaces what a placement has there; false when the kinds together stay the same.
        mutating func set(_ kinds: Set<APIResource>, of placement: ObjectKey) -> Bool {
            let old = kindsOf[placement] ?? []
            guard old != kinds else { return false }
            kindsOf[placement] = kinds.isEmpty ? nil : kinds
            let before = counts.count
            for kind in kinds.subtracting(old) { counts[kind, default: 0] += 1 }
            let hasNew = counts.count > before
            var hasGone = false
            for kind in old.subtracting(kinds) {
                let left = (counts[kind] ?? 1) - 1
                counts[kind] = left > 0 ? left : nil
                hasGone = hasGone || left <= 0
            }
            return hasNew || hasGone
        }
    }

    private struct State: Sendable {
        var members: [String: Member] = [:]
        var unstarted: [MemberSession] = []
        var handlers: [PlacedHandler] = []
    }

    /// How long discovery may take.
    private static let discoveryTimeout = Duration.seconds(10)

    private let configuration: InformerConfiguration
    private let context: RuntimeContext
    private let state = Mutex(State())
    private let newSessions = Signal()

    /// Makes a fleet without sessions.
    ///
    /// - Parameters:
    ///   - configuration: how the informers on members list; they need not be newer than a member's own cache.
    ///   - context: time and log.
    package init(configuration: InformerConfiguration, context: RuntimeContext) {
        self.configuration = configuration
        self.context = context
    }

    /// Runs the sessions until cancelled, which ends them all.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        defer {
            state.withLock { state in
                state.members = state.members.mapValues { Member(kindsOf: $0.kindsOf, counts: $0.counts) }
                state.unstarted = []
            }
        }
        try await newSessions.runEach(of: { state.withLock { $0.unstarted.takeAll() } }, run: { try await $0.run() })
    }

    // MARK: For those who place

    /// What the nodes of a member have and its pods ask for; nil while that is not known.
    package func capacity(of cluster: String) -> ClusterCapacity? {
        if case .counted(let capacity) = observation(of: cluster) { capacity } else { nil }
    }

    /// The client of a member that is watched; nil while it is not ready.
    package func client(of cluster: String) -> KubernetesClient? {
        session(of: cluster)?.client
    }

    /// What is known of the capacity of a member.
    package func observation(of cluster: String) -> CapacityObservation {
        session(of: cluster)?.observation ?? .unknown
    }

    /// Watches the objects of these kinds that are placed on a member, now or as soon as it is ready.
    ///
    /// - Parameters:
    ///   - kinds: all that the placement has there; a kind is watched as long as any placement has it there.
    ///   - placement: which one.
    ///   - cluster: the member.
    package func watchPlaced(kinds: Set<APIResource>, of placement: ObjectKey, on cluster: String) {
        let session = state.withLock { state in
            let isNews = state.members[cluster, default: Member()].set(kinds, of: placement)
            return isNews ? state.members[cluster]?.session : nil
        }
        session?.watchPlaced { placedKinds(on: cluster) }
    }

    /// Of all placements on a member.
    private func placedKinds(on cluster: String) -> Set<APIResource> {
        state.withLock { state in Set((state.members[cluster]?.counts ?? [:]).keys) }
    }

    /// Ends the watches that are there for a placement only, but on these members.
    package func keepPlaced(of placement: ObjectKey, on clusters: Set<String>) {
        let others = state.withLock { state in
            state.members.filter { $0.value.kindsOf[placement] != nil && !clusters.contains($0.key) }.keys
        }
        for cluster in others { watchPlaced(kinds: [], of: placement, on: cluster) }
    }

    /// Whether changes of these kinds are noticed on a member.
    func watching(_ kinds: Set<APIResource>, on cluster: String) -> PlacedWatching {
        session(of: cluster)?.watching(kinds) ?? .unknown
    }

    /// Tells `handler` of all changes of placed objects from now on; it must not wait.
    package func onPlacedChange(_ handler: @escaping PlacedHandler) {
        state.withLock { $0.handlers.append(handler) }
    }

    /// Which of these kinds a member is known not to serve; nil when it does not answer in time, however many are asked for.
    package func missing(_ kinds: Set<GroupVersionKind>, on cluster: String) async -> Set<GroupVersionKind>? {
        guard let client = session(of: cluster)?.client else { return [] }
        let time = context.timeSource
        do {
            return try await withDeadline(time.now().advanced(by: Self.discoveryTimeout), time) {
                [logger = context.logger] in
                let impatient = client.with(requestTimeout: Self.discoveryTimeout, retryPolicy: .none)
                var missing: Set<GroupVersionKind> = []
                for kind in kinds {
                    do {
                        if try await !impatient.discovery.supports(kind) { missing.insert(kind) }
                    } catch let error as ClientError where error.apiError != nil {
                        // It answers, and an API of somebody else behind it does not: nobody knows about that kind.
                        logger.debug("cannot read discovery", ["cluster": cluster, "error": "\(error)"])
                    }
                }
                return missing
            }
        } catch {
            context.logger.debug("cannot read discovery", ["cluster": cluster, "error": "\(error)"])
            return nil
        }
    }

    // MARK: For the controller that probes

    /// Has a member that is ready watched through this client; another version takes the place of the one before.
    ///
    /// - Parameters:
    ///   - cluster: the MemberCluster.
    ///   - client: its client.
    ///   - version: tells one client of the member from the next.
    ///   - onNews: called when capacity becomes known, and when a right is missing for it; must not wait.
    func watch(
        _ cluster: String,
        through client: KubernetesClient,
        version: String,
        onNews: @escaping @Sendable () -> Void
    ) {
        if let session = session(of: cluster), session.version == version {
            return session.lookAfter(now: context.timeSource.now())
        }
        let session = MemberSession(
            client: client,
            version: version,
            configuration: configuration,
            context: RuntimeContext(
                timeSource: context.timeSource,
                logger: context.logger.with(["cluster": cluster])
            ),
            onNews: onNews
        ) { [weak self] uid in
            self?.tell(cluster, uid)
        }
        let old = state.withLock { state in
            let old = state.members[cluster]?.session
            state.members[cluster, default: Member()].session = session
            state.unstarted.append(session)
            return old
        }
        old?.end()
        session.watchPlaced { placedKinds(on: cluster) }
        newSessions.send()
    }

    /// Watches a member no more until it is ready again.
    func pause(_ cluster: String) {
        state.withLock { state in
            defer { state.members[cluster]?.session = nil }
            return state.members[cluster]?.session
        }?.end()
    }

    /// Forgets a member that is gone.
    func forget(_ cluster: String) {
        state.withLock { $0.members.removeValue(forKey: cluster)?.session }?.end()
    }

    /// The names of the members that are watched, sorted.
    package var watched: [String] {
        state.withLock { state in state.members.filter { $0.value.session != nil }.keys.sorted() }
    }

    private func session(of cluster: String) -> MemberSession? {
        state.withLock { $0.members[cluster]?.session }
    }

    private func tell(_ cluster: String, _ placementUID: String?) {
        for handler in state.withLock({ $0.handlers }) { handler(cluster, placementUID) }
    }
}
