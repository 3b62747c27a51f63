internal import ControllerRuntime
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Synchronization
internal import Telemetry
internal import Timekeeping

/// All that is watched on one member through one client, until it is ended.
final class MemberSession: Sendable {
    /// Takes the uid of the placement whose object has changed; nil when any may have.
    typealias PlacedHandler = @Sendable (_ placementUID: String?) -> Void

    private struct Placed: Sendable {
        var watches: [APIResource: PlacedWatch] = [:]
        var unstarted: [PlacedWatch] = []
    }

    /// The watch of one kind, until nothing of it is placed there any more.
    private struct PlacedWatch: Sendable {
        let watch: MemberWatch
        let ended = Latch()

        func run() async throws {
            try await untilOpen(ended, watch.run)
        }
    }

    let client: KubernetesClient
    /// Tells one client of the member from the next.
    let version: String
    private let configuration: InformerConfiguration
    private let context: RuntimeContext
    private let onPlaced: PlacedHandler
    private let cache: CapacityCache
    private let counting: MemberWatch
    private let placed = Mutex(Placed())
    private let newKinds = Signal()
    private let ended = Latch()

    /// Makes a session; nothing runs yet.
    ///
    /// - Parameters:
    ///   - client: the member's.
    ///   - version: tells one client of the member from the next.
    ///   - configuration: how the informers list.
    ///   - context: time, and a log that names the member.
    ///   - onNews: called when capacity becomes known, and when a right is missing for it.
    ///   - onPlaced: called for each change of a placed object.
    init(
        client: KubernetesClient,
        version: String,
        configuration: InformerConfiguration,
        context: RuntimeContext,
        onNews: @escaping @Sendable () -> Void,
        onPlaced: @escaping PlacedHandler
    ) {
        self.client = client
        self.version = version
        self.configuration = configuration
        self.context = context
        self.onPlaced = onPlaced
        cache = CapacityCache(client: client, configuration: configuration, context: Self.quiet(context))
        counting = MemberWatch(
            client: client,
            sources: [MemberWatch.Source(cache.nodes), MemberWatch.Source(cache.pods)],
            randomSeed: configuration.randomSeed,
            context: context,
            onNews: onNews
        )
    }

    /// What the watches of nodes and pods know.
    var observation: CapacityObservation {
        switch counting.standing {
        case .forbidden(let missing): .forbidden(missing)
        case .starting: .unknown
        case .running: cache.capacity.map { .counted($0) } ?? .unknown
        }
    }

    /// Watches these kinds, and no others any more.
    ///
    /// - Parameter wanted: the kinds, asked for in turn: of two calls at one time the later knows what the earlier did.
    func watchPlaced(_ wanted: () -> Set<APIResource>) {
        let (isNew, over) = placed.withLock { placed in
            let kinds = wanted()
            let over = placed.watches.filter { !kinds.contains($0.key) }
            for kind in over.keys { placed.watches[kind] = nil }
            let new = kinds.filter { placed.watches[$0] == nil }.sorted { $0.description < $1.description }
            for kind in new {
                let watch = PlacedWatch(watch: makeWatch(kind))
                placed.watches[kind] = watch
                placed.unstarted.append(watch)
            }
            return (!new.isEmpty, over.values.map(\.ended))
        }
        for ended in over { ended.open() }
        if isNew { newKinds.send() }
    }

    /// Whether changes of these kinds are noticed.
    func watching(_ kinds: Set<APIResource>) -> PlacedWatching {
        let standings = placed.withLock { placed in kinds.map { placed.watches[$0]?.watch.standing } }
        let missing = standings.flatMap { standing -> [RequiredPermission] in
            if case .forbidden(let missing) = standing { missing } else { [] }
        }
        if !missing.isEmpty { return .forbidden(missing.sorted { $0.resource < $1.resource }.text) }
        return standings.allSatisfy { $0 == .running } ? .watched : .unknown
    }

    /// Has watches that fail looked into; to be called after probes that the member has answered.
    func lookAfter(now: MonotonicInstant) {
        for watch in placed.withLock({ $0.watches.values.map(\.watch) }) + [counting] { watch.lookAfter(now: now) }
    }

    /// Ends `run()`.
    func end() {
        ended.open()
    }

    /// Watches until ended.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.counting.run() }
            group.addTask { try await self.runPlaced() }
            group.addTask { try await self.ended.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func runPlaced() async throws {
        try await newKinds.runEach(of: { placed.withLock { $0.unstarted.takeAll() } }, run: { try await $0.run() })
    }

    private func makeWatch(_ kind: APIResource) -> MemberWatch {
        let informer = Informer(
            client: client,
            source: InformerSource(
                resource: kind,
                scope: WatchScope(labelSelector: MetadataName.placementUID),
                decoder: PlacedLabel.decoder
            ),
            configuration: configuration,
            context: Self.quiet(context)
        )
        informer.addHandler { [onPlaced] event in
            for uid in event.placements { onPlaced(uid) }
        }
        // What changed before the first list, or while nobody watched, only a look at all of them shows.
        return MemberWatch(
            client: client,
            sources: [MemberWatch.Source(informer)],
            randomSeed: configuration.randomSeed,
            context: context
        ) { [onPlaced] in onPlaced(nil) }
    }

    /// For informers on members: there the probes tell what fails, and metrics of a hundred would be one mixture.
    private static func quiet(_ context: RuntimeContext) -> RuntimeContext {
        RuntimeContext(timeSource: context.timeSource)
    }
}

/// Whose a placed object is; nothing else is kept of it.
struct PlacedLabel: Sendable, Hashable {
    /// The uid of the placement.
    var placement: String

    /// Reads the label; an object without it is nobody's.
    static let decoder = ObjectDecoder<PlacedLabel>(
        projection: .all.keeping(
            ["metadata", "name"],
            ["metadata", "namespace"],
            ["metadata", "uid"],
            ["metadata", "resourceVersion"],
            ["metadata", "labels", MetadataName.placementUID]
        )
    ) { object in
        PlacedLabel(
            placement: object.value(at: ["metadata", "labels", MetadataName.placementUID])?.stringValue ?? ""
        )
    }
}

extension InformerEvent where Object == PlacedLabel {
    /// The placements that a change concerns; none for what was there at the first list, which is told as a whole.
    fileprivate var placements: Set<String> {
        switch self {
        case .added(_, isInInitialList: true): []
        case .added(let object, _), .deleted(let object): [object.placement]
        case .updated(let old, let new): [old.placement, new.placement]
        case .deletedFinalStateUnknown(_, let last), .undecodable(_, let last): last.map { [$0.placement] } ?? []
        }
    }
}
