import KubernetesClient
import KubernetesCore
import Synchronization
import Telemetry
import Timekeeping

/// Keeps up with one collection of the API server: lists it, then watches it, for ever.
///
/// ``ReflectorStateMachine`` has the rules; this shell performs its steps and hands each change to `sink` in order. The
/// sink has seen a change before the version moves on, so nothing is lost when the stream breaks in between.
/// `onConnection` hears of each watch that was opened (true) and of each list or watch that failed (false).
final class Reflector<Object: Sendable>: Sendable {
    private let client: KubernetesClient
    private let resource: APIResource
    private let scope: WatchScope
    private let decoder: ObjectDecoder<Object>
    private let onConnection: @Sendable (Bool) -> Void
    private let sink: @Sendable (CacheChange<Object>) -> Void
    private let timeSource: any TimeSource
    private let logger: Logger
    private let metrics: ReflectorMetrics?
    private let machine: Mutex<ReflectorStateMachine>
    private let lastActivity = Mutex(MonotonicInstant(nanoseconds: 0))

    init(
        client: KubernetesClient,
        source: InformerSource<Object>,
        configuration: InformerConfiguration,
        context: RuntimeContext,
        onConnection: @escaping @Sendable (Bool) -> Void = { _ in },
        sink: @escaping @Sendable (CacheChange<Object>) -> Void
    ) {
        // One backoff for all failures: the client must not repeat requests on its own as well.
        self.client = client.with(requestTimeout: client.requestTimeout, retryPolicy: .none)
        resource = source.resource
        scope = source.scope
        decoder = source.decoder
        self.onConnection = onConnection
        self.sink = sink
        timeSource = context.timeSource
        logger = context.logger.with(["resource": "\(source.resource)"])
        metrics = context.metrics.map { ReflectorMetrics(resource: source.resource, registry: $0) }
        machine = Mutex(
            ReflectorStateMachine(
                pageSize: configuration.pageSize,
                initialListMayBeStale: configuration.initialListMayBeStale,
                seed: configuration.randomSeed
            )
        )
    }

    /// Lists and watches until cancelled.
    ///
    /// - Throws: `CancellationError`, nothing else: every failure is tried again.
    func run() async throws {
        while true {
            try Task.checkCancellation()
            let now = timeSource.now()
            switch machine.withLock({ $0.nextStep(now: now) }) {
            case .pause(let duration):
                try await timeSource.sleep(for: duration)
            case .list(let resourceVersion, let limit, let reason):
                metrics?.countList(reason)
                try await list(at: resourceVersion, limit: limit)
            case .watch(let resourceVersion, let timeoutSeconds):
                metrics?.watches.increment()
                try await watch(from: resourceVersion, timeoutSeconds: timeoutSeconds)
            }
        }
    }

    private func list(at resourceVersion: String?, limit: Int?) async throws {
        var list = CacheList<Object>()
        let options = ListOptions(
            labelSelector: scope.labelSelector,
            fieldSelector: scope.fieldSelector,
            limit: limit,
            resourceVersion: resourceVersion
        )
        do {
            let summary = try await client.forEachListItem(resource, namespace: scope.namespace, options: options) {
                list = CacheList()
            } body: { bytes in
                list.append(try decode(bytes))
            }
            let seen = summary.metadata.resourceVersion ?? ""
            list.resourceVersion = seen
            metrics?.items.set(Double(list.order.count))
            sink(.replaced(list))
            machine.withLock { $0.listed(resourceVersion: seen, asked: resourceVersion, pages: summary.pages) }
            logger.debug("listed", ["items": String(list.order.count), "resourceVersion": seen])
        } catch {
            try failed("list failed", error) { $0.listFailed($1, now: $2) }
        }
    }

