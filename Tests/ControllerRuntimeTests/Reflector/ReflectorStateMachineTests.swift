import KubernetesCore
import Testing
import Timekeeping

@testable import ControllerRuntime

/// The rules of section 1.1 of the reference, without a server.
struct ReflectorStateMachineTests {
    private typealias Machine = ReflectorStateMachine

    private var machine = Machine(seed: 1)
    private var now = MonotonicInstant(nanoseconds: 0)

    /// The next step that is no pause; pauses pass.
    private mutating func step() -> Machine.Step {
        while true {
            let step = machine.nextStep(now: now)
            guard case .pause(let duration) = step else { return step }
            now = now.advanced(by: duration)
        }
    }

    private mutating func pause() -> Duration? {
        guard case .pause(let duration) = machine.nextStep(now: now) else { return nil }
        now = now.advanced(by: duration)
        return duration
    }

    /// Lists and starts a watch.
    private mutating func startWatching(at version: String = "100") {
        _ = step()
        machine.listed(resourceVersion: version, asked: nil, pages: 1)
        startWatch()
    }

    private mutating func startWatch() {
        _ = step()
        machine.watchStarted(now: now)
    }

    private mutating func isListing() -> Bool {
        if case .list = step() { true } else { false }
    }

    @Test mutating func `the first list is consistent and paged, and the watch starts at its version`() {
        #expect(step() == .list(resourceVersion: nil, limit: 500, reason: .initial))
        machine.listed(resourceVersion: "100", asked: nil, pages: 3)
        guard case .watch("100", let seconds) = step() else {
            Issue.record("no watch")
            return
        }
        #expect((300..<600).contains(seconds))
    }

    @Test mutating func `the first list may come from the cache when that is allowed`() {
        machine = Machine(initialListMayBeStale: true, seed: 1)
        #expect(step() == .list(resourceVersion: "0", limit: 500, reason: .initial))
        // It came in pages, so there is no watch cache: later lists are paged too.
        machine.listed(resourceVersion: "100", asked: "0", pages: 2)
        startWatch()
        machine.watchEnded(.failed(.expired), now: now)
        #expect(step() == .list(resourceVersion: "100", limit: 500, reason: .expired))
    }

    // Bug 7 (k/k#59848): the cache must not go back in time.
    @Test mutating func `after an expired watch the list must not be older than what was seen, and has no limit`() {
        startWatching()
        machine.received(resourceVersion: "120")
        machine.watchEnded(.failed(.expired), now: now)
        #expect(step() == .list(resourceVersion: "120", limit: 0, reason: .expired))
    }

    // Bug 6 (k/k#107133, #91073): one consistent list, at once, then normal again.
    @Test(arguments: [ReflectorStateMachine.Failure.expired, .tooLargeResourceVersion])
    mutating func `a list whose version the server cannot serve is made again at once for the newest state`(
        failure: ReflectorStateMachine.Failure
    ) {
        startWatching()
        machine.watchEnded(.failed(.expired), now: now)
        _ = step()
        machine.listFailed(failure, now: now)
        #expect(machine.nextStep(now: now) == .list(resourceVersion: nil, limit: 500, reason: .expired))
        // A second failure in a row must wait.
        machine.listFailed(failure, now: now)
        #expect(pause() != nil)
        #expect(step() == .list(resourceVersion: nil, limit: 500, reason: .retry))
        machine.listed(resourceVersion: "7", asked: nil, pages: 1)
        startWatch()
        machine.watchEnded(.failed(.expired), now: now)
        #expect(step() == .list(resourceVersion: "7", limit: 0, reason: .expired))
    }

    @Test mutating func `a watch at a version that the server has not reached leads to a consistent list`() {
        startWatching()
        machine.watchEnded(.closed, now: now.advanced(by: .seconds(60)))
        _ = step()
        machine.watchRefused(.tooLargeResourceVersion, now: now)
        #expect(step() == .list(resourceVersion: nil, limit: 500, reason: .expired))
    }

    // Bug 5 (k/k#58545): deletions carry the version of the deletion, and bookmarks count too.
    @Test mutating func `a closed watch goes on at once at the last version seen`() {
        startWatching()
        machine.received(resourceVersion: "101")
        machine.receivedBookmark(resourceVersion: "150")
        machine.watchEnded(.closed, now: now.advanced(by: .seconds(10)))
        guard case .watch("150", _) = machine.nextStep(now: now) else {
            Issue.record("not at once, or not at 150")
            return
        }
    }

    // Bug 9 (k/k#138552): three short watches cost no list, a fourth one does.
    @Test mutating func `short watches are made again after a pause, and only a fourth one leads to a list`() {
        startWatching()
        for _ in 0..<3 {
            let wasShort = machine.watchEnded(.closed, now: now)
            #expect(wasShort)
            #expect(pause() != nil)
            #expect(!isListing())
            startWatch()
        }
        machine.watchEnded(.closed, now: now)
        #expect(pause() != nil)
        #expect(step() == .list(resourceVersion: "100", limit: 0, reason: .shortWatches))
    }

