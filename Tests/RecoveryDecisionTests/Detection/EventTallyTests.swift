import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// Events by reason, type and count in a window; of both groups, series included.
@Suite("EventTally")
struct EventTallyTests {
    private static let rule = DetectionRule(
        name: "e",
        errorType: "PlacementCapacity",
        severity: .medium,
        forSeconds: 0,
        healthyForSeconds: 30
    )

    private static func time(_ seconds: Double) -> JSONValue { .string(RFC3339.string(from: at(seconds)) ?? "") }

    private static func event(
        _ name: String = "e1",
        about: String = "web",
        count: Int64,
        first: Double,
        last: Double,
        _ more: JSONValue = [:]
    ) -> ObservedObject {
        var content: JSONValue = [
            "apiVersion": "v1", "kind": "Event", "metadata": ["name": .string(name), "namespace": "team"],
            "involvedObject": [
                "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "team", "name": .string(about),
            ],
            "reason": "FailedScheduling", "type": "Warning", "message": "no room",
            "count": .number(JSONNumber(count)), "firstTimestamp": time(first), "lastTimestamp": time(last),
        ]
        for (key, value) in more.objectValue ?? [:] { content[key] = value }
        return ObservedObject(content)
    }

    /// A detector that wants three in 300 s.
    private struct Scene {
        var tally = EventTally()
        var detector: EventDetector = {
            var detector = EventDetector(reason: "FailedScheduling", errorType: "PlacementCapacity")
            detector.type = .known(.warning)
            detector.count = 3
            return detector
        }()

        mutating func look(_ events: [ObservedObject], at seconds: Double) -> (String?, Double?) {
            let (sightings, next) = tally.look(EventTallyTests.rule, detector, events: events, now: at(seconds)) {
                DetectedTarget($0)
            }
            let change = next.map { $0.timeIntervalSince(start) }
            guard let sighting = sightings.first else { return (nil, change) }
            if case .failing(let failure) = sighting.verdict { return (failure.message, change) }
            return ("\(sighting.verdict)", change)
        }
    }

    @Test("as many as asked in the window are a failure, until one of them has left it")
    func counts() {
        var scene = Scene()
        #expect(scene.look([Self.event(count: 2, first: 0, last: 10)], at: 11) == ("healthy", nil))
        let third = Self.event(count: 3, first: 0, last: 50)
        #expect(scene.look([third], at: 51) == ("3 or more in 300 s: no room", 310))
        #expect(scene.look([third], at: 309).0 != "healthy")
        #expect(scene.look([third], at: 310) == ("healthy", nil))
    }

    @Test("an event that began before the window counts once, and then by what it is counted up by")
    func beganBefore() {
        var scene = Scene()
        // Of the 500 any number may have happened in the last 300 s: no failure, and no health either.
        #expect(scene.look([Self.event(count: 500, first: -9_000, last: 0)], at: 1) == ("unknown", 301))
        #expect(scene.look([Self.event(count: 501, first: -9_000, last: 20)], at: 21).0 == "unknown")
        #expect(
            scene.look([Self.event(count: 502, first: -9_000, last: 30)], at: 31) == (
                "3 or more in 300 s: no room", 300
            )
        )
        var quiet = Scene()
        #expect(quiet.look([Self.event(count: 500, first: -9_000, last: 0)], at: 1).0 == "unknown")
        #expect(quiet.look([Self.event(count: 500, first: -9_000, last: 0)], at: 301) == ("healthy", nil))
        var old = Scene()
        #expect(old.look([Self.event(count: 500, first: -9_000, last: -400)], at: 1) == ("healthy", nil))
    }

    @Test("the events of several names about one object add up; each object is a target of its own")
    func addsUp() {
        var scene = Scene()
        let events = (1...3).map { Self.event("e\($0)", count: 1, first: Double($0), last: Double($0)) }
        #expect(scene.look(events, at: 10).0 != "healthy")
        var other = Scene()
        let spread = (1...3).map { Self.event("e\($0)", about: "w\($0)", count: 1, first: 1, last: 1) }
        #expect(other.look(spread, at: 10).0 == "healthy")
    }

    @Test("other reasons, types and kinds do not count, nor does what this controller writes itself")
    func chooses() {
        let others: [JSONValue] = [
            ["reason": "Scheduled"], ["type": "Normal"], ["source": ["component": "recovery-controller"]],
            ["reportingComponent": "recovery-controller"], ["involvedObject": [:]], ["involvedObject": "x"],
        ]
        for more in others {
            var scene = Scene()
            #expect(scene.look([Self.event(count: 9, first: 0, last: 1, more)], at: 2) == (nil, nil), "\(more)")
        }
        var kinds = Scene()
        kinds.detector.kind = "Pod"
        #expect(kinds.look([Self.event(count: 9, first: 0, last: 1)], at: 2).0 == nil)
    }

    @Test("a series of the newer group counts by its own count and time")
    func series() {
        let written: JSONValue = [
            "count": .null, "firstTimestamp": .null, "lastTimestamp": .null,
            "eventTime": .string("2027-01-15T08:00:00.000000Z"),
            "series": ["count": 4, "lastObservedTime": Self.time(60)],
        ]
        var scene = Scene()
        #expect(scene.look([Self.event(count: 1, first: 0, last: 0, written)], at: 61).0 != "healthy")
        let newer: JSONValue = [
            "regarding": ["kind": "Deployment", "name": "web", "namespace": "team"], "reason": "R", "note": "n",
            "reportingController": "recovery-controller", "deprecatedCount": 7,
        ]
        let event = ObservedEvent(newer)
        #expect(event?.count == 7 && event?.message == "n" && event?.isOwn == true)
    }

    @Test("an event that the server has forgotten still happened; a count that goes down is a new event")
    func forgets() {
        var scene = Scene()
        _ = scene.look([Self.event(count: 3, first: 0, last: 10)], at: 11)
        #expect(scene.look([], at: 12).0 != "healthy")
        #expect(scene.look([], at: 311).0 == nil)
        var again = Scene()
        _ = again.look([Self.event(count: 9, first: -5_000, last: 0)], at: 1)
        #expect(again.look([Self.event(count: 3, first: 20, last: 30)], at: 31).0 != "healthy")
    }

    @Test("whatever counts and times say: never more than the limit is kept, and nothing is kept for ever")
    func anyNumbers() {
        for seed in UInt64(1)...100 {
            var random = SeededNumbers(seed)
            var scene = Scene()
            var now = 0.0
            for _ in 0..<30 {
                now += Double(random.next(below: 200))
                let counts: [Int64] = [.min, -1, 0, 1, 2, 5, .max]
                let event = Self.event(
                    count: counts[random.next(below: counts.count)],
                    first: now - Double(random.next(below: 5_000)),
                    last: now + Double(random.next(below: 600)) - 300
                )
                let (_, next) = scene.look([event], at: now)
                #expect((next ?? now) <= now + 300 && (next ?? .infinity) > now - 1, "seed \(seed)")
            }
            #expect(scene.look([], at: now + 301) == (nil, nil), "seed \(seed)")
        }
    }
}
