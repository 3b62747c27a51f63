package import HTTPServer
internal import Synchronization
package import Timekeeping

/// All open watches: begins them, hands every change of the store to those that it concerns, and ends them in time.
///
/// ```swift
/// let hub = WatchHub(store: store, timeSource: timeSource)
/// group.addTask { try await hub.run() }
/// let stream = try hub.watch(WatchRequest(resource: pods, apiVersion: "v1", kind: "Pod", options: options))
/// return HTTPServerResponse(status: 200, headers: [json], stream: stream)
/// ```
package final class WatchHub: Sendable {
    private struct Watches {
        var sessions: [UInt64: WatchSession] = [:]
        /// Sessions by what they watch, so that a change meets no others.
        var everywhere: [ResourceID: [UInt64: WatchSession]] = [:]
        var inNamespace: [ResourceID: [String: [UInt64: WatchSession]]] = [:]
        /// Those that owe the bookmark that ends the initial events.
        var beginning: [UInt64: WatchSession] = [:]
        /// Those whose clients have room again.
        var ready: [WatchSession] = []
        var nextID: UInt64 = 0
        /// Up to here all changes have been handed to the sessions.
        var delivered: UInt64 = 0
    }

    let store: ObjectStore
    private let timeSource: any TimeSource
    private let maxBufferedBytes: Int
    private let watches = Mutex(Watches())
    private let wakeUp = Signal()

    /// Makes the watches of a store.
    ///
    /// - Parameters:
    ///   - store: Whose changes are watched.
    ///   - timeSource: For bookmarks and timeouts.
    ///   - maxBufferedBytes: How much may wait for one client in its connection's buffer.
    package init(store: ObjectStore, timeSource: any TimeSource, maxBufferedBytes: Int = 4 << 20) {
        self.store = store
        self.timeSource = timeSource
        self.maxBufferedBytes = maxBufferedBytes
        // The store keeps this for its life, and so must not keep the hub.
        store.subscribe { [weak self] changes in self?.deliver(changes) }
    }

    /// How many watches are open.
    package var count: Int { watches.withLock { $0.sessions.count } }

    /// Begins a watch; its events go to the stream that is returned, until that is closed or the time is over.
    ///
    /// A revision that is forgotten is no failure but the watch's first and only event, as the real server has it.
    ///
    /// - Throws: ``APIFailure`` 500 when the resource version is no number.
    package func watch(_ request: WatchRequest) throws(APIFailure) -> HTTPServerStream {
        let revision = try request.options.parsedRevision()
        let stream = HTTPServerStream(maxBufferedBytes: maxBufferedBytes)
        let timers = timers(for: request)
        let session: WatchSession? = store.read { state in
            let beginning: WatchBeginning
            do throws(APIFailure) {
                beginning = try WatchBeginning(request, revision: revision, state)
            } catch {
                stream.write(WatchEvent.line(error))
                stream.finish()
                return nil
            }
            // Under the store's lock: a change is either in the beginning or will be delivered.
            return register(request, stream, beginning, timers)
        }
        guard let session else { return stream }
        stream.onClose { [weak self] in self?.remove(session) }
        stream.onRoom { [weak self] in self?.enqueue(session) }
        session.feed()
        endInitialEvents()
        tick(session)
        wakeUp.send()
        return stream
    }

    /// Breaks the connections of all open watches, or those of one resource.
    package func cutAll(of resource: ResourceID? = nil) {
        let sessions = watches.withLock { Array($0.sessions.values) }
        for session in sessions where resource == nil || session.request.resource == resource {
            session.stream.close()
        }
    }

    /// Ends all open watches of a resource that is served no longer, or otherwise than before.
    ///
    /// What has happened before is still sent.
    package func finishAll(of resource: ResourceID) {
        let sessions = watches.withLock { Array($0.sessions.values) }
        for session in sessions where session.request.resource == resource {
            if session.finish() { remove(session) }
        }
    }

    /// Feeds the watches whose clients have room, sends bookmarks and ends watches whose time is over.
    ///
    /// - Throws: `CancellationError` when the task is cancelled; the watches end then.
    package func run() async throws {
        defer {
            for session in watches.withLock({ Array($0.sessions.values) }) {
                session.stream.finish()
                remove(session)
            }
        }
        while true {
            for session in watches.withLock({ $0.ready.takeAll() }) {
                session.feed()
                await Task.yield()
            }
            endInitialEvents()
            let next = tickAll()
            guard let next else {
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

    // MARK: beginning and end

    private func timers(for request: WatchRequest) -> WatchTimers {
        // As long as a real server's default: between half an hour and a whole one.
        let seconds = request.options.timeoutSeconds ?? Int64.random(in: 1800...3600)
        let fault = request.fault
        let strikesAtOnce = fault.kind != nil && fault.afterEvents == nil && fault.after == nil
        return WatchTimers(
            now: timeSource.now(),
            timeout: .seconds(seconds),
            sendsBookmarks: request.options.allowsBookmarks,
            faultAfter: strikesAtOnce ? .zero : fault.after
        )
    }

    private func register(
        _ request: WatchRequest,
        _ stream: HTTPServerStream,
        _ beginning: WatchBeginning,
        _ timers: WatchTimers
    ) -> WatchSession {
        watches.withLock { watches in
            watches.nextID += 1
            let session = WatchSession(
                id: watches.nextID,
                request: request,
                stream: stream,
                beginning: beginning,
                timers: timers
            )
            watches.sessions[session.id] = session
            if let namespace = request.namespace {
                watches.inNamespace[request.resource, default: [:]][namespace, default: [:]][session.id] = session
            } else {
                watches.everywhere[request.resource, default: [:]][session.id] = session
            }
            if beginning.initialEnd != nil { watches.beginning[session.id] = session }
            return session
        }
    }

    private func remove(_ session: WatchSession) {
        let resource = session.request.resource
        watches.withLock { watches in
            watches.sessions[session.id] = nil
            watches.beginning[session.id] = nil
            watches.everywhere[resource]?[session.id] = nil
            guard let namespace = session.request.namespace else { return }
            watches.inNamespace[resource]?[namespace]?[session.id] = nil
            if watches.inNamespace[resource]?[namespace]?.isEmpty == true {
                watches.inNamespace[resource]?[namespace] = nil
            }
        }
    }

    private func enqueue(_ session: WatchSession) {
        watches.withLock { $0.ready.append(session) }
        wakeUp.send()
    }

    // MARK: changes and time

    /// Runs on the store's publishing thread, one at a time.
    private func deliver(_ changes: [ObjectStore.Change]) {
        for change in changes {
            let sessions = watches.withLock { watches in
                Array((watches.everywhere[change.resource] ?? [:]).values)
                    + Array((watches.inNamespace[change.resource]?[change.object.name.namespace] ?? [:]).values)
            }
            guard !sessions.isEmpty else { continue }
            var event = WatchEvent(change)
            for session in sessions { session.deliver(&event) }
        }
        guard let last = changes.last else { return }
        watches.withLock { $0.delivered = max($0.delivered, last.revision) }
        endInitialEvents()
    }

    private func endInitialEvents() {
        let (sessions, delivered) = watches.withLock { (Array($0.beginning.values), $0.delivered) }
        for session in sessions where !session.endInitialEvents(delivered: delivered) {
            watches.withLock { $0.beginning[session.id] = nil }
        }
    }

    /// Does what is due now, and returns when the next thing is; the loop of ``run()`` without its waiting.
    @discardableResult
    func tickAll() -> MonotonicInstant? {
        watches.withLock { Array($0.sessions.values) }.compactMap { tick($0) }.min()
    }

    @discardableResult
    private func tick(_ session: WatchSession) -> MonotonicInstant? {
        let next = session.tick(now: timeSource.now(), delivered: watches.withLock { $0.delivered })
        if next == nil { remove(session) }
        return next
    }
}

extension [WatchSession] {
    fileprivate mutating func takeAll() -> Self {
        defer { self = [] }
        return self
    }
}
