import KubernetesCore
import RecoveryDecision
import Testing

@testable import RecoveryEngine

@Suite("RunningAttempts")
struct RunningAttemptsTests {
    private func running(_ name: String, _ policy: String? = "p") -> RunningRecovery {
        RunningRecovery(key: ObjectKey(namespace: "team", name: name), policy: policy.map { ObjectKey(name: $0) })
    }

    @Test("of two that pass the policy's gate together only as many go on as the policy allows (draino #89)")
    func limit() {
        let table = RunningAttempts()
        #expect(table.claim(running("a"), limit: 1, besides: []))
        #expect(!table.claim(running("b"), limit: 1, besides: []))
        #expect(table.claim(running("b"), limit: 2, besides: []))
        #expect(table.claim(running("c", "other"), limit: 1, besides: []))
        #expect(table.claim(running("d", nil), limit: nil, besides: []))
        #expect(Set(table.recoveries.map(\.key.name)) == ["a", "b", "c", "d"])
    }

    @Test("what a predecessor has left unfinished counts, once, and a Recovery is not in its own way")
    func unfinished() {
        let table = RunningAttempts()
        let left: Set<ObjectKey> = [running("a").key, running("b").key]
        #expect(!table.claim(running("c"), limit: 2, besides: left))
        #expect(table.claim(running("a"), limit: 2, besides: left))
        #expect(table.claim(running("a"), limit: 2, besides: left))
        #expect(!table.claim(running("c"), limit: 2, besides: left))
    }

    @Test("a withdrawn claim frees its place, and only one that was there says so")
    func withdrawn() {
        let table = RunningAttempts()
        #expect(table.claim(running("a"), limit: 1, besides: []))
        #expect(table.withdraw(running("a").key))
        #expect(!table.withdraw(running("a").key))
        #expect(table.claim(running("b"), limit: 1, besides: []))
    }
}
