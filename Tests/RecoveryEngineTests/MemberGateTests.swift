import KubernetesClient
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

struct MemberGateTests {
    private let gate = MemberGate()
    private let start = ManualTimeSource().now()

    private func key(_ number: Int, on cluster: String = "edge") -> SyncKey {
        SyncKey(placement: ObjectKey(namespace: "team", name: "p\(number)"), cluster: cluster)
    }

    @Test func fewAtATimeGetInAndThoseThatWaitComeBackWhenOneLeaves() {
        for number in 0..<MemberGate.maxPerMember { #expect(gate.enter(key(number), now: start) == .open) }
        #expect(gate.enter(key(8), now: start) == .parked)
        #expect(gate.enter(key(9), now: start) == .parked)
        #expect(gate.enter(key(8), now: start) == .parked)
        #expect(gate.enter(key(0, on: "north"), now: start) == .open, "the others are not held up")
        #expect(gate.next("edge").isEmpty)
        gate.leave("edge", hasAnswered: true, now: start)
        #expect(gate.next("edge") == [key(8)])
        #expect(gate.enter(key(8), now: start) == .open)
        #expect(gate.next("edge").isEmpty)
    }

    @Test func ofManyThatWaitOnlyThoseComeBackThatMayBegin() {
        for number in 0..<MemberGate.maxPerMember { #expect(gate.enter(key(number), now: start) == .open) }
        for number in 10..<1_010 { #expect(gate.enter(key(number), now: start) == .parked) }
        var woken: [SyncKey] = []
        for _ in 0..<MemberGate.maxPerMember { gate.leave("edge", hasAnswered: true, now: start) }
        // None of them enters: whoever waits behind them gets the turn.
        while case let keys = gate.next("edge"), !keys.isEmpty {
            #expect(keys.count <= MemberGate.maxPerMember)
            woken += keys
        }
        #expect(woken == (10..<1_010).map { key($0) })
    }

    @Test func whoDidNotAnswerToSomebodyElseIsLeftAloneToo() {
        #expect(gate.pause(of: "edge", now: start) == nil)
        gate.close("edge", now: start)
        #expect(gate.pause(of: "edge", now: start) == .seconds(1))
        #expect(gate.enter(key(1), now: start) == .closed(.seconds(1)))
        #expect(gate.pause(of: "edge", now: start.advanced(by: .seconds(1))) == nil)
        #expect(gate.pause(of: "north", now: start) == nil)
    }

    @Test func aMemberThatDoesNotAnswerIsLeftAloneForLongerAndLonger() {
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<8 {
            #expect(gate.enter(key(1), now: now) == .open)
            gate.leave("edge", hasAnswered: false, now: now)
            guard case .closed(let pause) = gate.enter(key(1), now: now) else {
                Issue.record("it is open")
                return
            }
            pauses.append(pause)
            now = now.advanced(by: pause)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60].map { Duration.seconds($0) })
        #expect(gate.enter(key(1), now: now) == .open)
        gate.leave("edge", hasAnswered: false, now: now)
        gate.reset("edge")
        #expect(gate.enter(key(1), now: now) == .open, "it is ready again")
    }

    @Test("who has no credential to ask with gets no answer either")
    func unanswered() throws {
        let scene = MemberScene(
            [MemberScene.healthy],
            secret: MemberScene.brokenPlugin,
            allowedCommands: ["/bin/login"]
        )
        let members = scene.harness.members
        let call = scene.harness.world.start { _ = try await members.client(for: "edge").send(.raw("/readyz")) }
        scene.harness.world.settle()
        let error = #expect(throws: ClientError.self) { try call.result?.get() }
        #expect(error?.isUnanswered == true)
    }
}
