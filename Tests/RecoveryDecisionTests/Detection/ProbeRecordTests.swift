import RecoveryAPI
import RecoveryDecision
import Testing

struct ProbeRecordTests {
    private static func record(_ results: String, failureThreshold: Int = 3, successThreshold: Int = 1) -> ProbeRecord {
        var probe = HTTPProbe(name: "p", url: "http://web/", errorType: "X")
        probe.failureThreshold = failureThreshold
        probe.successThreshold = successThreshold
        var record = ProbeRecord()
        for result in results {
            switch result {
            case "+": record.note(nil, probe)
            case "-": record.note(TargetFailure(reason: "NoAnswer"), probe)
            default: record.noteGap("too many")
            }
        }
        return record
    }

    @Test(
        "only as many equal results in a row as the thresholds say change its mind, and a gap forgets all",
        arguments: [
            ("", "unknown"), ("-", "unknown"), ("--", "unknown"), ("---", "failing"), ("--+", "healthy"),
            ("+--", "healthy"), ("+---", "failing"), ("---+", "healthy"), ("--+--+--", "healthy"), ("--?-", "unknown"),
            ("---?", "unknown"), ("+?", "unknown"), ("---?---", "failing"),
        ]
    )
    func rows(_ results: String, _ expected: String) {
        #expect(Self.word(Self.record(results).verdict) == expected)
    }

    @Test(arguments: [
        ("+", "unknown"), ("++", "healthy"), ("+-+", "unknown"), ("---+", "failing"), ("---++", "healthy"),
    ])
    func `health, too, may have to last`(_ results: String, _ expected: String) {
        #expect(Self.word(Self.record(results, successThreshold: 2).verdict) == expected)
    }

    @Test func `one request that failed makes a target suspect, and a first result makes it seen`() {
        #expect(!Self.record("").isSeen && Self.record("-").isSeen && !Self.record("+?").isSeen)
        #expect(Self.record("+-").isSuspect && !Self.record("-+").isSuspect && !Self.record("-?").isSuspect)
        #expect(Self.record("?").problem == "too many" && Self.record("?+").problem == nil)
    }

    @Test(arguments: [0, -1, .min])
    func `thresholds that make no sense count as one`(_ threshold: Int) {
        #expect(Self.word(Self.record("-", failureThreshold: threshold).verdict) == "failing")
        #expect(Self.word(Self.record("+", successThreshold: threshold).verdict) == "healthy")
    }

    private static func word(_ verdict: TargetVerdict) -> String {
        switch verdict {
        case .unknown: "unknown"
        case .healthy: "healthy"
        case .failing: "failing"
        }
    }
}
