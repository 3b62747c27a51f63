import FoundationEssentials
import RecoveryAPI
import Testing
import Timekeeping

@testable import RecoveryDecision

/// When a failure has lasted, when it comes back, when it is over.
@Suite("IncidentTracker")
struct IncidentTrackerTests {
    static let start = Date(timeIntervalSince1970: 1_767_225_600)

    /// A tracker with a clock in seconds; a failure lasts after 60 s, health after 30 s.
    private struct Scene {
        var tracker = IncidentTracker(
            DetectionRule(
                name: "r",
                errorType: "X",
                severity: .medium,
                forSeconds: 60,
                healthyForSeconds: 30
            )
        )

        mutating func look(_ verdict: TargetVerdict?, at seconds: Int64) -> IncidentTracker.Times? {
            tracker.look(verdict, now: Self.instant(seconds), wall: IncidentTrackerTests.at(seconds))
        }

        func finding(at seconds: Int64) -> DetectionFinding { tracker.finding(now: Self.instant(seconds)) }

        var nextLook: Int64? { tracker.nextLook.map { $0.nanoseconds / 1_000_000_000 } }

        private static func instant(_ seconds: Int64) -> MonotonicInstant {
            MonotonicInstant(nanoseconds: seconds * 1_000_000_000)
        }
    }

    static func at(_ seconds: Int64) -> Date { start.addingTimeInterval(Double(seconds)) }

    private static func failing(since: Int64? = nil, progress: Int? = nil) -> TargetVerdict {
        .failing(TargetFailure(reason: "Broken", since: since.map(at), progress: progress))
    }

    @Test("a failure is reported when it has lasted, not before, once, and again as a reminder")
    func lasts() {
        var scene = Scene()
        #expect(scene.look(Self.failing(since: -100), at: 0) == nil)
        #expect(scene.nextLook == 60)
        #expect(scene.look(Self.failing(since: -100), at: 59) == nil)
        #expect(scene.finding(at: 59) == .suspected)
        let times = scene.look(Self.failing(since: -100), at: 60)
        #expect(times == IncidentTracker.Times(began: Self.at(-100), latest: Self.at(-100)))
        #expect(scene.finding(at: 60) == .confirmed)
        #expect(scene.look(Self.failing(since: -100), at: 359) == nil)
        #expect(scene.nextLook == 360)
        #expect(scene.look(Self.failing(since: -100), at: 360) == times)
    }

    @Test("a failure that began before this leader looked is none on its predecessor's word (spur #624)")
    func warmsUp() {
        var scene = Scene()
        #expect(scene.look(Self.failing(since: -100_000), at: 0) == nil)
        #expect(scene.finding(at: 0) == .suspected)
    }

    @Test("health in between starts the wait anew, however short it was")
    func hasToLast() {
        var scene = Scene()
        _ = scene.look(Self.failing(), at: 0)
        _ = scene.look(.healthy, at: 58)
        _ = scene.look(Self.failing(), at: 59)
        #expect(scene.look(Self.failing(), at: 118) == nil)
        #expect(scene.look(Self.failing(), at: 119) != nil)
    }

    @Test("a failure that comes back too early is the same incident, with the time it came back")
    func repeats() {
        var scene = Scene()
        _ = scene.look(.healthy, at: 0)
        _ = scene.look(Self.failing(), at: 100)
        #expect(scene.look(Self.failing(), at: 160)?.began == Self.at(100))
        _ = scene.look(.healthy, at: 200)
        #expect(scene.finding(at: 229) == .convalescent)
        _ = scene.look(Self.failing(), at: 229)
        let again = scene.look(Self.failing(), at: 289)
        #expect(again == IncidentTracker.Times(began: Self.at(100), latest: Self.at(229)))
    }

    @Test("after enough health the next failure is another incident, even when nobody looked in between")
    func heals() {
        var scene = Scene()
        _ = scene.look(Self.failing(), at: 0)
        _ = scene.look(Self.failing(), at: 60)
        _ = scene.look(.healthy, at: 100)
        #expect(scene.nextLook == 130)
        #expect(scene.finding(at: 130) == .healed)
        _ = scene.look(Self.failing(), at: 131)
        #expect(scene.look(Self.failing(), at: 191)?.began == Self.at(131))
    }

