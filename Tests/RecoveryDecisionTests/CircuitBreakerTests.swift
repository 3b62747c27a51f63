import FoundationEssentials
import RecoveryAPI
import RecoveryDecision
import Testing

struct CircuitBreakerTests {
    private static func settings(_ change: (inout CircuitBreakerSettings) -> Void = { _ in }) -> CircuitBreakerSettings
    {
        var settings = CircuitBreakerSettings()
        settings.failureThreshold = 3
        settings.openSeconds = 100
        settings.maxOpenSeconds = 300
        settings.halfOpenMaxSeconds = 50
        change(&settings)
        return settings
    }

    private static func closed(_ settings: CircuitBreakerSettings) -> CircuitBreaker {
        CircuitBreaker(BreakerStatus(scope: .strategy, key: "Generic"), settings: settings)
    }

    private static func action(_ number: Int, at time: Date = start) -> BreakerProbe {
        BreakerProbe(recovery: "r\(number)", recoveryUID: "uid-\(number)", attempt: 1, since: time)
    }

    /// Records calls that each took `seconds`, one second apart: `+` succeeded, `-` failed.
    private static func record(
        _ calls: String,
        in breaker: inout CircuitBreaker,
        from first: Double = 0,
        seconds: Int = 1,
        isRedeployment: Bool = false
    ) {
        for (index, word) in calls.enumerated() {
            let call = BreakerCall(time: at(first + Double(index)), success: word == "+", seconds: seconds)
            breaker.record(call, by: action(index, at: at(first + Double(index))), isRedeployment: isRedeployment)
        }
    }

    /// Opened by three failures; the last one at second 2.
    private static func opened(_ settings: CircuitBreakerSettings = settings()) -> CircuitBreaker {
        var breaker = closed(settings)
        record("---", in: &breaker)
        return breaker
    }

    /// What an action reads that an open breaker holds.
    private static func words(_ breaker: CircuitBreaker) -> String {
        guard case .holds(let message, _) = breaker.gate(for: action(9), now: start) else { return "it does not hold" }
        return message
    }

    @Test(arguments: [
        ("--", BreakerState.closed), ("---", .open), ("--+--", .closed), ("--+---", .open), ("+++++", .closed),
    ])
    func `failures in a row open it, and a success starts the row anew`(_ calls: String, _ state: BreakerState) {
        var breaker = Self.closed(Self.settings { $0.failureRatePercent = 100 })
        Self.record(calls, in: &breaker)
        #expect(breaker.status.state == state)
    }

    @Test func `redeployments may fail five times in a row where nothing else is said, others three times`() {
        for (calls, isRedeployment, state) in [
            ("---", false, BreakerState.open), ("----", true, .closed), ("-----", true, .open),
        ] {
            var breaker = Self.closed(
                Self.settings {
                    $0.failureThreshold = nil
                    $0.minimumCalls = 10
                }
            )
            Self.record(calls, in: &breaker, isRedeployment: isRedeployment)
            #expect(breaker.status.state == state, "\(calls) \(isRedeployment)")
        }
    }

    @Test(arguments: [
        ("-+-+", 4, 50, BreakerState.open), ("-+-+", 5, 50, .closed), ("-++-", 4, 51, .closed), ("-+++", 4, 25, .open),
        ("++++", 4, 1, .closed),
    ])
    func `the share of failures opens it once there are enough calls`(
        _ calls: String,
        _ minimum: Int,
        _ percent: Int,
        _ state: BreakerState
    ) {
        var breaker = Self.closed(
            Self.settings {
                $0.minimumCalls = minimum
                $0.failureRatePercent = percent
            }
        )
        Self.record(calls, in: &breaker)
        #expect(breaker.status.state == state)
        #expect(state == .closed || breaker.status.history?.last?.reason == "FailureRate")
    }

    @Test func `a count window forgets old calls by their number, a time window by their age`() {
        let byCount = Self.settings {
            $0.windowSize = 4
            $0.minimumCalls = 4
        }
        var breaker = Self.closed(byCount)
        Self.record("-+++-+", in: &breaker)
        #expect(breaker.status.state == .closed && breaker.status.calls?.count == 4, "one of four failed, then one")
        Self.record("-", in: &breaker, from: 10)
        #expect(breaker.status.state == .open)

        let byTime = Self.settings {
            $0.windowType = .known(.time)
            $0.windowSeconds = 10
            $0.minimumCalls = 2
        }
        breaker = Self.closed(byTime)
        Self.record("-", in: &breaker)
        Self.record("+", in: &breaker, from: 10)
        #expect(breaker.status.state == .closed && breaker.status.calls?.count == 1, "the failure is 10 s old")
        breaker = Self.closed(byTime)
        Self.record("-", in: &breaker)
        Self.record("+", in: &breaker, from: 9)
        #expect(breaker.status.state == .open)
    }

