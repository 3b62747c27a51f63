import HTTPTransport
public import JSON
public import KubernetesCore
import Synchronization

// What a test lets go wrong.
extension FakeAPIServer {
    /// Plans a fault for the next `times` requests that meet a condition; the first planned fault that fits is used.
    public func inject(
        _ fault: FakeFault,
        times: Int = 1,
        where condition: @escaping @Sendable (FakeRequest) -> Bool = { _ in true }
    ) {
        let planned = ScriptedFault(fault: fault, remaining: times, applies: condition)
        state.withLock { $0.faults.append(planned) }
    }

    /// Drops the faults that are still planned.
    public func clearFaults() {
        state.withLock { $0.faults = [] }
    }

    /// Runs `hook` before every request from now on.
    public func before(_ hook: @escaping Before) {
        state.withLock { $0.before.append(hook) }
    }

    /// Runs `hook` after every request from now on.
    public func after(_ hook: @escaping After) {
        state.withLock { $0.after.append(hook) }
    }

    /// Kills the server: connections are refused and watches break, and its objects survive.
    public func stop() {
        state.withLock { $0.isDown = true }
        breakWatches()
    }

    /// Starts the server again.
    public func start() {
        state.withLock { $0.isDown = false }
    }

    /// Keeps all watches silent from now on, without closing them.
    public func freezeWatches() {
        state.withLock { $0.frozenAt = $0.database.version }
    }

    /// Lets the watches see again what they have missed.
    public func thawWatches() {
        let watchers = state.withLock { state in
            state.frozenAt = nil
            return state.watchers
        }
        for watcher in watchers { watcher.wakeUp() }
    }

    /// Serves reads from the present state from now on, whatever is written.
    ///
    /// - Parameter includesConsistentReads: Whether that also holds for reads that do not ask for cached data, which a
    ///   real server never does.
    public func freezeReads(includesConsistentReads: Bool = false) {
        state.withLock { state in
            state.database.staleView = (state.database.version, state.database.objects, includesConsistentReads)
        }
    }

    /// Serves reads from the newest state again.
    public func thawReads() {
        state.withLock { $0.database.staleView = nil }
    }

    /// Sends a bookmark with the present version on every watch that allows them.
    public func sendBookmarks() {
        for watcher in watchers(of: nil) where watcher.allowsBookmarks { watcher.add(.bookmark) }
    }

    /// Ends all watches (of one kind, if given) as a server does all the time.
    public func closeWatches(of resource: APIResource? = nil) {
        finishWatches(of: resource, .closed)
    }

    /// Cuts the connections of all watches (of one kind, if given).
    public func breakWatches(of resource: APIResource? = nil) {
        finishWatches(of: resource, .broken(FakeFault.lost))
    }

    /// Sends an ERROR event on all watches (of one kind, if given).
    public func sendError(_ code: Int, _ reason: String, of resource: APIResource? = nil) {
        let event: JSONValue = ["type": "ERROR", "object": FakeReply.statusObject(code, reason)]
        sendRaw(event.serialized(), of: resource)
    }

    /// Puts any bytes into the stream of all watches (of one kind, if given).
    public func sendRaw(_ bytes: [UInt8], of resource: APIResource? = nil) {
        for watcher in watchers(of: resource) { watcher.add(.bytes(bytes)) }
    }

    /// Whether watches end after the time that the client asked for; off by default, which spares tests a timer.
    public func honourWatchTimeouts(_ isOn: Bool = true) {
        state.withLock { $0.honoursWatchTimeouts = isOn }
    }

    /// Cuts streamed answers into chunks of at most this size.
    public func limitChunks(to bytes: Int) {
        state.withLock { $0.maxChunkBytes = max(1, bytes) }
    }

    /// Decides what SelfSubjectAccessReviews answer, from their `spec`.
    ///
    /// Requests themselves are never refused.
    public func answerAccessReviews(_ isAllowed: @escaping @Sendable (JSONValue) -> Bool) {
        state.withLock { $0.allowsAccess = isAllowed }
    }

    private func finishWatches(of resource: APIResource?, _ end: FakeWatcher.End) {
        let visible = state.withLock { $0.visibleVersion }
        for watcher in watchers(of: resource) { watcher.finish(end, after: visible) }
    }

    private func watchers(of resource: APIResource?) -> [FakeWatcher] {
        state.withLock { state in
            state.watchers.filter { resource == nil || $0.target.collection == resource.map(FakeCollection.init) }
        }
    }
}