    @Test("a target that is gone is as good as a healthy one")
    func goes() {
        var scene = Scene()
        _ = scene.look(Self.failing(), at: 0)
        _ = scene.look(Self.failing(), at: 60)
        #expect(scene.look(nil, at: 70) == nil)
        #expect(scene.finding(at: 99) == .convalescent && scene.finding(at: 100) == .healed)
    }

    @Test("no data is neither a failure nor health: what is open stays open, and what lasts begins anew")
    func noData() {
        var scene = Scene()
        _ = scene.look(Self.failing(), at: 0)
        #expect(scene.look(.unknown, at: 1_000) == nil)
        #expect(scene.finding(at: 5_000) == .unseen && scene.nextLook == nil)
        #expect(scene.look(Self.failing(), at: 5_000) == nil)
        #expect(scene.look(Self.failing(), at: 5_060) != nil)
    }

    @Test("when it began is not known of a failure without a time that was there before")
    func unknownBeginning() {
        var scene = Scene()
        _ = scene.look(Self.failing(), at: 0)
        #expect(scene.look(Self.failing(), at: 60) == IncidentTracker.Times(began: nil, latest: nil))
    }

    @Test("a rollout that goes on is not stuck; one that only swings back is")
    func progresses() {
        var scene = Scene()
        _ = scene.look(Self.failing(progress: 3), at: 0)
        _ = scene.look(Self.failing(progress: 5), at: 50)
        #expect(scene.look(Self.failing(progress: 4), at: 60) == nil)
        #expect(scene.look(Self.failing(progress: 5), at: 109) == nil)
        #expect(scene.look(Self.failing(progress: 5), at: 110) != nil)
        #expect(scene.look(Self.failing(progress: 9), at: 120) == nil)
        #expect(scene.finding(at: 120) == .confirmed, "what was reported is not taken back by a step forward")
    }

    @Test("a report that could not be delivered is made again at once")
    func delivery() {
        var scene = Scene()
        _ = scene.look(Self.failing(), at: 0)
        _ = scene.look(Self.failing(), at: 60)
        scene.tracker.reportFailed()
        #expect(scene.look(Self.failing(), at: 61) != nil)
    }

    @Test(
        "whatever comes in any order: reports only of what failed for its time, healed only what was well for its time"
    )
    func anyOrder() {
        for seed in UInt64(1)...300 {
            var random = SeededNumbers(seed)
            var scene = Scene()
            var (now, failingSince, wellSince): (Int64, Int64?, Int64?) = (0, nil, nil)
            for _ in 0..<60 {
                now += Int64(random.next(below: 45))
                let choice = random.next(below: 8)
                let verdict: TargetVerdict? =
                    choice < 4
                    ? Self.failing(since: choice < 2 ? now - 10 : nil)
                    : choice < 6 ? .healthy : choice == 6 ? .unknown : nil
                if case .failing = verdict { failingSince = failingSince ?? now } else { failingSince = nil }
                let isWell = verdict == nil || verdict == .healthy
                wellSince = isWell ? wellSince ?? now : nil
                let times = scene.look(verdict, at: now)
                let hasLasted = failingSince.map { now - $0 >= 60 } ?? false
                let wasWell = wellSince.map { now - $0 >= 30 } ?? false
                #expect(times == nil || hasLasted, "seed \(seed)")
                #expect((scene.finding(at: now) == .confirmed) == hasLasted, "seed \(seed)")
                #expect((scene.finding(at: now) == .healed) == wasWell, "seed \(seed)")
                #expect((times?.began ?? .distantPast) <= Self.at(now), "seed \(seed)")
            }
        }
    }
}

/// Numbers that follow from a seed (SplitMix64).
struct SeededNumbers {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// A number from 0 up to, not including, `bound`.
    mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ (word >> 31)) % UInt64(max(1, bound)))
    }
}
