import FoundationEssentials
import JSON
import Timekeeping

/// What a replica knows about the lease, and what it does next; no clock, no client.
///
/// One attempt is a short chain: ``begin(now:wall:)`` gives the first step, the shell performs it and reports with
/// one of the other methods, which give the next, until the step is `finished`.
///
///     candidate: read -> finished(heldByOther) | update -> written -> finished(held)
///                read (404) -> create -> written -> finished(held)
///     leader:    update (fast) -> written -> finished(held)
///                update (fast) -> failed -> read -> update | create | finished(takenOver)
///
/// The clocks of other machines are never trusted: a foreign lease runs from the moment at which this process saw it
/// change, on this process's monotonic clock.
struct LeaderElectionState: Sendable {
    /// What to do next in an attempt.
    enum Step: Sendable, Hashable {
        /// GET the lease.
        case read
        /// POST this lease.
        case create(JSONValue)
        /// PUT this lease with the resourceVersion in it.
        case update(JSONValue)
        /// The attempt is over.
        case finished(Outcome)
    }

    /// How an attempt ended.
    enum Outcome: Sendable, Hashable {
        /// This process holds the lease and has just renewed it.
        case held
        /// Another one does, and its time is not over.
        case heldByOther(String)
        /// This process led, and another one has led since.
        case takenOver(by: String)
        /// The server did not play along; nothing is known.
        case failed
    }

    /// One reign of this process.
    private struct Term: Sendable, Hashable {
        var transitions: Int64
        var acquireTime: JSONValue
    }

    let configuration: LeaderElectionConfiguration
    /// The whole object as last seen, so that a PUT keeps what others added to it.
    private var lease: JSONValue?
    private var observedAt = MonotonicInstant(nanoseconds: .min)
    private var term: Term?
    /// Whether the step in work is a PUT without a GET before it.
    private var isFastPath = false
    /// When the request of the last successful renewal was sent: the lease runs from then at the latest.
    private(set) var renewedAt: MonotonicInstant?
    /// Whether the lease may name this process as its holder: it sent a write, answered or not.
    private(set) var mayHoldLease = false

    init(configuration: LeaderElectionConfiguration) {
        self.configuration = configuration
    }

    /// Whether this process leads.
    var isLeading: Bool { term != nil }

    /// The number of changes of leader when this term began: it only grows from term to term.
    var fencingToken: Int64? { term?.transitions }

    /// The holder as last seen; empty when there is none.
    var observedHolder: String { Self.holder(of: lease) }

    /// Until when a leader may write.
    var writeDeadline: MonotonicInstant? { renewedAt?.advanced(by: configuration.renewDeadline) }

    /// When a leader that cannot renew gives up.
    var lossDeadline: MonotonicInstant? { renewedAt?.advanced(by: configuration.lossDeadline) }

    /// Starts an attempt to get or to keep the lease.
    mutating func begin(now: MonotonicInstant, wall: Date) -> Step {
        let isLocallyValid = now < observedAt.advanced(by: configuration.leaseDuration)
        guard let term, let lease, Self.holder(of: lease) == configuration.identity, isLocallyValid else {
            isFastPath = false
            return .read
        }
        isFastPath = true
        return write(lease, term: term, wall: wall, step: Step.update)
    }

    /// The answer of a GET; nil when there is no such lease.
    mutating func read(_ found: JSONValue?, now: MonotonicInstant, wall: Date) -> Step {
        guard let found else { return create(wall: wall) }
        if found["spec"] != lease?["spec"] || lease == nil { observedAt = now }
        lease = found
        let holder = Self.holder(of: found)
        let transitions = Self.transitions(of: found) ?? 0
        if let term {
            // Whoever takes a lease over counts its transitions up, so a term that is the same was not interrupted.
            let isSameTerm = transitions == term.transitions && (holder == configuration.identity || holder.isEmpty)
            guard isSameTerm else { return .finished(.takenOver(by: holder)) }
            return write(found, term: term, wall: wall, step: Step.update)
        }
        let isOthers = !holder.isEmpty && holder != configuration.identity
        guard !isOthers || now >= observedAt.advanced(by: duration(of: found)) else {
            return .finished(.heldByOther(holder))
        }
        return write(found, term: newTerm(after: transitions, wall: wall), wall: wall, step: Step.update)
    }

