internal import KubernetesClient
internal import Synchronization
internal import Timekeeping

/// Lets few syncs at one time into each member, and none for a while into one that did not answer, so that a dead member
/// takes workers away from the others for a short time only.
final class MemberGate: Sendable {
    /// What a sync that wants to begin is told.
    enum Entry: Sendable, Hashable {
        /// It may; it has to call `leave` afterwards.
        case open
        /// Others are at it; the key comes back from a later `next`.
        case parked
        /// The member did not answer a while ago.
        case closed(Duration)
    }

    private struct Member {
        var running = 0
        /// In the order of arrival.
        var parked: [SyncKey] = []
        var isParked: Set<SyncKey> = []
        var failures = 0
        var closedUntil: MonotonicInstant?

        mutating func close(now: MonotonicInstant) {
            failures = min(failures + 1, 10)
            closedUntil = now.advanced(by: min(MemberGate.longestPause, .seconds(1 << (failures - 1))))
        }
    }

    /// How many syncs one member gets at one time.
    static let maxPerMember = 4
    private static let longestPause = Duration.seconds(60)

    private let members = Mutex<[String: Member]>([:])

    /// Asks to begin.
    func enter(_ key: SyncKey, now: MonotonicInstant) -> Entry {
        members.withLock { members in
            var member = members[key.cluster] ?? Member()
            defer { members[key.cluster] = member }
            if let until = member.closedUntil, now < until { return .closed(now.duration(to: until)) }
            guard member.running < Self.maxPerMember else {
                if member.isParked.insert(key).inserted { member.parked.append(key) }
                return .parked
            }
            member.running += 1
            return .open
        }
    }

    /// Ends what `enter` has let begin.
    ///
    /// - Parameters:
    ///   - cluster: the member.
    ///   - hasAnswered: whether it did; otherwise it is left alone for a second, then for longer and longer.
    ///   - now: when.
    func leave(_ cluster: String, hasAnswered: Bool, now: MonotonicInstant) {
        members.withLock { members in
            var member = members[cluster] ?? Member()
            defer { members[cluster] = member }
            member.running = max(0, member.running - 1)
            if hasAnswered {
                member.failures = 0
                member.closedUntil = nil
            } else {
                member.close(now: now)
            }
        }
    }

    /// Takes as many of the keys that were told to wait as may begin now.
    ///
    /// To be called after every look at a member, also one that came to nothing before it entered: a key that was taken
    /// here and did not enter gives its turn to the next one.
    func next(_ cluster: String) -> [SyncKey] {
        members.withLock { members in
            guard var member = members[cluster], !member.parked.isEmpty else { return [] }
            defer { members[cluster] = member }
            let keys = Array(member.parked.prefix(max(0, Self.maxPerMember - member.running)))
            member.parked.removeFirst(keys.count)
            member.isParked.subtract(keys)
            return keys
        }
    }

    /// Notes that a member did not answer to somebody who had not entered.
    func close(_ cluster: String, now: MonotonicInstant) {
        members.withLock { $0[cluster, default: Member()].close(now: now) }
    }

    /// How long a member is left alone from now on; nil when it may be asked.
    func pause(of cluster: String, now: MonotonicInstant) -> Duration? {
        guard let until = members.withLock({ $0[cluster]?.closedUntil }), now < until else { return nil }
        return now.duration(to: until)
    }

    /// Forgets what a member did: it is ready again, or gone.
    func reset(_ cluster: String) {
        members.withLock { members in
            members[cluster]?.failures = 0
            members[cluster]?.closedUntil = nil
        }
    }
}

extension ClientError {
    /// Whether a server said nothing at all: it did not answer, or there was no credential to ask it with.
    var isUnanswered: Bool {
        if case .credentials = self { return true }
        return transportError != nil
    }
}
