internal import ControllerRuntime
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Synchronization
internal import Telemetry
internal import Timekeeping

/// Informers on one member that run while the credential may list and watch what they follow.
///
/// The rights are asked for first: an informer without them would fail again and again, and tell nobody why. Where they
/// are missing there is one line in the log and a look every few minutes, as rights can be granted without our knowing.
final class MemberWatch: Sendable {
    /// How far it is.
    enum Standing: Sendable, Hashable {
        /// Nothing is known yet.
        case starting
        /// The credential lacks these rights.
        case forbidden([RequiredPermission])
        /// The informers run; since when they fail, if they do, they say themselves.
        case running
    }

    /// One informer, whatever its objects.
    struct Source: Sendable {
        var resource: APIResource
        var hasSynced: Latch
        var disconnectedSince: @Sendable () -> MonotonicInstant?
        var run: @Sendable () async throws -> Void

        init<Object>(_ informer: Informer<Object>) {
            resource = informer.resource
            hasSynced = informer.hasSynced
            disconnectedSince = { informer.disconnectedSince }
            run = { try await informer.run() }
        }
    }

    /// An informer that fails for so long is looked into: its right may be gone, or its kind.
    private static let patience = Duration.seconds(60)

    private let client: KubernetesClient
    private let sources: [Source]
    private let randomSeed: UInt64?
    private let timeSource: any TimeSource
    private let logger: Logger
    private let onNews: @Sendable () -> Void
    private let state = Mutex(Standing.starting)
    private let lookAgain = Signal()

    /// Makes a watch; nothing runs yet.
    ///
    /// - Parameters:
    ///   - client: the member's.
    ///   - sources: the informers, which have a log of their own.
    ///   - randomSeed: of the pauses between looks; nil seeds them from the system.
    ///   - context: time, and the log for rights that are missing.
    ///   - onNews: called when the standing changes, and when all informers have their first list.
    init(
        client: KubernetesClient,
        sources: [Source],
        randomSeed: UInt64?,
        context: RuntimeContext,
        onNews: @escaping @Sendable () -> Void
    ) {
        self.client = client
        self.sources = sources
        self.randomSeed = randomSeed
        self.onNews = onNews
        timeSource = context.timeSource
        logger = context.logger
    }

    /// How far it is.
    var standing: Standing { state.withLock { $0 } }

    /// Since when an informer fails; nil when all are well.
    var failingSince: MonotonicInstant? { sources.compactMap { $0.disconnectedSince() }.min() }

    /// Has informers that fail looked into; to be called now and then while the member answers.
    func lookAfter(now: MonotonicInstant) {
        guard standing == .running, let since = failingSince, since.duration(to: now) >= Self.patience else { return }
        lookAgain.send()
    }

    /// Watches until cancelled.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        var backoff = Backoff(
            initial: .seconds(5),
            factor: 3,
            cap: .seconds(300),
            jitter: 0.2,
            resetAfter: .seconds(900)
        )
        var random = SeededGenerator(seed: randomSeed)
        while true {
            if try await mayRun() == true {
                try await runInformers()
            } else {
                try await timeSource.sleep(for: backoff.next(now: timeSource.now(), using: &random))
            }
        }
    }

    /// Whether the rights are there; nil when the member does not say.
    private func mayRun() async throws -> Bool? {
        let wanted = sources.map {
            RequiredPermission(
                group: $0.resource.group.isEmpty ? nil : $0.resource.group,
                resource: $0.resource.plural,
                verbs: ["list", "watch"]
            )
        }
        do {
            let probe = ClusterProbe(client, timeout: .seconds(10), timeSource: timeSource)
            let missing = try await probe.missingPermissions(wanted)
            become(missing.isEmpty ? .running : .forbidden(missing))
            return missing.isEmpty
        } catch let error as ClientError {
            // The probes of the cluster tell about this.
            logger.debug("cannot ask for rights", ["error": "\(error)"])
            return nil
        }
    }

    private func runInformers() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for source in sources {
                group.addTask {
                    try await source.run()
                    return true
                }
            }
            group.addTask {
                for source in self.sources { try await source.hasSynced.wait() }
                self.onNews()
                return false
            }
            group.addTask {
                // Informers that fail for another reason go on at their own pace.
                repeat { try await self.lookAgain.wait() } while try await self.mayRun() != false
                return true
            }
            defer { group.cancelAll() }
            while let isOver = try await group.next(), !isOver {}
        }
    }

    private func become(_ new: Standing) {
        let old = state.withLock { state in
            defer { state = new }
            return state
        }
        guard old != new else { return }
        if case .forbidden(let missing) = new {
            logger.warning("the credential may not watch", ["missing": missing.text])
            onNews()
        } else if case .forbidden = old {
            logger.info("the credential may watch again")
        }
    }
}

extension [RequiredPermission] {
    /// `list nodes, watch nodes, list widgets.example.com`.
    var text: String {
        flatMap { permission in
            permission.verbs.map { "\($0) \(permission.resource)" + (permission.group.nonEmpty.map { ".\($0)" } ?? "") }
        }.joined(separator: ", ")
    }
}