    @Test mutating func `a watch with an event or of some length ends a row of short ones`() {
        startWatching()
        for round in 0..<20 {
            if round % 3 == 2 { machine.received(resourceVersion: "101") }
            machine.watchEnded(.closed, now: now)
            #expect(!isListing())
            startWatch()
        }
        for round in 0..<20 {
            machine.watchEnded(.closed, now: now.advanced(by: round % 3 == 0 ? .seconds(2) : .zero))
            #expect(!isListing())
            startWatch()
        }
    }

    // Bug 28 (javascript#1933): immediate ends, with or without events, never make a hot loop.
    @Test(arguments: [false, true])
    mutating func `watches that end at once are asked for at the rate of the backoff`(hasEvent: Bool) {
        startWatching()
        var steps = 0
        let end = now.advanced(by: .seconds(600))
        while now < end {
            if hasEvent { machine.received(resourceVersion: "101") }
            machine.watchEnded(.closed, now: now)
            if case .list = step() { machine.listed(resourceVersion: "100", asked: nil, pages: 1) }
            startWatch()
            steps += 1
        }
        #expect(steps < 30)
    }

    @Test(arguments: [ReflectorStateMachine.WatchEnd.broken, .garbled])
    mutating func `a broken or garbled stream is watched again at the same version after a pause`(
        end: ReflectorStateMachine.WatchEnd
    ) {
        startWatching()
        machine.received(resourceVersion: "130")
        machine.watchEnded(end, now: now.advanced(by: .seconds(30)))
        #expect(pause() != nil)
        guard case .watch("130", _) = step() else {
            Issue.record("no watch at 130")
            return
        }
    }

    @Test mutating func `an event that can never be read leads to a list after four tries`() {
        startWatching()
        for _ in 0..<3 {
            machine.watchEnded(.garbled, now: now)
            #expect(!isListing())
            startWatch()
        }
        machine.watchEnded(.garbled, now: now)
        #expect(isListing())
    }

    @Test mutating func `a refused watch: time for transient failures, a list for rejected ones`() {
        startWatching()
        for failure in [Machine.Failure.transient, .throttled(nil)] {
            machine.watchEnded(.silent, now: now)
            _ = step()
            machine.watchRefused(failure, now: now)
            #expect(pause() != nil)
            guard case .watch("100", _) = step() else {
                Issue.record("no watch after \(failure)")
                return
            }
        }
        machine.watchRefused(.rejected, now: now)
        #expect(pause() != nil)
        #expect(step() == .list(resourceVersion: "100", limit: 0, reason: .watchFailed))
    }

    @Test mutating func `an ERROR event of a failing server is bounded: after three empty watches comes a list`() {
        startWatching()
        for _ in 0..<3 {
            machine.watchEnded(.failed(.transient), now: now)
            #expect(!isListing())
            startWatch()
        }
        machine.watchEnded(.failed(.transient), now: now)
        #expect(isListing())
    }

    @Test mutating func `the server's wish for a longer pause is granted`() {
        _ = step()
        machine.listFailed(.throttled(.seconds(77)), now: now)
        #expect(pause() == .seconds(77))
        #expect(step() == .list(resourceVersion: nil, limit: 500, reason: .retry))
        machine.listFailed(.throttled(.zero), now: now)
        #expect((pause() ?? .zero) >= .milliseconds(800))
    }

    // Bug 8 (k/k#118132): lists and watches share one backoff.
    @Test mutating func `failures of lists and watches together make the pauses longer`() {
        var pauses: [Duration] = []
        for _ in 0..<3 {
            _ = step()
            machine.listFailed(.transient, now: now)
            pauses.append(pause() ?? .zero)
        }
        _ = step()
        machine.listed(resourceVersion: "1", asked: nil, pages: 1)
        _ = step()
        machine.watchRefused(.transient, now: now)
        pauses.append(pause() ?? .zero)
        #expect(pauses.last ?? .zero >= .milliseconds(6400))
    }

    // Bugs 1 and 2: silence. Before the first bookmark only the hard cap counts, then the time since the last event.
    @Test mutating func `a silent watch is given up, soon once bookmarks are known to come`() {
        startWatching()
        let cap = machine.watchGivesUpAt(lastActivity: now)
        #expect(cap >= now.advanced(by: .seconds(330)))
        #expect(cap < now.advanced(by: .seconds(630)))
        machine.receivedBookmark(resourceVersion: "101")
        #expect(machine.watchGivesUpAt(lastActivity: now) == now.advanced(by: .seconds(180)))
        let late = now.advanced(by: .seconds(590))
        #expect(machine.watchGivesUpAt(lastActivity: late) == cap)
        machine.watchEnded(.silent, now: late)
        guard case .watch("101", _) = machine.nextStep(now: late) else {
            Issue.record("not watched again at once")
            return
        }
    }
}
