import Synchronization
import Telemetry
import Timekeeping

/// One handler of an informer with its backlog.
///
/// The backlog has no bound: a slow handler must never make the informer stop reading, since the server closes watches
/// that are not read (k/k#103789). A growing one is logged.
final class Listener<Object: Sendable>: Sendable {
    typealias Handler = @Sendable (CacheNotification<Object>) async -> Void

    private enum Item: Sendable {
        case notification(CacheNotification<Object>)
        /// Everything of the initial list lies before this.
        case synced
    }

    private struct State: Sendable {
        var backlog: [Item] = []
        var isRemoved = false
        /// The backlog is logged when it reaches this size, which then doubles.
        var alarmAt = 1024
    }

    let hasSynced = Latch()
    let receivesResyncs: Bool
    private let handler: Handler
    private let logger: Logger
    private let state = Mutex(State())
    private let wake = Signal()

    init(receivesResyncs: Bool, logger: Logger, handler: @escaping Handler) {
        self.receivesResyncs = receivesResyncs
        self.logger = logger
        self.handler = handler
    }

    /// The number of notifications that wait.
    var backlogCount: Int { state.withLock { $0.backlog.count } }

    /// Appends to the backlog; `wakeUp()` must follow once no lock is held.
    func push(_ notifications: [CacheNotification<Object>], endsInitialList: Bool = false) {
        let alarm: Int? = state.withLock { state in
            guard !state.isRemoved else { return nil }
            state.backlog += notifications.lazy.map { .notification($0) }
            if endsInitialList { state.backlog.append(.synced) }
            guard hasSynced.isOpen, state.backlog.count >= state.alarmAt else { return nil }
            state.alarmAt = state.backlog.count * 2
            return state.backlog.count
        }
        if let alarm { logger.warning("a handler is slow; its backlog grows", ["backlog": String(alarm)]) }
    }

    func wakeUp() {
        wake.send()
    }

    /// Stops the handler after the notification that it has.
    func remove() {
        state.withLock { state in
            state.isRemoved = true
            state.backlog = []
        }
        wake.send()
    }

    /// Hands out the backlog in order, until removed or cancelled.
    func run() async throws {
        while true {
            let batch: [Item]? = state.withLock { state in
                guard !state.isRemoved else { return nil }
                defer { state.backlog = [] }
                return state.backlog
            }
            guard let batch else { return }
            for item in batch {
                try Task.checkCancellation()
                switch item {
                case .notification(let notification):
                    if state.withLock({ $0.isRemoved }) { return }
                    await handler(notification)
                case .synced:
                    hasSynced.open()
                }
            }
            if batch.isEmpty { try await wake.wait() }
        }
    }
}
