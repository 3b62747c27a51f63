import JSON
import RecoveryDecision
import Testing

/// The configuration file: what is read, and what is said about what cannot be.
struct EngineConfigurationTests {
    @Test func anEmptyFileGivesTheDefaults() {
        for document in [JSONValue.null, [:], ["apiVersion": "x/v1", "kind": "Configuration"]] {
            let (configuration, problems) = EngineConfiguration.read(document)
            #expect(configuration == EngineConfiguration())
            #expect(problems.isEmpty)
        }
        let defaults = EngineConfiguration()
        #expect(defaults.maxConcurrentRecoveries == 10)
        #expect(defaults.recoveryTimeout == .seconds(900))
        #expect(defaults.healthCheckInterval == .seconds(30))
        #expect(defaults.retryAttempts == 3)
        #expect(defaults.enabledStrategies == nil)
    }

    @Test func everySettingIsRead() {
        let (configuration, problems) = EngineConfiguration.read([
            "maxConcurrentRecoveries": 4, "recoveryTimeout": "1h", "healthCheckInterval": 7, "retryAttempts": 9,
            "enabledStrategies": ["Connect", "Any", "Any"],
            "strategies": [
                "ResourceConflict": ["priority": 0, "timeout": "2m", "maxRetries": 0], "SyncFailure": [:],
            ],
            "allowedAddresses": ["127.0.0.0/8"],
        ])
        #expect(problems.isEmpty)
        var expected = EngineConfiguration()
        expected.maxConcurrentRecoveries = 4
        expected.recoveryTimeout = .seconds(3_600)
        expected.healthCheckInterval = .seconds(7)
        expected.retryAttempts = 9
        expected.enabledStrategies = ["Connect", "Any"]
        expected.addresses = AddressRule(allowed: AddressRange("127.0.0.0/8").map { [$0] } ?? [])
        expected.strategies = [
            "ResourceConflict": ErrorTypeConfiguration(priority: 0, timeout: .seconds(120), maxRetries: 0),
            "SyncFailure": ErrorTypeConfiguration(),
        ]
        #expect(configuration == expected)
    }

    @Test(
        "A problem names its field and leaves the default",
        arguments: [
            (["maxConcurrentRecoveries": 0], "maxConcurrentRecoveries"),
            (["maxConcurrentRecoveries": 10_001], "maxConcurrentRecoveries"),
            (["maxConcurrentRecoveries": "4"], "maxConcurrentRecoveries"),
            (["maxConcurrentRecoveries": .null], "maxConcurrentRecoveries"),
            (["retryAttempts": 0], "retryAttempts"), (["retryAttempts": 2.5], "retryAttempts"),
            (["retryAttempts": 101], "retryAttempts"), (["retryAttempts": -9_223_372_036_854_775_808], "retryAttempts"),
            (["recoveryTimeout": "0s"], "recoveryTimeout"), (["recoveryTimeout": "soon"], "recoveryTimeout"),
            (["recoveryTimeout": -1], "recoveryTimeout"), (["recoveryTimeout": true], "recoveryTimeout"),
            (["healthCheckInterval": []], "healthCheckInterval"),
            (["healthCheckInterval": "999ms"], "healthCheckInterval"),
            (["allowedAddresses": "127.0.0.1"], "allowedAddresses"),
            (["allowedAddresses": ["here"]], "allowedAddresses"),
            (["enabledStrategies": "Connect"], "enabledStrategies"),
            (["enabledStrategies": ["A", 1]], "enabledStrategies"), (["enabledStrategies": []], "enabledStrategies"),
            (["strategies": ["internalError": [:]]], "strategies.internalError"),
            (["strategies": ["": [:]]], "strategies."), (["strategies": ["Ünheil": [:]]], "strategies.Ünheil"),
            (["strategies": ["A"]], "strategies"), (["strategies": ["X": 5]], "strategies.X"),
            (["strategies": ["X": .null]], "strategies.X"),
            (["strategies": ["X": ["timeout": "5"]]], "strategies.X.timeout"),
            (["strategies": ["X": ["priority": -1]]], "strategies.X.priority"),
            (["strategies": ["X": ["maxRetries": 100]]], "strategies.X.maxRetries"),
            (["strategies": ["X": ["retries": 1]]], "strategies.X.retries"),
            (["maxConcurrent": 5], "maxConcurrent"), (["": 5], ""), ("text", "(file)"), ([1], "(file)"), (5, "(file)"),
        ] as [(JSONValue, String)]
    )
    func problems(_ document: JSONValue, _ field: String) {
        let (configuration, problems) = EngineConfiguration.read(document)
        #expect(problems.map(\.field) == [field])
        #expect(problems.first?.message.isEmpty == false)
        #expect(problems.first?.description.hasPrefix("\(field): ") == true)
        var read = configuration
        read.strategies = [:]
        #expect(read == EngineConfiguration())
    }