    @Test func `slow calls open it although they succeed`() {
        let settings = Self.settings {
            $0.slowCallSeconds = 30
            $0.minimumCalls = 2
        }
        var breaker = Self.closed(settings)
        Self.record("++", in: &breaker, seconds: 29)
        #expect(breaker.status.state == .closed)
        breaker = Self.closed(settings)
        Self.record("++", in: &breaker, seconds: 30)
        #expect(breaker.status.state == .open && breaker.status.history?.last?.reason == "SlowCalls")
        #expect(Self.words(breaker).contains("strategy Generic is open after too many slow calls"))
    }

    @Test func `who is held reads what opened it, also after a probe that failed`() {
        var breaker = Self.closed(Self.settings { $0.minimumCalls = 4 })
        Self.record("-+-+", in: &breaker)
        #expect(Self.words(breaker).contains("is open after too many failures"))
        let next = breaker.status.nextProbeTime ?? start
        breaker.begin(Self.action(7, at: next), now: next)
        breaker.record(BreakerCall(time: next, success: false), by: Self.action(7), isRedeployment: false)
        #expect(breaker.status.history?.last?.reason == "ProbeFailed")
        #expect(Self.words(breaker).contains("is open after too many failures"))
    }

    @Test func `open it holds until its time is over, then lets exactly one action through`() {
        var breaker = Self.opened()
        guard case .holds(let message, let recheckAt) = breaker.gate(for: Self.action(7), now: at(101)) else {
            Issue.record("it does not hold")
            return
        }
        #expect(recheckAt == at(102) && breaker.status.nextProbeTime == at(102))
        #expect(message.contains("strategy Generic is open after 3 failures in a row"))
        #expect(breaker.gate(for: Self.action(7), now: at(102)) == .probes)
        breaker.begin(Self.action(7, at: at(102)), now: at(102))
        #expect(breaker.status.state == .halfOpen && breaker.status.probe?.recovery == "r7")
        #expect(breaker.nextChange == at(152))
        guard case .holds(let words, at(152)) = breaker.gate(for: Self.action(8), now: at(103)) else {
            Issue.record("a second action passes")
            return
        }
        #expect(words.contains("Recovery r7"))
        #expect(breaker.gate(for: Self.action(7), now: at(103)) == .probes, "the probe itself may be entered again")
    }

    @Test func `what began before it opened and ends later changes nothing`() {
        var breaker = Self.opened()
        let open = breaker
        Self.record("+-", in: &breaker, from: 50)
        #expect(breaker == open)
        breaker.begin(Self.action(7, at: at(102)), now: at(102))
        let half = breaker
        Self.record("+-", in: &breaker, from: 103)
        #expect(breaker == half)
    }

    @Test func `a probe that succeeds closes it, and nothing is left of the failures`() {
        var breaker = Self.opened()
        breaker.begin(Self.action(7, at: at(102)), now: at(102))
        breaker.record(BreakerCall(time: at(110), success: true), by: Self.action(7), isRedeployment: false)
        #expect(breaker.status.state == .closed && breaker.status.since == at(110))
        #expect(breaker.status.calls == nil && breaker.status.consecutiveFailures == nil)
        #expect(breaker.gate(for: Self.action(8), now: at(110)) == .passes)
        #expect(breaker.status.history?.map(\.state) == [.open, .halfOpen, .closed])
    }

