import JSON
import KubernetesCore
import Synchronization
import Timekeeping

@testable import ControllerRuntime

/// A server for events that does what the test says.
final class ScriptedSink: EventSink {
    struct Down: Error {}

    /// A write that succeeded.
    struct Write: Sendable {
        var verb: String
        var key: ObjectKey
        var body: JSONValue
    }

    private struct State {
        var writes: [Write] = []
        var attempts = 0
        var objects: Set<ObjectKey> = []
        var failures: [any Error] = []
        var standing: (any Error)?
    }

    private let state = Mutex(State())
    private let time: (any TimeSource)?
    private let latency: Duration

    /// Answers after `latency` on the clock `time`.
    init(time: (any TimeSource)? = nil, latency: Duration = .zero) {
        self.time = time
        self.latency = latency
    }

    var writes: [Write] { state.withLock { $0.writes } }
    var verbs: [String] { writes.map(\.verb) }
    var messages: [String] { writes.compactMap { $0.body["message"]?.stringValue } }
    var attempts: Int { state.withLock { $0.attempts } }

    /// Lets the next writes fail.
    func fail(_ errors: any Error...) {
        state.withLock { $0.failures += errors }
    }

    /// Lets all writes fail until told otherwise.
    func failAlways(_ error: (any Error)?) {
        state.withLock { $0.standing = error }
    }

    /// Forgets all events, as a server does after an hour.
    func forget() {
        state.withLock { $0.objects = [] }
    }

    func create(_ event: JSONValue, _ key: ObjectKey) async throws {
        try await serve("POST", event, key)
    }

    func patch(_ patch: JSONValue, _ key: ObjectKey) async throws {
        try await serve("PATCH", patch, key)
    }

    private func serve(_ verb: String, _ body: JSONValue, _ key: ObjectKey) async throws {
        if latency > .zero { try await time?.sleep(for: latency) }
        try state.withLock { state in
            state.attempts += 1
            if !state.failures.isEmpty { throw state.failures.removeFirst() }
            if let error = state.standing { throw error }
            if verb == "PATCH" && !state.objects.contains(key) { throw EventSinkError.missing }
            state.objects.insert(key)
            state.writes.append(Write(verb: verb, key: key, body: body))
        }
    }
}
