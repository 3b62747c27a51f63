import Foundation
import JSON
import KubernetesCore
import Testing

struct ConditionTests {
    let start = Date(timeIntervalSinceReferenceDate: 1000)
    let later = Date(timeIntervalSinceReferenceDate: 2000.7)

    @Test func `a new condition gets the time, to the second`() {
        var conditions: [Condition] = []
        let isChanged = conditions.set(Condition(type: "Ready", status: .unknown, reason: "New"), now: later)
        #expect(isChanged)
        #expect(conditions[type: "Ready"]?.lastTransitionTime == Date(timeIntervalSinceReferenceDate: 2000))
    }

    @Test func `the time moves only with the status`() {
        var conditions = [Condition(type: "Ready", status: .true, reason: "A", lastTransitionTime: start)]
        let result1 = conditions.set(Condition(type: "Ready", status: .true, reason: "B", message: "m"), now: later)
        #expect(result1)
        #expect(conditions[type: "Ready"]?.reason == "B")
        #expect(conditions[type: "Ready"]?.lastTransitionTime == start)
        let result2 = conditions.set(Condition(type: "Ready", status: .false, reason: "C"), now: later)
        #expect(result2)
        #expect(conditions[type: "Ready"]?.lastTransitionTime == Date(timeIntervalSinceReferenceDate: 2000))
        #expect(conditions.count == 1)
    }

    @Test func `an own time is taken when the status changes, and not otherwise`() {
        var conditions = [Condition(type: "Ready", status: .true, reason: "A", lastTransitionTime: start)]
        let own = Date(timeIntervalSinceReferenceDate: 1500)
        conditions.set(Condition(type: "Ready", status: .true, reason: "A", lastTransitionTime: own), now: later)
        #expect(conditions[0].lastTransitionTime == start)
        conditions.set(Condition(type: "Ready", status: .false, reason: "A", lastTransitionTime: own), now: later)
        #expect(conditions[0].lastTransitionTime == own)
    }

    @Test func `setting the same again changes nothing`() {
        let condition = Condition(type: "Ready", status: .true, reason: "A", message: "m", observedGeneration: 2)
        var conditions: [Condition] = []
        conditions.set(condition, now: start)
        let before = conditions
        let isChanged = conditions.set(condition, now: later)
        #expect(!isChanged && conditions == before)
    }

    @Test func `a missing time is filled in`() {
        var conditions = [Condition(type: "Ready", status: .true, reason: "A")]
        let result3 = conditions.set(Condition(type: "Ready", status: .true, reason: "A"), now: start)
        #expect(result3)
        #expect(conditions[0].lastTransitionTime == start)
    }

    @Test func `conditions keep their order, and can be removed`() {
        var conditions: [Condition] = []
        for type in ["A", "B", "C"] { conditions.set(Condition(type: type, status: .false, reason: "R"), now: start) }
        conditions.set(Condition(type: "B", status: .true, reason: "R"), now: start)
        #expect(conditions.map(\.type) == ["A", "B", "C"])
        #expect(conditions.isTrue("B") && !conditions.isTrue("A") && !conditions.isTrue("none"))
        let result4 = conditions.remove(type: "A")
        #expect(result4)
        let result5 = conditions.remove(type: "A")
        #expect(!result5)
        #expect(conditions.map(\.type) == ["B", "C"])
    }

    @Test func `reads conditions of older kinds and writes the full form`() throws {
        let sparse = try JSONValue.object(["type": "Ready", "status": "True"]).decode(Condition.self)
        #expect(sparse == Condition(type: "Ready", status: .true, reason: ""))
        let full = Condition(
            type: "Ready",
            status: .false,
            reason: "R",
            message: "m",
            lastTransitionTime: start,
            observedGeneration: 3
        )
        #expect(
            try JSONValue(encoding: full) == [
                "type": "Ready", "status": "False", "reason": "R", "message": "m",
                "lastTransitionTime": "2001-01-01T00:16:40Z", "observedGeneration": 3,
            ]
        )
        #expect(throws: DecodingError.self) {
            try JSONValue.object(["type": "Ready", "status": "Maybe"]).decode(Condition.self)
        }
    }
}

struct MicroTimeTests {
    @Test(arguments: [
        ("2026-11-21T04:47:45.000000Z", 816_929_265.0), ("2026-11-21T04:47:45.123456Z", 816_929_265.123456),
        ("2001-01-01T00:00:00.500000Z", 0.5),
    ])
    func `always has six digits and reads back as the same time`(text: String, seconds: Double) throws {
        let time = MicroTime(Date(timeIntervalSinceReferenceDate: seconds))
        #expect(time.description == text)
        #expect(try JSONValue(encoding: time) == .string(text))
        let read = try JSONValue.string(text).decode(MicroTime.self)
        #expect(abs(read.date.timeIntervalSince(time.date)) < 0.000_001)
        #expect(try JSONValue(encoding: read) == .string(text))
    }

    @Test(arguments: ["2026-11-21T04:47:45Z", "2026-11-21T06:47:45+02:00"])
    func `reads times without a fraction and in other zones`(text: String) {
        #expect(MicroTime(text)?.description == "2026-11-21T04:47:45.000000Z")
        #expect(Timestamp.parse(text).flatMap(Timestamp.format) == "2026-11-21T04:47:45Z")
    }

    @Test func `anything else is an error`() {
        #expect(MicroTime("yesterday") == nil)
        #expect(throws: DecodingError.self) { try JSONValue.string("").decode(MicroTime.self) }
        #expect(throws: DecodingError.self) { try JSONValue.number(5).decode(MicroTime.self) }
        #expect(throws: EncodingError.self) {
            try JSONValue(encoding: MicroTime(.distantFuture.addingTimeInterval(1e12)))
        }
    }

    @Test func `times are ordered`() {
        #expect(MicroTime(.distantPast) < MicroTime(.distantFuture))
    }
}
