import KubernetesCore
import Timekeeping

/// The rules by which a reflector lists and watches, without doing either.
///
/// The shell asks ``nextStep(now:)`` what to do, does it, and reports how it went with one of the other methods. Rules:
/// - A list is consistent (no version asked) unless `initialListMayBeStale`; later lists ask for "not older than what I
///   saw", so that the cache never goes back in time, and fall back to a consistent one when the server does not have that.
/// - A closed watch is normal and goes on at the last version. Only an expired version (410), an unusable answer or
///   several very short watches in a row cost a new list (k/k#138552).
/// - One backoff serves all failures, so that failing list and watch calls together stay slow (k/k PR#118132).
struct ReflectorStateMachine: Sendable {
    /// What the shell does next.
    enum Step: Sendable, Equatable {
        case list(resourceVersion: String?, limit: Int?, reason: ListReason)
        case watch(resourceVersion: String, timeoutSeconds: Int)
        case pause(Duration)
    }

    /// Why a list is made; a label of its metric.
    enum ListReason: String, Sendable {
        /// Nothing is known yet.
        case initial
        /// The list before failed.
        case retry
        /// The last version is no longer, or not yet, known to the server.
        case expired
        /// Watches end at once, again and again.
        case shortWatches = "short_watches"
        /// The watch failed in another way.
        case watchFailed = "watch_failed"
    }

    /// How an attempt failed, as far as it matters here.
    enum Failure: Sendable, Equatable {
        /// 410: the version is too old.
        case expired
        /// The version is one that this server has not reached (k/k#91073).
        case tooLargeResourceVersion
        /// Not now: 429, or any failure for which the server said how long to wait.
        case throttled(Duration?)
        /// Connection errors and 5xx: the same again later.
        case transient
        /// Any other answer, such as 403 or 404.
        case rejected
    }

    /// How a watch ended that had been started.
    enum WatchEnd: Sendable, Equatable {
        /// The server closed the stream, as it does all the time.
        case closed
        /// Nothing came for too long: the connection is dead although nobody says so.
        case silent
        /// The connection broke.
        case broken
        /// The stream held something that is not an event.
        case garbled
        /// The server sent an ERROR event.
        case failed(Failure)
    }

    private enum Phase: Sendable {
        case listing(ListReason)
        case watching
    }

    /// Watches that end sooner than this without an event are short.
    static let shortWatch = Duration.seconds(1)
    /// This many short watches in a row are followed by a watch; one more by a list.
    static let toleratedShortWatches = 3
    /// How long after the last event a watch is dead, once a bookmark has shown that the server sends them each minute.
    static let inactivityLimit = Duration.seconds(180)
    /// How long a watch may live beyond the time after which the server was to end it.
    static let timeoutMargin = Duration.seconds(30)

    private let pageSize: Int
    private let initialListMayBeStale: Bool
    private var random: SeededGenerator
    private var backoff: Backoff
    private var phase = Phase.listing(.initial)
    private var pause: Duration?
    /// The server cannot serve the last version: ask for the newest state.
    private var isVersionUnavailable = false
    /// A list at version 0 came in pages, so this kind has no watch cache.
    private var isPaginated = false
    private var shortWatches = 0
    private var hasSeenBookmark = false
    private var watchStart = MonotonicInstant(nanoseconds: 0)
    private var watchDeadline = MonotonicInstant(nanoseconds: 0)
    private var watchTimeoutSeconds = 0
    private var eventsInWatch = 0
    /// The last version seen in a list, an object or a bookmark; nil before the first list.
    private(set) var lastResourceVersion: String?

    init(pageSize: Int = 500, initialListMayBeStale: Bool = false, seed: UInt64? = nil, backoff: Backoff = Backoff()) {
        self.pageSize = pageSize
        self.initialListMayBeStale = initialListMayBeStale
        self.backoff = backoff
        random = SeededGenerator(seed: seed)
    }

    /// What to do now.
    mutating func nextStep(now: MonotonicInstant) -> Step {
        if let pause {
            self.pause = nil
            return .pause(pause)
        }
        switch phase {
        case .listing(let reason):
            let version = versionToList
            return .list(resourceVersion: version, limit: pageLimit(at: version), reason: reason)
        case .watching:
            watchTimeoutSeconds = Int.random(in: 300..<600, using: &random)
            return .watch(resourceVersion: lastResourceVersion ?? "", timeoutSeconds: watchTimeoutSeconds)
        }
    }