    private func watch(from resourceVersion: String, timeoutSeconds: Int) async throws {
        let options = WatchOptions(
            labelSelector: scope.labelSelector,
            fieldSelector: scope.fieldSelector,
            resourceVersion: resourceVersion,
            timeoutSeconds: timeoutSeconds
        )
        let events: WatchSequence<StoredObject<Object>>
        do {
            events = try await client.watch(resource, namespace: scope.namespace, options: options) {
                try self.decode($0)
            }
        } catch {
            return try failed("watch refused", error) { $0.watchRefused($1, now: $2) }
        }
        let start = timeSource.now()
        lastActivity.withLock { $0 = start }
        machine.withLock { $0.watchStarted(now: start) }
        onConnection(true)
        let end = try await follow(events)
        let now = timeSource.now()
        if machine.withLock({ $0.watchEnded(end, now: now) }) { metrics?.shortWatches.increment() }
        if end == .silent { metrics?.silentWatches.increment() }
        logger.debug("watch ended", ["how": "\(end)"])
    }

    /// Reads the stream to its end, or until it has been silent for too long.
    private func follow(_ events: WatchSequence<StoredObject<Object>>) async throws -> ReflectorStateMachine.WatchEnd {
        try await withThrowingTaskGroup(of: ReflectorStateMachine.WatchEnd.self) { group in
            group.addTask { try await self.read(events) }
            group.addTask {
                try await self.waitForSilence()
                return .silent
            }
            defer { group.cancelAll() }
            // The group has two children, so there is a first one to end.
            return try await group.next() ?? .closed
        }
    }

    private func read(_ events: WatchSequence<StoredObject<Object>>) async throws -> ReflectorStateMachine.WatchEnd {
        do {
            for try await event in events {
                metrics?.events.increment()
                let now = timeSource.now()
                lastActivity.withLock { $0 = now }
                switch event {
                case .added(let object), .modified(let object):
                    sink(.stored(object))
                    machine.withLock { $0.received(resourceVersion: object.resourceVersion) }
                case .deleted(let object):
                    sink(.deleted(object))
                    machine.withLock { $0.received(resourceVersion: object.resourceVersion) }
                case .bookmark(let resourceVersion, _):
                    sink(.bookmark(resourceVersion: resourceVersion))
                    machine.withLock { $0.receivedBookmark(resourceVersion: resourceVersion) }
                case .error(let status):
                    let failure = ReflectorStateMachine.Failure(status)
                    log("the server ended the watch", failure, status.message ?? status.reason ?? "")
                    return .failed(failure)
                }
            }
            return .closed
        } catch let error as CancellationError {
            throw error
        } catch ClientError.decoding(let error, _) {
            logger.warning("unreadable watch event; watching again from the last one", ["error": "\(error)"])
            return .garbled
        } catch {
            logger.info("watch broke", ["error": "\(error)"])
            return .broken
        }
    }

    /// Returns when the running watch must be taken for dead.
    ///
    /// It looks at least once in each inactivity limit, because the first bookmark brings the deadline forward.
    private func waitForSilence() async throws {
        while true {
            let now = timeSource.now()
            let last = lastActivity.withLock { $0 }
            let deadline = machine.withLock { $0.watchGivesUpAt(lastActivity: last) }
            if now >= deadline { return }
            try await timeSource.sleep(until: min(deadline, now.advanced(by: ReflectorStateMachine.inactivityLimit)))
        }
    }

    private func decode(_ bytes: [UInt8]) throws -> StoredObject<Object> {
        let object = try decoder.stored(bytes, of: resource)
        if let failure = object.failure {
            logger.error("object cannot be decoded", ["object": "\(failure.key)", "error": failure.reason])
        }
        return object
    }

    /// Reports a failure to the state machine; a cancellation is none.
    private func failed(
        _ message: String,
        _ error: any Error,
        _ report: (inout ReflectorStateMachine, ReflectorStateMachine.Failure, MonotonicInstant) -> Void
    ) throws {
        if error is CancellationError { throw error }
        let failure = ReflectorStateMachine.Failure(error)
        let now = timeSource.now()
        machine.withLock { report(&$0, failure, now) }
        onConnection(false)
        log(message, failure, "\(error)")
    }

    /// An expired version is everyday business; all else an operator may want to see.
    private func log(_ message: String, _ failure: ReflectorStateMachine.Failure, _ error: String) {
        logger.log(failure == .expired ? .debug : .warning, message, ["error": error])
    }
}
