internal import Synchronization

/// The faults that are injected into requests, for tests and demonstrations.
///
/// Chances come from a seed and the number of requests that a rule has seen, so that the same requests in the same
/// order meet the same faults, whatever other requests come between them.
///
/// ```swift
/// let faults = FaultPlan(store: store, watches: hub, rules: [try FaultRule(parsing: "status=500 rate=0.1")])
/// let decision = faults.decide(info, userAgent: request.header("User-Agent") ?? "")
/// ```
package final class FaultPlan: Sendable {
    /// What happens to a request.
    package struct Decision: Sendable, Hashable {
        /// How long it waits first.
        package var delay = Duration.zero
        /// Whether the connection is then reset without an answer (`HTTPServerResponse.none`).
        package var isRefused = false
        /// What it is then answered instead of the truth.
        package var failure: APIFailure?
        /// What happens to the watch that it begins.
        package var watch = WatchFault.none
    }

    /// A rule and what became of it.
    struct Entry: Sendable {
        var rule: FaultRule
        /// How many requests it was about.
        var seen: UInt64 = 0
        /// How many it hit.
        var hit = 0
    }

    struct State: Sendable {
        var seed: UInt64
        var entries: [Entry]
    }

    let store: ObjectStore
    let watches: WatchHub
    let state: Mutex<State>

    /// Makes a plan.
    ///
    /// - Parameters:
    ///   - store: What is compacted on demand.
    ///   - watches: What is cut on demand.
    ///   - seed: Where the chances come from.
    ///   - rules: What goes wrong from the beginning.
    package init(store: ObjectStore, watches: WatchHub, seed: UInt64 = 1, rules: [FaultRule] = []) {
        self.store = store
        self.watches = watches
        state = Mutex(State(seed: seed, entries: rules.map { Entry(rule: $0) }))
    }

    /// Decides what happens to a request; to be asked once for each, before anything else is done with it.
    ///
    /// Delays of several rules add up; of other faults the first one counts. The admin endpoint is never hit.
    package func decide(_ info: RequestInfo, userAgent: String = "") -> Decision {
        guard info.path != Self.path else { return Decision() }
        return state.withLock { state in
            var decision = Decision()
            for index in state.entries.indices where state.strikes(index, info, userAgent) {
                let rule = state.entries[index].rule
                decision.delay += rule.latency
                decision.isRefused = decision.isRefused || rule.isRefused
                if decision.failure == nil { decision.failure = rule.failure(info) }
                if decision.watch.kind == nil { decision.watch = rule.watch }
            }
            return decision
        }
    }
}

extension FaultPlan.State {
    /// Whether a rule hits a request that it may be about.
    fileprivate mutating func strikes(_ index: Int, _ info: RequestInfo, _ userAgent: String) -> Bool {
        let rule = entries[index].rule
        guard rule.concerns(info, userAgent: userAgent) else { return false }
        let turn = entries[index].seen
        entries[index].seen += 1
        guard entries[index].hit < rule.count ?? .max, chance(UInt64(index), turn) < rule.rate else { return false }
        entries[index].hit += 1
        return true
    }

    /// A number from 0 up to 1 that depends on nothing but the seed, the rule and the turn (SplitMix64's mixing).
    private func chance(_ index: UInt64, _ turn: UInt64) -> Double {
        var bits = seed &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15 &+ turn &* 0xD1B5_4A32_D192_ED03
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
        return Double(bits >> 11) * 0x1p-53
    }
}

extension FaultRule {
    /// The answer with the rule's status, as a server in that trouble words it.
    fileprivate func failure(_ info: RequestInfo) -> APIFailure? {
        guard let status else { return nil }
        let resource = ResourceID(group: info.group, plural: info.plural)
        var failure =
            switch status {
            case 401: APIFailure.unauthorized
            case 403: APIFailure.forbidden(resource, name: info.name, Self.why)
            case 404: APIFailure.notFound(resource, name: info.name)
            case 409: APIFailure.conflict(resource, name: info.name, Self.why)
            case 410: APIFailure.expired("too old resource version: \(Self.why)")
            case 429: APIFailure.generic(429, "TooManyRequests", "Too many requests, please try again later.")
            case 500: APIFailure.internalError(Self.why)
            case 503:
                APIFailure.generic(503, "ServiceUnavailable", "the server is currently unable to handle the request")
            case 504:
                APIFailure.generic(504, "Timeout", "Timeout: request did not complete within the allotted timeout")
            default: APIFailure(code: status, reason: "", message: Self.why)
            }
        failure.retryAfterSeconds = retryAfterSeconds ?? (status == 429 ? 1 : nil)
        return failure
    }

    private static let why = "a fault was injected"
}