    /// A list was read and the cache holds it.
    mutating func listed(resourceVersion: String, asked: String?, pages: Int) {
        isVersionUnavailable = false
        if asked == "0", pages > 1 { isPaginated = true }
        lastResourceVersion = resourceVersion
        shortWatches = 0
        phase = .watching
    }

    /// A list failed.
    mutating func listFailed(_ failure: Failure, now: MonotonicInstant) {
        switch failure {
        case .expired where !isVersionUnavailable, .tooLargeResourceVersion where !isVersionUnavailable:
            // At once: what can be asked for instead is known to work.
            isVersionUnavailable = true
            phase = .listing(.expired)
        case .throttled(let delay):
            rest(atLeast: delay, now: now)
            phase = .listing(.retry)
        case .expired, .tooLargeResourceVersion, .transient, .rejected:
            rest(now: now)
            phase = .listing(.retry)
        }
    }

    /// A watch was accepted.
    mutating func watchStarted(now: MonotonicInstant) {
        watchStart = now
        eventsInWatch = 0
        watchDeadline = now.advanced(by: .seconds(watchTimeoutSeconds) + Self.timeoutMargin)
    }

    /// When the running watch is to be given up if nothing more comes.
    func watchGivesUpAt(lastActivity: MonotonicInstant) -> MonotonicInstant {
        guard hasSeenBookmark else { return watchDeadline }
        return min(watchDeadline, lastActivity.advanced(by: Self.inactivityLimit))
    }

    /// A watch was refused, or the connection for it could not be made.
    mutating func watchRefused(_ failure: Failure, now: MonotonicInstant) {
        react(to: failure, now: now)
    }

    /// An object came, in the state of this version; deletions too carry the version of the deletion.
    mutating func received(resourceVersion: String) {
        eventsInWatch += 1
        if !resourceVersion.isEmpty { lastResourceVersion = resourceVersion }
    }

    /// A bookmark came.
    mutating func receivedBookmark(resourceVersion: String) {
        hasSeenBookmark = true
        received(resourceVersion: resourceVersion)
    }

    /// A running watch ended.
    ///
    /// - Returns: whether it was a very short one.
    @discardableResult
    mutating func watchEnded(_ end: WatchEnd, now: MonotonicInstant) -> Bool {
        let isQuick = watchStart.duration(to: now) < Self.shortWatch
        let isShort = isQuick && eventsInWatch == 0
        switch end {
        case .failed(.transient) where eventsInWatch == 0 && shortWatches >= Self.toleratedShortWatches:
            // The server fails at this version again and again; another one may be better.
            shortWatches = 0
            react(to: .rejected, now: now)
        case .failed(let failure):
            shortWatches = eventsInWatch == 0 ? shortWatches + 1 : 0
            react(to: failure, now: now)
        case .silent:
            shortWatches = 0
        case .closed where !isQuick:
            shortWatches = 0
        case .closed, .broken, .garbled:
            // Progress was made if anything came. A server that ends each watch at once must not be asked in a hot loop.
            shortWatches = eventsInWatch > 0 && end != .garbled ? 0 : shortWatches + 1
            rest(now: now)
            if shortWatches > Self.toleratedShortWatches {
                shortWatches = 0
                phase = .listing(.shortWatches)
            }
        }
        return isShort && end == .closed
    }

    /// What a failure costs: nothing but time when the version can still be used, else a list.
    private mutating func react(to failure: Failure, now: MonotonicInstant) {
        switch failure {
        case .expired:
            rest(now: now)
            phase = .listing(.expired)
        case .tooLargeResourceVersion:
            rest(now: now)
            isVersionUnavailable = true
            phase = .listing(.expired)
        case .throttled(let delay):
            rest(atLeast: delay, now: now)
        case .transient:
            rest(now: now)
        case .rejected:
            rest(now: now)
            phase = .listing(.watchFailed)
        }
    }

    private mutating func rest(atLeast delay: Duration? = nil, now: MonotonicInstant) {
        pause = max(delay ?? .zero, backoff.next(now: now, using: &random))
    }

    /// nil for the newest state.
    private var versionToList: String? {
        if isVersionUnavailable { return nil }
        return lastResourceVersion ?? (initialListMayBeStale ? "0" : nil)
    }

    /// 0 for no limit: a list at a minimum version then comes from the watch cache and spares etcd.
    private func pageLimit(at version: String?) -> Int {
        if isPaginated { return pageSize }
        return (version ?? "").isEmpty || version == "0" ? pageSize : 0
    }
}
