import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite("Watchdog", .timeLimit(.minutes(1)))
struct WatchdogTests {
    private let time = SystemTimeSource()

    @Test func `it acts once when the deadline passes`() async throws {
        let acted = Promise<Void>()
        let watchdog = Watchdog { acted.fulfil() }
        watchdog.arm(until: time.now().advanced(by: .milliseconds(5)))
        try await acted.value()
    }

    @Test func `it acts at once when the deadline lies in the past`() async throws {
        let acted = Promise<Void>()
        let watchdog = Watchdog { acted.fulfil() }
        watchdog.arm(until: time.now().advanced(by: .seconds(-1)))
        try await acted.value()
    }

    @Test func `it looks again at a deadline that has moved`() {
        var state = Watchdog.State(deadline: MonotonicInstant(nanoseconds: 100))
        #expect(state.next(now: MonotonicInstant(nanoseconds: 99)) == .sleep(MonotonicInstant(nanoseconds: 100)))
        state.deadline = MonotonicInstant(nanoseconds: 200)
        #expect(state.next(now: MonotonicInstant(nanoseconds: 100)) == .sleep(MonotonicInstant(nanoseconds: 200)))
        #expect(state.next(now: MonotonicInstant(nanoseconds: 200)) == .act)
        #expect(state.deadline == nil)
    }

    @Test func `its thread ends when it is not armed`() {
        var state = Watchdog.State()
        #expect(state.next(now: MonotonicInstant(nanoseconds: .max)) == .end)
    }

    @Test func `it can be armed again after it has acted`() async throws {
        let signal = Signal()
        let watchdog = Watchdog { signal.send() }
        for _ in 0..<3 {
            watchdog.arm(until: time.now())
            try await signal.wait()
        }
    }

    @Test func `an elector arms it at each renewal and disarms it at the end`() async throws {
        let fired = Promise<Void>()
        let watchdog = Watchdog { fired.fulfil() }
        var configuration = Replica.configuration()
        configuration.leaseDuration = .seconds(3600)
        let elector = try LeaderElector(
            configuration: configuration,
            store: ScriptedLease(time),
            context: RuntimeContext(timeSource: time),
            watchdog: watchdog
        )
        try await elector.run {
            #expect(watchdog.deadline != nil)
        }
        #expect(watchdog.deadline == nil)
        #expect(!fired.isFulfilled)
    }
}
