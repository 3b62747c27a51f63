import JSON
import Synchronization
import Timekeeping

@testable import ControllerRuntime

/// A Lease on a server that does what the test says: fail, hang, answer late, lose answers.
final class ScriptedLease: LeaseStore {
    /// What happens to the next request.
    enum Behaviour: Sendable {
        /// Done at once.
        case normal
        /// Refused at once.
        case failure
        /// Done after this time.
        case delay(Duration)
        /// Done at once, but the answer is lost and the connection hangs.
        case lostAnswer
        /// Never done, never answered.
        case hang
    }

    struct Refused: Error {}

    /// A request as the server saw it.
    struct Request: Sendable, Hashable {
        var verb: String
        var holder: String?
        var at: MonotonicInstant
    }

    private struct State {
        var lease: JSONValue?
        var version: Int64 = 0
        var next: [Behaviour] = []
        var standing = Behaviour.normal
        var requests: [Request] = []
    }

    private let state = Mutex(State())
    private let time: any TimeSource

    init(_ time: any TimeSource) {
        self.time = time
    }

    /// The object on the server; setting it is another client's write.
    var lease: JSONValue? {
        get { state.withLock { $0.lease } }
        set {
            state.withLock { state in
                state.version += 1
                state.lease = newValue
                state.lease?.set(.string("\(state.version)"), at: ["metadata", "resourceVersion"])
            }
        }
    }

    /// What happens to all requests that are not scripted.
    var standing: Behaviour {
        get { state.withLock { $0.standing } }
        set { state.withLock { $0.standing = newValue } }
    }

    /// All requests so far.
    var requests: [Request] { state.withLock { $0.requests } }

    var verbs: [String] { requests.map(\.verb) }

    /// The field of the spec.
    func spec(_ field: String) -> JSONValue? {
        lease?.value(at: ["spec", field])
    }

    /// Scripts the next requests.
    func script(_ behaviours: Behaviour...) {
        state.withLock { $0.next += behaviours }
    }

    /// Writes the lease of another process.
    func hold(
        by holder: String,
        seconds: Int64 = 15,
        transitions: Int64 = 3,
        renewTime: String = "2026-01-01T00:00:00Z"
    ) {
        lease = [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": ["name": "controller", "namespace": "system", "labels": ["kept": "yes"]],
            "spec": [
                "holderIdentity": .string(holder), "leaseDurationSeconds": .number(JSONNumber(seconds)),
                "leaseTransitions": .number(JSONNumber(transitions)), "renewTime": .string(renewTime),
                "acquireTime": "2026-01-01T00:00:00.000000Z",
            ],
        ]
    }

    func read() async throws -> JSONValue? {
        try await serve("GET", nil) { $0.lease }
    }

    func create(_ lease: JSONValue) async throws -> JSONValue {
        let created = try await serve("POST", lease) { state in
            guard state.lease == nil else { throw Refused() }
            return Self.store(lease, &state)
        }
        return created ?? .null
    }

    func update(_ lease: JSONValue) async throws -> JSONValue {
        let updated = try await serve("PUT", lease) { state in
            guard let current = state.lease else { throw Refused() }
            let version = ["metadata", "resourceVersion"]
            guard current.value(at: version) == lease.value(at: version) else { throw LeaseConflict() }
            return Self.store(lease, &state)
        }
        return updated ?? .null
    }

    private static func store(_ lease: JSONValue, _ state: inout State) -> JSONValue {
        state.version += 1
        var stored = lease
        stored.set(.string("\(state.version)"), at: ["metadata", "resourceVersion"])
        state.lease = stored
        return stored
    }

    private func serve(
        _ verb: String,
        _ body: JSONValue?,
        _ change: (inout State) throws -> JSONValue?
    ) async throws -> JSONValue? {
        let holder = body?.value(at: ["spec", "holderIdentity"])?.stringValue
        let request = Request(verb: verb, holder: holder, at: time.now())
        let behaviour = state.withLock { state in
            state.requests.append(request)
            return state.next.isEmpty ? state.standing : state.next.removeFirst()
        }
        switch behaviour {
        case .normal: break
        case .failure: throw Refused()
        case .delay(let duration): try await time.sleep(for: duration)
        case .hang: try await time.sleep(for: .seconds(100_000))
        case .lostAnswer:
            _ = try state.withLock { try change(&$0) }
            try await time.sleep(for: .seconds(100_000))
        }
        return try state.withLock { try change(&$0) }
    }
}
