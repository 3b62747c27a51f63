import FoundationEssentials
import JSON
import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite("LeaderElectionState")
struct LeaderElectionStateTests {
    private let start = MonotonicInstant(nanoseconds: 0)
    private let wall = Date(timeIntervalSince1970: 1_767_225_600)

    private func state() -> LeaderElectionState {
        LeaderElectionState(configuration: Replica.configuration())
    }

    private func body(of step: LeaderElectionState.Step) throws -> JSONValue {
        switch step {
        case .create(let lease), .update(let lease): lease
        default: try #require(nil, "expected a write, got \(step)")
        }
    }

    @Test(arguments: [
        "null", "{}", #"{"spec":null}"#, #"{"spec":[]}"#, #"{"spec":{"holderIdentity":7}}"#,
        #"{"spec":{"holderIdentity":"","leaseTransitions":9223372036854775807}}"#,
        #"{"spec":{"holderIdentity":"","leaseTransitions":-9223372036854775808,"leaseDurationSeconds":"x"}}"#,
        #"{"spec":{"holderIdentity":"","leaseTransitions":1e99}}"#, #"{"spec":{"leaseTransitions":1.5}}"#,
    ])
    func `a lease with anything in it is taken when it names no holder`(text: String) throws {
        var state = state()
        #expect(state.begin(now: start, wall: wall) == .read)
        let lease = try JSONValue(parsing: Array(text.utf8))
        let written = try body(of: state.read(lease, now: start, wall: wall))
        #expect(written.value(at: ["spec", "holderIdentity"]) == "me")
        #expect(try #require(written.value(at: ["spec", "leaseTransitions"])?.intValue) >= 0)
    }

    @Test(arguments: [
        (Int64.max, Int64(1_000_000_000), false), (Int64.min, 0, true), (0, 0, true), (-5, 0, true), (1, 0, false),
        (1, 1, true),
    ])
    func `a foreign duration of any size is respected and never traps`(seconds: Int64, after: Int64, isTaken: Bool) {
        var state = state()
        let lease: JSONValue = [
            "spec": ["holderIdentity": "other", "leaseDurationSeconds": .number(JSONNumber(seconds))]
        ]
        _ = state.read(lease, now: start, wall: wall)
        let step = state.read(lease, now: start.advanced(by: .seconds(after)), wall: wall)
        #expect((step != .finished(.heldByOther("other"))) == isTaken)
    }

    @Test func `metadata that changes is not a renewal`() {
        var state = state()
        var lease: JSONValue = ["spec": ["holderIdentity": "other", "leaseDurationSeconds": 15]]
        _ = state.read(lease, now: start, wall: wall)
        lease.set("2", at: ["metadata", "resourceVersion"])
        let step = state.read(lease, now: start.advanced(by: .seconds(15)), wall: wall)
        #expect(step != .finished(.heldByOther("other")))
    }

    @Test func `fractions of a second in the duration are rounded up for the others`() throws {
        var configuration = Replica.configuration()
        configuration.leaseDuration = .milliseconds(15_001)
        var state = LeaderElectionState(configuration: configuration)
        let lease = try body(of: state.read(nil, now: start, wall: wall))
        #expect(lease.value(at: ["spec", "leaseDurationSeconds"])?.intValue == 16)
    }

    @Test func `a holder with our own name from an earlier life is followed without waiting, as a new term`() throws {
        var state = state()
        let lease: JSONValue = ["spec": ["holderIdentity": "me", "leaseTransitions": 4, "leaseDurationSeconds": 15]]
        let written = try body(of: state.read(lease, now: start, wall: wall))
        #expect(written.value(at: ["spec", "leaseTransitions"])?.intValue == 5)
    }

    @Test func `a lease that vanished is made again with a higher count`() throws {
        var state = state()
        let lease: JSONValue = ["spec": ["holderIdentity": "other", "leaseTransitions": 4, "leaseDurationSeconds": 15]]
        _ = state.read(lease, now: start, wall: wall)
        let written = try body(of: state.read(nil, now: start, wall: wall))
        #expect(written.value(at: ["spec", "leaseTransitions"])?.intValue == 5)
    }

    @Test func `the fast path ends with the local validity of the lease`() {
        var state = state()
        _ = state.read(nil, now: start, wall: wall)
        let lease: JSONValue = ["spec": ["holderIdentity": "me", "leaseTransitions": 0]]
        _ = state.written(lease, sentAt: start, now: start)
        #expect(state.begin(now: start.advanced(by: .seconds(14)), wall: wall) != .read)
        #expect(state.begin(now: start.advanced(by: .seconds(15)), wall: wall) == .read)
    }

    @Test func `stepping down ends validity and token`() {
        var state = state()
        _ = state.read(nil, now: start, wall: wall)
        _ = state.written(["spec": ["holderIdentity": "me"]], sentAt: start, now: start)
        #expect(state.isLeading && state.fencingToken == 0 && state.writeDeadline != nil)
        state.stepDown()
        #expect(!state.isLeading && state.fencingToken == nil && state.writeDeadline == nil)
    }
}
