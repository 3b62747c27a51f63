import FoundationEssentials
import KubernetesCore
import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite("EventCorrelator")
struct EventCorrelatorTests {
    private let start = MonotonicInstant(nanoseconds: 0)
    private let pod = ObjectReference(apiVersion: "v1", kind: "Pod", namespace: "default", name: "web", uid: "u1")

    private func event(
        _ message: String = "m",
        _ type: EventType = .normal,
        reason: String = "R",
        about: ObjectReference? = nil
    ) -> RecordedEvent {
        RecordedEvent(
            type,
            reason: reason,
            message: message,
            about: about ?? pod,
            time: Date(timeIntervalSince1970: 1_767_225_600)
        )
    }

    /// What the correlator makes of an event that it must not hold back.
    private func written(
        _ correlator: inout EventCorrelator,
        _ event: RecordedEvent,
        _ now: MonotonicInstant
    ) throws -> EventWrite {
        let write = correlator.correlate(event, now: now)
        return try #require(write)
    }

    private func after(_ seconds: Double) -> MonotonicInstant {
        start.advanced(by: .seconds(seconds))
    }

    @Test func `a repetition raises the count of the first`() throws {
        var correlator = EventCorrelator()
        let first = try written(&correlator, event(), start)
        let second = try written(&correlator, event(), after(1))
        let third = try written(&correlator, event(), after(2))
        #expect([first, second, third].map(\.count) == [1, 2, 3])
        #expect(!first.isRepetition && second.isRepetition)
        #expect(Set([first.name, second.name, third.name]).count == 1)
    }

    @Test func `the version of the object does not make another event`() throws {
        var correlator = EventCorrelator()
        var newer = pod
        newer.resourceVersion = "7"
        _ = correlator.correlate(event(), now: start)
        #expect(try written(&correlator, event(about: newer), start).count == 2)
    }

    @Test func `another reason, type, message, object or life is another event`() throws {
        var correlator = EventCorrelator()
        var other = pod
        other.uid = "u2"
        var part = pod
        part.fieldPath = "spec.containers{web}"
        let events = [
            event(), event(reason: "S"), event("m", .warning), event("n"), event(about: other), event(about: part),
        ]
        let writes = try events.map { try written(&correlator, $0, start) }
        #expect(writes.allSatisfy { $0.count == 1 })
        #expect(Set(writes.map(\.name)).count == events.count)
    }

    @Test func `from the tenth distinct message on they become one event`() throws {
        var correlator = EventCorrelator()
        var names: Set<String> = []
        for index in 1...9 {
            let write = try written(&correlator, event("message \(index)"), after(Double(index)))
            #expect(write.event.message == "message \(index)")
            names.insert(write.name)
        }
        #expect(names.count == 9)
        let tenth = try written(&correlator, event("message 10"), after(10))
        let eleventh = try written(&correlator, event("message 11"), after(11))
        #expect(tenth.event.message == "(combined from similar events): message 10")
        #expect(tenth.count == 1 && eleventh.count == 2 && tenth.name == eleventh.name)
        #expect(!names.contains(tenth.name))
        // One of the first nine is still counted by itself.
        let known = try written(&correlator, event("message 1"), after(12))
        #expect(known.event.message == "message 1" && known.count == 2)
    }

    @Test(arguments: [(600.0, true), (600.1, false)])
    func `combining ends after ten quiet minutes`(quiet: Double, isCombined: Bool) throws {
        var correlator = EventCorrelator()
        for index in 1...10 { _ = correlator.correlate(event("message \(index)"), now: start) }
        let next = try written(&correlator, event("message 11"), after(quiet))
        #expect(next.event.message.hasPrefix("(combined") == isCombined)
    }

    @Test func `ten thousand repetitions and ten thousand messages are 25 writes and one each five minutes (bug 19)`() {
        var correlator = EventCorrelator()
        var writes = 0
        for index in 0..<20_000 {
            let message = index.isMultiple(of: 2) ? "same" : "message \(index)"
            // Twenty thousand events in 3000 seconds refill ten tokens.
            if correlator.correlate(event(message), now: after(Double(index) * 0.15)) != nil { writes += 1 }
        }
        // The bucket is never full again, so no token is lost; the last one may be a fraction short.
        #expect((34...35).contains(writes))
    }

    @Test func `each object and type has a bucket of its own, and held back repetitions still count`() throws {
        var correlator = EventCorrelator(limits: .init(burst: 1, refill: .seconds(300)))
        var other = pod
        other.name = "db"
        #expect(correlator.correlate(event(), now: start) != nil)
        #expect(correlator.correlate(event(), now: start) == nil)
        #expect(correlator.correlate(event("m", .warning), now: start) != nil)
        #expect(correlator.correlate(event(about: other), now: start) != nil)
        #expect(correlator.correlate(event(), now: after(299)) == nil)
        #expect(try written(&correlator, event(), after(300)).count == 4)
    }

    @Test func `memory is bounded by the size of the caches`() throws {
        var correlator = EventCorrelator(limits: .init(cacheSize: 2))
        for name in ["a", "b", "c"] {
            var object = pod
            object.name = name
            _ = correlator.correlate(event(about: object), now: start)
        }
        var oldest = pod
        oldest.name = "a"
        #expect(try written(&correlator, event(about: oldest), start).count == 1)
    }

    @Test func `names are the object's and the time in hex, unique while the clock stands still`() throws {
        var correlator = EventCorrelator()
        let first = try written(&correlator, event("1"), start)
        let second = try written(&correlator, event("2"), start)
        #expect(first.name == "web.18867251edfa0000")
        #expect(second.name == "web.18867251edfa0001")
    }

    @Test(arguments: [nil, "", "Web", "system:node:x", "a_b", String(repeating: "a", count: 250)])
    func `a name that makes no valid event name is left out`(name: String?) throws {
        var correlator = EventCorrelator()
        var object = pod
        object.name = name
        let write = try written(&correlator, event(about: object), start)
        #expect(write.name.hasPrefix("event."))
        #expect(NameRules.problem(subdomain: write.name) == nil)
    }

    @Test(arguments: [-1e18, 1e18, Double.nan, .infinity])
    func `a wall clock gone mad does not stop events`(seconds: Double) {
        var correlator = EventCorrelator()
        let event = RecordedEvent(
            .normal,
            reason: "R",
            message: "m",
            about: pod,
            time: Date(timeIntervalSince1970: seconds)
        )
        #expect(correlator.correlate(event, now: start)?.name.hasPrefix("web.") == true)
    }

    @Test func `long messages and reasons are cut between characters`() {
        let long = String(repeating: "ü", count: 1000)
        let event = event(long, reason: long)
        #expect(event.message.utf8.count == 1023 && event.message.hasSuffix("ü..."))
        #expect(event.reason.utf8.count <= 128)
        let exact = String(repeating: "x", count: 1024)
        #expect(self.event(exact).message == exact)
        var correlator = EventCorrelator(limits: .init(distinctMessages: 1))
        #expect(correlator.correlate(self.event(exact), now: start)?.event.message.utf8.count == 1024)
    }
}
