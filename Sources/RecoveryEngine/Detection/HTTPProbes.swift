internal import HTTPTransport
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization
internal import Timekeeping

/// Sends the requests of all HTTP probes that policies name, each at its interval, for as long as a policy names it.
///
/// A URL in a policy is a tenant's: it leads nowhere that the address rule refuses, by its text, and by the address that
/// its name has at the moment of the connection. Redirects are not followed. A probe waits for the network, not for other
/// probes; where too many wait at one time it leaves a turn out, and then nothing is known of its target.
final class HTTPProbes: Sendable {
    /// What the probes work with.
    struct Environment: Sendable {
        var transport: any HTTPTransport
        var addresses: AddressRule
        var timeSource: any TimeSource
        /// How many requests may be under way, and how many of one namespace: others' black holes leave room.
        var limits = (all: 256, namespace: 64)
    }

    private struct Key: Sendable, Hashable {
        var policy: ObjectKey
        var probe: HTTPProbe

        var namespace: String { policy.namespace ?? "" }
    }

    /// One probe at work.
    private final class Run: Sendable {
        let record = Mutex(ProbeRecord())
        let ended = Latch()
    }

    private struct State: Sendable {
        var runs: [Key: Run] = [:]
        var unstarted: [(key: Key, run: Run)] = []
        /// Requests under way, by namespace.
        var underWay: [String: Int] = [:]
    }

    /// The most bytes of an answer that are read: what is longer is no answer to a health check.
    private static let maxAnswerBytes = 1 << 20

    private let environment: Environment
    private let onNews: @Sendable (ObjectKey) -> Void
    private let state = Mutex(State())
    private let newRuns = Signal()

    /// Makes probes that ask nobody.
    ///
    /// - Parameters:
    ///   - environment: how to ask.
    ///   - onNews: called for a policy of which a probe shows something else than before; must not wait.
    init(_ environment: Environment, onNews: @escaping @Sendable (ObjectKey) -> Void) {
        self.environment = environment
        self.onNews = onNews
    }

    /// Asks until cancelled.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        defer { state.withLock { $0 = State() } }
        try await newRuns.runEach(
            of: { state.withLock { $0.unstarted.takeAll() } },
            run: { try await self.run($0.run, $0.key) }
        )
    }

    /// Sends these probes for a policy, and no others for it from now on.
    func follow(_ probes: [HTTPProbe], for policy: ObjectKey) {
        let wanted = Set(probes.map { Key(policy: policy, probe: $0) })
        let ended = state.withLock { state in
            for key in wanted where state.runs[key] == nil {
                let run = Run()
                state.runs[key] = run
                state.unstarted.append((key, run))
            }
            let ended = state.runs.filter { $0.key.policy == policy && !wanted.contains($0.key) }
            for key in ended.keys { state.runs[key] = nil }
            return ended.values.map(\.ended)
        }
        for latch in ended { latch.open() }
        newRuns.send()
    }

    /// What a probe has shown; nil before it was named.
    func record(of probe: HTTPProbe, for policy: ObjectKey) -> ProbeRecord? {
        let run = state.withLock { $0.runs[Key(policy: policy, probe: probe)] }
        return run?.record.withLock { $0 }
    }

    private func run(_ run: Run, _ key: Key) async throws {
        try await untilOpen(run.ended) { try await self.repeatedly(run, key) }
    }

    private func repeatedly(_ run: Run, _ key: Key) async throws {
        let interval = Duration.seconds(max(1, key.probe.effectiveIntervalSeconds))
        while true {
            let next = environment.timeSource.now().advanced(by: interval)
            let outcome = try await outcome(key)
            let isNews = run.record.withLock { record in
                let before = record
                switch outcome {
                case .answered(let failure): record.note(failure, key.probe)
                case .notSent(let problem): record.noteGap(problem)
                }
                return record.verdict != before.verdict || record.isSuspect != before.isSuspect
                    || record.isSeen != before.isSeen || record.problem != before.problem
            }
            if isNews { onNews(key.policy) }
            try await environment.timeSource.sleep(until: next)
        }
    }

    private func takePlace(_ key: Key) -> Bool {
        state.withLock { state in
            let all = state.underWay.values.reduce(0, +)
            let own = state.underWay[key.namespace] ?? 0
            guard all < environment.limits.all, own < environment.limits.namespace else { return false }
            state.underWay[key.namespace] = own + 1
            return true
        }
    }

    private enum Outcome: Sendable {
        /// With what was wrong, if anything was.
        case answered(TargetFailure?)
        case notSent(String)
    }

    private func outcome(_ key: Key) async throws -> Outcome {
        guard takePlace(key) else { return .notSent("too many requests of HTTP probes are under way") }
        defer {
            state.withLock { state in
                let left = (state.underWay[key.namespace] ?? 1) - 1
                state.underWay[key.namespace] = left > 0 ? left : nil
            }
        }
        return try await ask(key.probe)
    }

    private func ask(_ probe: HTTPProbe) async throws -> Outcome {
        let timeout = Duration.seconds(max(1, probe.effectiveTimeoutSeconds))
        var request = HTTPRequest(
            url: probe.url,
            headers: [HTTPHeader(name: "User-Agent", value: "tmc-recovery-probe")],
            timeouts: HTTPTimeouts(connect: timeout, total: timeout),
            maxResponseBytes: Self.maxAnswerBytes
        )
        request.mayConnect = { [addresses = environment.addresses] in addresses.problem(address: $0) == nil }
        do {
            let answer = try await environment.transport.perform(request)
            let isExpected = probe.expectedStatus.map { $0 == answer.status } ?? (200..<400).contains(answer.status)
            return .answered(
                isExpected
                    ? nil
                    : TargetFailure(reason: "UnexpectedStatus", message: "\(probe.url) answered \(answer.status)")
            )
        } catch let error as HTTPTransportError {
            try Task.checkCancellation()
            switch error.layer {
            // Among them an address that the rule refuses.
            case .url, .proxy, .cancelled, .shutdown, .local: return .notSent("\(error)")
            case .dns, .tcp, .tls, .http, .timeout, .tooLarge:
                return .answered(TargetFailure(reason: "NoAnswer", message: "\(probe.url): \(error)"))
            }
        }
    }
}