    /// A POST or PUT succeeded.
    ///
    /// - Parameters:
    ///   - written: The lease as the server answered.
    ///   - sentAt: When the request was sent; validity counts from there.
    ///   - now: The present.
    /// - Returns: That the attempt is over.
    mutating func written(_ written: JSONValue, sentAt: MonotonicInstant, now: MonotonicInstant) -> Step {
        lease = written
        observedAt = now
        renewedAt = sentAt
        if term == nil {
            term = Term(
                transitions: Self.transitions(of: written) ?? 0,
                acquireTime: written.value(at: ["spec", "acquireTime"]) ?? .null
            )
        }
        return .finished(.held)
    }

    /// The request of the present step failed, was refused or was not answered in time.
    mutating func failed() -> Step {
        guard isFastPath else { return .finished(.failed) }
        isFastPath = false
        return .read
    }

    /// Ends the term: from now on nothing is valid.
    mutating func stepDown() {
        term = nil
        renewedAt = nil
    }

    /// The lease without a holder, for the answer of a GET at a voluntary stop; nil when there is nothing to give back.
    func released(_ found: JSONValue?, wall: Date) -> JSONValue? {
        guard var lease = found, Self.holder(of: lease) == configuration.identity else { return nil }
        let stamp = Self.stamp(wall)
        lease.set("", at: ["spec", "holderIdentity"])
        lease.set(.number(JSONNumber(1)), at: ["spec", "leaseDurationSeconds"])
        lease.set(stamp, at: ["spec", "acquireTime"])
        lease.set(stamp, at: ["spec", "renewTime"])
        return lease
    }

    private mutating func create(wall: Date) -> Step {
        // A lease that somebody deleted keeps counting where it was, for the sake of the fencing token.
        let known = Self.transitions(of: lease)
        let term = term ?? known.map { newTerm(after: $0, wall: wall) } ?? newTerm(after: -1, wall: wall)
        let lease: JSONValue = [
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": ["name": .string(configuration.leaseName), "namespace": .string(configuration.namespace)],
        ]
        return write(lease, term: term, wall: wall, step: Step.create)
    }

    private func newTerm(after transitions: Int64, wall: Date) -> Term {
        Term(transitions: max(-1, min(transitions, .max - 1)) + 1, acquireTime: Self.stamp(wall))
    }

    /// The step that makes `base` say that this process holds it in `term`.
    private mutating func write(_ base: JSONValue, term: Term, wall: Date, step: (JSONValue) -> Step) -> Step {
        let (seconds, attoseconds) = configuration.leaseDuration.components
        var lease = base
        if lease["spec"]?.objectValue == nil { lease["spec"] = .object([:]) }
        lease.set(.string(configuration.identity), at: ["spec", "holderIdentity"])
        lease.set(.number(JSONNumber(seconds + (attoseconds > 0 ? 1 : 0))), at: ["spec", "leaseDurationSeconds"])
        lease.set(term.acquireTime, at: ["spec", "acquireTime"])
        lease.set(Self.stamp(wall), at: ["spec", "renewTime"])
        lease.set(.number(JSONNumber(term.transitions)), at: ["spec", "leaseTransitions"])
        mayHoldLease = true
        return step(lease)
    }

    /// How long the writer of `lease` wants it to be respected; our own setting when it does not say.
    private func duration(of lease: JSONValue) -> Duration {
        guard let seconds = lease.value(at: ["spec", "leaseDurationSeconds"])?.intValue else {
            return configuration.leaseDuration
        }
        return .seconds(seconds)
    }

    private static func holder(of lease: JSONValue?) -> String {
        lease?.value(at: ["spec", "holderIdentity"])?.stringValue ?? ""
    }

    private static func transitions(of lease: JSONValue?) -> Int64? {
        guard let lease else { return nil }
        return lease.value(at: ["spec", "leaseTransitions"])?.intValue ?? 0
    }

    /// A MicroTime.
    private static func stamp(_ date: Date) -> JSONValue {
        RFC3339.string(from: date, fractionDigits: 6).map { .string($0) } ?? .null
    }
}
