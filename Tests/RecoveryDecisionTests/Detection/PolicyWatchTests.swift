import FoundationEssentials
import RecoveryAPI
import Testing
import Timekeeping

@testable import RecoveryDecision

/// All that one policy's detectors see, from look to look.
@Suite("PolicyWatch")
struct PolicyWatchTests {
    private static func rule(_ name: String = "r", type: String = "X") -> DetectionRule {
        DetectionRule(name: name, errorType: type, severity: .high, forSeconds: 10, healthyForSeconds: 5)
    }

    private static func target(_ name: String) -> DetectedTarget {
        DetectedTarget(TargetReference(apiVersion: "apps/v1", kind: "Deployment", name: name, namespace: "team"))
    }

    private static let broken = TargetVerdict.failing(TargetFailure(reason: "Broken"))

    /// A watch with a clock in seconds.
    private struct Scene {
        var watch = PolicyWatch()
        var rules: Set<DetectionRule> = [PolicyWatchTests.rule()]
        var blind: Set<DetectionRule> = []

        mutating func look(_ verdicts: [String: TargetVerdict], at seconds: Int64) -> PolicyWatch.Look {
            let sightings = rules.flatMap { rule in
                verdicts.map { Sighting(rule, PolicyWatchTests.target($0.key), $0.value) }
            }
            return watch.look(
                sightings,
                rules: rules,
                blind: blind,
                now: MonotonicInstant(nanoseconds: seconds * 1_000_000_000),
                wall: Date(timeIntervalSince1970: 1_000_000 + Double(seconds))
            )
        }

        func finding(_ name: String) -> DetectionFinding? {
            watch.allFindings[PolicyWatch.Failure(PolicyWatchTests.target(name), errorType: "X")]
        }
    }

    @Test("each target that fails for its time is reported once; the base counts all and those that fail now")
    func reports() {
        var scene = Scene()
        let first = scene.look(["a": Self.broken, "b": .healthy, "c": .unknown], at: 0)
        #expect(first.reports.isEmpty && first.base == DetectionBase(matched: 3, unhealthy: 1))
        let second = scene.look(["a": Self.broken, "b": Self.broken, "c": .healthy], at: 10)
        #expect(second.reports.map(\.target.reference.name) == ["a"] && second.base.unhealthy == 2)
        #expect(second.nextLook == MonotonicInstant(nanoseconds: 15_000_000_000), "when c counts as healthy")
        #expect(scene.look(["a": Self.broken, "b": .healthy], at: 11).reports.isEmpty)
    }

    @Test("findings that change are told, and only those")
    func changes() {
        var scene = Scene()
        #expect(scene.look(["a": Self.broken, "b": .healthy], at: 0).changed.count == 2)
        #expect(scene.look(["a": Self.broken, "b": .healthy], at: 1).changed.isEmpty)
        #expect(scene.look(["a": Self.broken, "b": .healthy], at: 5).changed.map(\.target.reference.name) == ["b"])
        #expect(scene.look(["a": Self.broken, "b": .healthy], at: 10).changed.map(\.target.reference.name) == ["a"])
        #expect(scene.finding("a") == .confirmed && scene.finding("b") == .healed)
    }

    @Test("a target that is gone has healed after its time, and is forgotten later; it no longer counts")
    func gone() {
        var scene = Scene()
        _ = scene.look(["a": Self.broken], at: 0)
        _ = scene.look(["a": Self.broken], at: 10)
        #expect(scene.look([:], at: 20).base == DetectionBase())
        #expect(scene.finding("a") == .convalescent)
        #expect(scene.look([:], at: 25).nextLook != nil)
        #expect(scene.finding("a") == .healed)
        #expect(scene.look([:], at: 620).nextLook == nil)
        #expect(scene.finding("a") == nil)
    }