    @Test func allProblemsAreReportedInOrderAndTheRestIsRead() {
        let (configuration, problems) = EngineConfiguration.read([
            "retryAttempts": 0, "bogus": 1, "maxConcurrentRecoveries": 4,
            "strategies": ["B": ["timeout": 0, "priority": 5], "A": ["oops": 1]],
        ])
        #expect(problems.map(\.field) == ["bogus", "retryAttempts", "strategies.A.oops", "strategies.B.timeout"])
        #expect(configuration.maxConcurrentRecoveries == 4)
        #expect(configuration.strategies["B"] == ErrorTypeConfiguration(priority: 5))
        #expect(problems.first?.message.contains("enabledStrategies") == true, "the known settings are listed")
    }

    @Test(
        "Durations in text",
        arguments: [
            ("30s", 30_000), ("15m", 900_000), ("1h30m", 5_400_000), ("500ms", 500), ("1h0m1s1ms", 3_601_001),
            (30, 30_000), (0, 0), ("0s", 0), ("876000h", 3_153_600_000_000), (3_162_240_000, 3_162_240_000_000),
        ] as [(JSONValue, Int64)]
    )
    func durations(_ value: JSONValue, _ milliseconds: Int64) {
        #expect(DurationText.parse(value) == .milliseconds(milliseconds))
    }

    @Test(
        "What is no duration",
        arguments: [
            "", "5", "s", "1d", "1.5h", "-5s", "+5s", " 5s", "5s ", "5 s", "1h 30m", "5S", "1hh", "٣s", "1µs", "ms",
            "999999999999h", "9999999999999999999999s", "999999999999h999999999999h", 1.5, -1, 3_162_240_001,
            9_223_372_036_854_775_807, true, .null, [], [:],
        ] as [JSONValue]
    )
    func noDurations(_ value: JSONValue) {
        #expect(DurationText.parse(value) == nil)
    }
}

/// How long retries wait.
struct BackoffRuleTests {
    @Test(
        "Exponential up to the cap",
        arguments: [
            (BackoffRule(spreadPercent: 0), [5, 10, 20, 40, 80, 160, 300, 300]),
            (BackoffRule(initial: .seconds(1), factorPercent: 100, spreadPercent: 0), [1, 1, 1]),
            (BackoffRule(initial: .seconds(9), factorPercent: 0, spreadPercent: 0), [9, 9, 9]),
            (BackoffRule(initial: .seconds(9), factorPercent: -300, spreadPercent: 0), [9, 9, 9]),
            (BackoffRule(initial: .seconds(60), maximum: .seconds(10), spreadPercent: 0), [10, 10]),
            (BackoffRule(initial: .zero, spreadPercent: 0), [0, 0]), (BackoffRule(initial: .seconds(-5)), [0, 0]),
        ] as [(BackoffRule, [Int])]
    )
    func growth(_ rule: BackoffRule, _ seconds: [Int]) {
        for (index, expected) in seconds.enumerated() {
            #expect(rule.delay(afterAttempt: index + 1, seed: "x") == .seconds(expected))
        }
    }

    @Test func theSpreadOnlyAddsAndIsTheSameOnEveryRun() {
        let rule = BackoffRule(initial: .seconds(100), maximum: .seconds(100))
        let delays = (0..<200).map { rule.delay(afterAttempt: 1, seed: "uid-\($0)") }
        #expect(delays.allSatisfy { $0 >= .seconds(100) && $0 <= .seconds(120) })
        #expect(Set(delays).count > 190, "those that failed together come back apart")
        #expect(delays == (0..<200).map { rule.delay(afterAttempt: 1, seed: "uid-\($0)") })
        #expect(rule.delay(afterAttempt: 1, seed: "a") != rule.delay(afterAttempt: 2, seed: "a"))
    }

    @Test(arguments: [0, -1, 1, 64, Int.max, Int.min], [Int.max, Int.min, 0])
    func hugeNumbersDoNotTrap(_ attempt: Int, _ number: Int) {
        let rule = BackoffRule(
            initial: .seconds(number),
            factorPercent: number,
            maximum: .seconds(number),
            spreadPercent: number
        )
        let delay = rule.delay(afterAttempt: attempt, seed: "")
        #expect(delay >= .zero)
        #expect(delay <= .seconds(2 * 366 * 86_400))
    }

    @Test func fractionsAreEvenlySpreadBelowOne() {
        let fractions = (0..<10_000).map { SeededJitter.fraction("seed \($0)") }
        #expect(fractions.allSatisfy { (0..<1).contains($0) })
        let mean = fractions.reduce(0, +) / 10_000
        #expect((0.48...0.52).contains(mean))
    }
}