    @Test(arguments: [nil, 200, 100])
    func `each trip makes the open time longer, up to the longest, until it has worked for as long`(_ growth: Int?) {
        var breaker = Self.opened(Self.settings { $0.openGrowthPercent = growth })
        let expected = growth == 100 ? [100.0, 100, 100] : [200, 300, 300]
        var now = breaker.status.nextProbeTime ?? start
        for (number, seconds) in expected.enumerated() {
            breaker.begin(Self.action(number, at: now), now: now)
            breaker.record(
                BreakerCall(time: now, success: false),
                by: Self.action(number),
                isRedeployment: false
            )
            #expect(breaker.status.nextProbeTime == now.addingTimeInterval(seconds))
            now = breaker.status.nextProbeTime ?? start
        }
        breaker.begin(Self.action(9, at: now), now: now)
        breaker.record(BreakerCall(time: now, success: true), by: Self.action(9), isRedeployment: false)
        #expect(breaker.status.trips == 4, "closed, but not for good")
        let later = now.addingTimeInterval(expected[2])
        breaker.record(BreakerCall(time: later, success: true), by: Self.action(10), isRedeployment: false)
        #expect(breaker.status.trips == nil)
    }

    @Test func `a probe that takes too long counts as failed, at its limit (resilience4j #935)`() {
        var breaker = Self.opened()
        breaker.begin(Self.action(7, at: at(102)), now: at(102))
        breaker.expireProbe(now: at(151))
        #expect(breaker.status.state == .halfOpen)
        #expect(breaker.gate(for: Self.action(8), now: at(152)) != .probes, "open again, for longer")
        breaker.expireProbe(now: at(160))
        #expect(breaker.status.state == .open && breaker.status.history?.last?.reason == "ProbeTimedOut")
        #expect(breaker.status.since == at(152) && breaker.status.nextProbeTime == at(352))
        #expect(breaker.status.probe == nil)
    }

    @Test func `after a long pause the expired probe makes room for the next one`() {
        var breaker = Self.opened()
        breaker.begin(Self.action(7, at: at(102)), now: at(102))
        #expect(breaker.gate(for: Self.action(8), now: at(10_000)) == .probes)
        breaker.begin(Self.action(8, at: at(10_000)), now: at(10_000))
        #expect(breaker.status.state == .halfOpen && breaker.status.probe?.recovery == "r8")
    }

    @Test func `a probe of which nobody knows the end makes room for another one at once`() {
        var breaker = Self.opened()
        breaker.begin(Self.action(7, at: at(102)), now: at(102))
        breaker.forget(Self.action(8), now: at(110))
        #expect(breaker.status.state == .halfOpen, "another one's end is nobody's")
        breaker.forget(Self.action(7), now: at(110))
        #expect(breaker.status.state == .open && breaker.gate(for: Self.action(8), now: at(110)) == .probes)
    }

    @Test func `with manual reset only a person closes it`() {
        var breaker = Self.opened(Self.settings { $0.reset = .known(.manual) })
        guard case .holds(let message, nil) = breaker.gate(for: Self.action(7), now: at(1_000_000)) else {
            Issue.record("it opens by itself")
            return
        }
        #expect(message.contains("recovery.tmc.io/reset-breaker"))
        breaker.reset(now: at(500))
        #expect(breaker.status.state == .closed && breaker.status.trips == nil)
        #expect(breaker.status.history?.last == BreakerTransition(time: at(500), state: .closed, reason: "Reset"))
        let closed = breaker
        breaker.reset(now: at(600))
        #expect(breaker == closed)
    }

    @Test func `forced closed it goes on counting, but does not open`() {
        var breaker = Self.closed(Self.settings { $0.force = .known(.closed) })
        Self.record("-----", in: &breaker)
        #expect(breaker.status.state == .closed && breaker.status.consecutiveFailures == 5)
    }

    @Test func `history and calls stay bounded, and odd numbers in the status end nothing (chaos-mesh #4076)`() {
        var breaker = Self.opened(Self.settings { $0.openGrowthPercent = 100 })
        for number in 0..<30 {
            let now = breaker.status.nextProbeTime ?? start
            breaker.begin(Self.action(number, at: now), now: now)
            breaker.record(BreakerCall(time: now, success: false), by: Self.action(number), isRedeployment: false)
        }
        #expect(breaker.status.history?.count == BreakerStatus.maxHistory)

        var odd = BreakerStatus(scope: .strategy, key: "x")
        odd.consecutiveFailures = .max
        odd.trips = .max
        var settings = CircuitBreakerSettings()
        settings.openSeconds = .max
        settings.maxOpenSeconds = .max
        settings.openGrowthPercent = .max
        settings.failureRatePercent = .max
        settings.windowSize = -1
        settings.minimumCalls = .min
        settings.halfOpenMaxSeconds = .max
        var strange = CircuitBreaker(odd, settings: settings)
        Self.record("--+-", in: &strange)
        #expect(strange.status.state == .open)
    }
}