    @Test("what is told when it is well, and falls silent, is neither gone nor well, and no longer unhealthy")
    func silent() {
        var scene = Scene()
        var rule = Self.rule()
        rule.isToldOfHealth = true
        scene.rules = [rule]
        _ = scene.look(["a": Self.broken, "b": Self.broken], at: 0)
        #expect(scene.look(["a": Self.broken, "b": .healthy], at: 10).base == DetectionBase(matched: 2, unhealthy: 1))
        let silence = scene.look([:], at: 20)
        #expect(silence.base == DetectionBase())
        #expect(silence.changed.map(\.target.reference.name).sorted() == ["a", "b"])
        #expect(scene.finding("a") == .silent && scene.finding("b") == .healed)
        _ = scene.look(["a": Self.broken], at: 21)
        #expect(scene.finding("a") == .suspected)
        _ = scene.look(["a": .unknown], at: 22)
        #expect(scene.finding("a") == .silent)
        _ = scene.look(["a": .unknown], at: 700)
        #expect(scene.finding("a") == .unseen && scene.finding("b") == nil)
    }

    @Test("what a detector cannot see at present is neither gone nor well: nothing heals for lack of data")
    func blind() {
        var scene = Scene()
        _ = scene.look(["a": Self.broken], at: 0)
        _ = scene.look(["a": Self.broken], at: 10)
        scene.blind = scene.rules
        let look = scene.look([:], at: 1_000)
        #expect(look.reports.isEmpty && scene.finding("a") == .unseen)
        #expect(look.base == DetectionBase(matched: 1, unhealthy: 0))
    }

    @Test("a detector that is gone or was edited forgets what it saw")
    func edited() {
        var scene = Scene()
        _ = scene.look(["a": Self.broken], at: 0)
        scene.rules = [Self.rule("edited")]
        #expect(scene.look(["a": Self.broken], at: 10).reports.isEmpty)
        scene.rules = []
        #expect(scene.look([:], at: 11).base.matched == 0 && scene.finding("a") == nil)
    }

    @Test("of two detectors that see one failure the surer one counts, and a target counts once")
    func twoDetectors() {
        var scene = Scene()
        scene.rules = [Self.rule("one"), Self.rule("two")]
        _ = scene.look(["a": Self.broken], at: 0)
        #expect(scene.look(["a": Self.broken], at: 10).reports.count == 2)
        let well = [Sighting(Self.rule("one"), Self.target("a"), .healthy)]
        let still = [Sighting(Self.rule("two"), Self.target("a"), Self.broken)]
        let look = scene.watch.look(
            well + still,
            rules: scene.rules,
            blind: [],
            now: MonotonicInstant(nanoseconds: 30_000_000_000),
            wall: Date(timeIntervalSince1970: 1_000_030)
        )
        #expect(scene.finding("a") == .confirmed && look.base == DetectionBase(matched: 1, unhealthy: 1))
    }

    @Test("looks at many targets that change by chance: what is due is never missed, and the base is what was seen")
    func manyTargets() {
        for seed in UInt64(1)...60 {
            var random = SeededNumbers(seed)
            var scene = Scene()
            var now: Int64 = 0
            var since: [String: Int64] = [:]
            var reported: [String: Int64] = [:]
            var next: MonotonicInstant?
            for _ in 0..<80 {
                let due = next.map { $0.nanoseconds / 1_000_000_000 } ?? .max
                now = min(now + Int64(random.next(below: 9)), max(due, now))
                var verdicts: [String: TargetVerdict] = [:]
                for name in ["a", "b", "c", "d"] where random.next(below: 10) > 0 {
                    // Mostly as it was, so that failures last.
                    let fails = random.next(below: 6) > 0 ? since[name] != nil : random.next(below: 2) == 0
                    verdicts[name] = fails ? Self.broken : .healthy
                }
                for name in ["a", "b", "c", "d"] {
                    guard verdicts[name] == Self.broken else {
                        since[name] = nil
                        reported[name] = nil
                        continue
                    }
                    since[name] = since[name] ?? now
                }
                let look = scene.look(verdicts, at: now)
                #expect(look.base.matched == verdicts.count && look.base.unhealthy == since.count, "seed \(seed)")
                for report in look.reports { reported[report.target.reference.name] = now }
                for (name, begin) in since where now - begin >= 10 {
                    #expect(reported[name] != nil, "seed \(seed): \(name) at \(now)")
                    #expect((reported[name] ?? 0) - begin >= 10, "seed \(seed)")
                }
                if let nextLook = look.nextLook { #expect(nextLook.nanoseconds >= now * 1_000_000_000, "seed \(seed)") }
                next = look.nextLook
            }
        }
    }
}
