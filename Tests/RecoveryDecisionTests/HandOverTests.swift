import RecoveryAPI
import RecoveryDecision
import Testing

@Suite("HandOver")
struct HandOverTests {
    /// The Recovery that takes over from another one.
    private func successor(_ type: String, of recovery: Recovery) -> Recovery {
        var next = Recovery.make(type: type)
        next.spec.error = HandOver.error(ReportedError(type: type), from: recovery)
        return next
    }

    @Test("a failure may turn out to be another one")
    func allowed() {
        let first = Recovery.make(type: "SyncFailure")
        #expect(HandOver.lineage(of: first) == ["SyncFailure"])
        #expect(HandOver.refusal(of: "ClusterUnreachable", from: first) == nil)
        let second = successor("ClusterUnreachable", of: first)
        #expect(HandOver.lineage(of: second) == ["SyncFailure", "ClusterUnreachable"])
        #expect(HandOver.refusal(of: "ClusterAuth", from: second) == nil)
    }

    @Test("but never itself, nor what it was before")
    func noPingPong() throws {
        let first = Recovery.make(type: "ClusterUnreachable")
        #expect(HandOver.refusal(of: "ClusterUnreachable", from: first) != nil)
        let second = successor("ClusterAuth", of: first)
        let words = try #require(HandOver.refusal(of: "ClusterUnreachable", from: second))
        #expect(words.hasSuffix("this was ClusterUnreachable, then ClusterAuth"))
    }

    @Test("every chain ends, whatever the strategies find")
    func bounded() {
        var recovery = Recovery.make(type: "Type0")
        var length = 1
        while length < 100, HandOver.refusal(of: "Type\(length)", from: recovery) == nil {
            recovery = successor("Type\(length)", of: recovery)
            length += 1
        }
        #expect(length == HandOver.maxRecoveries)
    }

    @Test("other facts about the error stay")
    func keepsContext() {
        var error = ReportedError(type: "ClusterAuth")
        error.context = ["reason": "Unauthorized", HandOver.contextKey: "forged"]
        let passed = HandOver.error(error, from: .make(type: "SyncFailure"))
        #expect(passed.context == ["reason": "Unauthorized", HandOver.contextKey: "SyncFailure"])
    }
}
