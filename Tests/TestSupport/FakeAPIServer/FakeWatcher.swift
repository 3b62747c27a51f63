import HTTPTransport
import JSON
import Synchronization
import Timekeeping

/// One open watch: the body of its endless answer.
final class FakeWatcher: HTTPBodySource {
    /// What is in the stream besides changes.
    enum Extra: Sendable {
        case bookmark
        case bytes([UInt8])
    }

    enum End: Sendable {
        case closed
        case broken(HTTPTransportError)
    }

    struct Progress: Sendable {
        /// Changes up to this version were sent.
        var cursor: Int
        /// The synthetic ADDED events of a watch without a version.
        var initial: [JSONValue] = []
        var extras: [Extra] = []
        var end: End?
        /// Once it has ended, changes after this version are no longer sent.
        var lastVisible = Int.max
        /// Bytes that are cut into small chunks.
        var unsent: [UInt8] = []
    }

    let target: FakeTarget
    let selector: FakeSelector
    let allowsBookmarks: Bool
    let deadline: MonotonicInstant?
    /// Guarded by a lock of its own; taken inside the server's lock, never the other way round.
    let progress: Mutex<Progress>
    private let wake = Signal()
    private let server: FakeAPIServer

    init(
        server: FakeAPIServer,
        target: FakeTarget,
        query: [String: String],
        progress: Progress,
        deadline: MonotonicInstant?
    ) {
        self.server = server
        self.target = target
        self.deadline = deadline
        selector = FakeSelector(namespace: target.namespace, query: query)
        allowsBookmarks = query["allowWatchBookmarks"] == "true"
        self.progress = Mutex(progress)
    }

    func wakeUp() {
        wake.send()
    }

    /// Ends the stream after the changes up to a version.
    func finish(_ end: End, after version: Int = .max) {
        progress.withLock { progress in
            guard progress.end == nil else { return }
            progress.end = end
            progress.lastVisible = version
        }
        wake.send()
    }

    func add(_ extra: Extra) {
        progress.withLock { $0.extras.append(extra) }
        wake.send()
    }

    func next() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            let bytes = server.takeBytes(for: self)
            if !bytes.isEmpty { return bytes }
            switch progress.withLock({ $0.end }) {
            case .closed: return nil
            case .broken(let error): throw error
            case nil: break
            }
            do {
                guard let deadline else {
                    try await wake.wait()
                    continue
                }
                try await withDeadline(deadline, server.timeSource) { try await self.wake.wait() }
            } catch is DeadlineExceeded {
                finish(.closed)
            }
        }
    }

    func cancel() {
        server.forget(self)
    }

    /// The event lines that are due when the changes up to `visible` may be sent.
    static func render(_ progress: inout Progress, _ watcher: FakeWatcher, _ state: FakeState, visible: Int) -> [UInt8]
    {
        var bytes: [UInt8] = []
        func line(_ type: String, _ object: JSONValue) {
            bytes += JSONValue.object(["type": .string(type), "object": object]).serialized() + [0x0A]
        }
        for object in progress.initial { line("ADDED", object) }
        progress.initial = []
        if visible > progress.cursor {
            for change in state.history.suffix(state.version - progress.cursor)
            where change.version <= visible && change.collection == watcher.target.collection {
                let before = change.old.flatMap { watcher.selector.matches($0) ? $0 : nil }
                let after = change.new.flatMap { watcher.selector.matches($0) ? $0 : nil }
                switch (before, after) {
                case (nil, nil): break
                case (nil, let after?): line("ADDED", after)
                case (_, let after?): line("MODIFIED", after)
                case (let before?, nil):
                    // The last state that matched, with the version at which it stopped to.
                    var last = before
                    last.set(.string(String(change.version)), at: ["metadata", "resourceVersion"])
                    line("DELETED", last)
                }
            }
            progress.cursor = visible
        }
        for extra in progress.extras {
            switch extra {
            case .bytes(let raw): bytes += raw
            case .bookmark:
                line(
                    "BOOKMARK",
                    [
                        "kind": .string(state.kind(of: watcher.target.collection)),
                        "apiVersion": .string(watcher.target.collection.apiVersion),
                        "metadata": ["resourceVersion": .string(String(progress.cursor)), "creationTimestamp": .null],
                    ]
                )
            }
        }
        progress.extras = []
        return bytes
    }
}
