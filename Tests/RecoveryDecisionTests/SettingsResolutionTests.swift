import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Which settings a Recovery runs under: precedence, ladders, refusals.
struct SettingsResolutionTests {
    private func resolve(
        _ recovery: Recovery = .make(),
        policy: RecoveryPolicy? = nil,
        _ change: (inout RecoveryFacts) -> Void = { _ in }
    ) throws -> SettingsResolution {
        try SettingsResolution.resolve(recovery, policy: policy, facts: .make(change))
    }

    private func rung(
        _ recovery: Recovery = .make(),
        policy: RecoveryPolicy? = nil,
        _ change: (inout RecoveryFacts) -> Void = { _ in }
    ) throws -> StrategyRung {
        try #require(try resolve(recovery, policy: policy, change).settings.ladder?.first)
    }

    private func byType(_ settings: ErrorTypeConfiguration) -> (inout RecoveryFacts) -> Void {
        { $0.configuration.strategies["ClusterUnreachable"] = settings }
    }

    // MARK: Precedence

    @Test("Priority: policy rung, configuration for the type, strategy")
    func priority() throws {
        let policy = RecoveryPolicy.make(rungs: [.make("Connect", priority: 7)])
        let configured = byType(ErrorTypeConfiguration(priority: 33))
        #expect(try rung().priority == 80)
        #expect(try rung(configured).priority == 33)
        #expect(try rung(policy: policy, configured).priority == 7)
        #expect(try resolve(policy: policy).priority == 7)
    }

    private func rung(_ change: (inout RecoveryFacts) -> Void) throws -> StrategyRung {
        try rung(.make(), policy: nil, change)
    }

    @Test("Timeout of an attempt: policy rung, configuration for the type, strategy")
    func timeout() throws {
        let policy = RecoveryPolicy.make(rungs: [.make("Connect", timeoutSeconds: 11)])
        let configured = byType(ErrorTypeConfiguration(timeout: .milliseconds(1_500)))
        #expect(try rung().timeoutSeconds == 300)
        #expect(try rung(configured).timeoutSeconds == 2, "rounded up")
        #expect(try rung(policy: policy, configured).timeoutSeconds == 11)
        #expect(try rung(.make(type: "Other") { $0.spec.error.retryable = true }, configured2).timeoutSeconds == 120)
    }

    private let configured2: (inout RecoveryFacts) -> Void = {
        $0.configuration.strategies["ClusterUnreachable"] = ErrorTypeConfiguration(timeout: .seconds(1))
    }

    private func rung(_ recovery: Recovery, _ change: (inout RecoveryFacts) -> Void) throws -> StrategyRung {
        try rung(recovery, policy: nil, change)
    }

    @Test("The whole recovery's time: Recovery, configuration")
    func wholeTimeout() throws {
        #expect(try resolve().settings.timeoutSeconds == 900)
        #expect(try resolve { $0.configuration.recoveryTimeout = .seconds(60) }.settings.timeoutSeconds == 60)
        let own = Recovery.make { $0.spec.timeoutSeconds = 5 }
        #expect(try resolve(own) { $0.configuration.recoveryTimeout = .seconds(60) }.settings.timeoutSeconds == 5)
    }

    /// Who says how many attempts there are, and what comes of it.
    struct AttemptsCase: Sendable, CustomTestStringConvertible {
        var own: Int?
        var rung: Int?
        var type: Int?
        var configuration = 3
        var expected: Int

        var testDescription: String { "\(String(describing: self).suffix(120))" }
    }

    @Test(
        "Attempts of a single strategy: Recovery, configuration for the type, configuration",
        arguments: [
            AttemptsCase(expected: 3), AttemptsCase(configuration: 9, expected: 9),
            AttemptsCase(type: 0, expected: 1), AttemptsCase(type: 6, expected: 7),
            AttemptsCase(own: 5, expected: 5), AttemptsCase(own: 5, type: 1, expected: 5),
            AttemptsCase(own: 1, type: 6, expected: 1), AttemptsCase(own: 2, rung: 9, expected: 2),
            AttemptsCase(rung: 9, type: 1, expected: 9), AttemptsCase(type: .max, expected: 101),
        ]
    )
    func attempts(_ given: AttemptsCase) throws {
        let recovery = Recovery.make { $0.spec.maxAttempts = given.own }
        let policy = given.rung.map { RecoveryPolicy.make(rungs: [.make("Connect", maxAttempts: $0)]) }
        let settings = try resolve(recovery, policy: policy) { facts in
            facts.configuration.retryAttempts = given.configuration
            facts.configuration.strategies["ClusterUnreachable"] = ErrorTypeConfiguration(maxRetries: given.type)
        }.settings
        let rungs = settings.ladder?.map { $0.maxAttempts ?? 0 } ?? []
        let allowed = min(settings.maxAttempts ?? 0, rungs.reduce(0, +))
        #expect(allowed == min(given.expected, 100))
    }

    @Test("A ladder: one attempt on a rung that names no number, all together what they add up to")
    func ladder() throws {
        let rungs = [StrategyRung.make("Ping"), .make("Connect", maxAttempts: 4), .make("Wipe")]
        let policy = RecoveryPolicy.make(rungs: rungs)
        let settings = try resolve(policy: policy).settings
        #expect(
            settings.ladder?.map(\.name) == ["Ping", "Connect", "Wipe"],
            "a destructive one runs where it is named"
        )
        #expect(settings.ladder?.map(\.maxAttempts) == [1, 4, 1])
        #expect(settings.ladder?.map(\.timeoutSeconds) == [30, 300, 60])
        #expect(settings.maxAttempts == 6)
        let capped = try resolve(.make { $0.spec.maxAttempts = 2 }, policy: policy).settings
        #expect(capped.maxAttempts == 2)
        #expect(capped.ladder?.map(\.maxAttempts) == [1, 4, 1])
    }

    @Test(
        "Numbers that no server should have let through neither trap nor mean nothing",
        arguments: [Int.max, 0, Int.min]
    )
    func hugeNumbersInPolicies(_ number: Int) throws {
        let rungs = ["Ping", "Connect"].map { StrategyRung.make($0, maxAttempts: number, timeoutSeconds: number) }
        let facts = RecoveryFacts.make(policies: [.make(rungs: rungs)])
        let settings = try SettingsResolution.resolve(.make(), policy: facts.policies[0], facts: facts).settings
        #expect(settings.maxAttempts == (number == .max ? 200 : 2))
        let recovery = try Recovery.make().reserved(facts)
        #expect(try #require(recovery.lastExecution?.deadline) <= at(900))
    }

    @Test func aForcedStrategyRunsAloneWithThePolicysSettingsForIt() throws {
        let policy = RecoveryPolicy.make(rungs: [.make("Connect"), .make("Ping", timeoutSeconds: 3)])
        let forced = try resolve(.make { $0.spec.strategy = "Ping" }, policy: policy).settings
        #expect(forced.ladder?.map(\.name) == ["Ping"])
        #expect(forced.ladder?.first?.timeoutSeconds == 3)
        #expect(forced.maxAttempts == 3, "no ladder, so the configuration's number")
        #expect(try rung(.make { $0.spec.strategy = "Wipe" }).name == "Wipe")
        #expect(try rung(.make { $0.spec.strategy = "" }).name == "Connect", "empty means chosen by type")
        #expect(try rung(.make(type: "Odd") { $0.spec.strategy = "Ping" }).name == "Ping", "forced for any error")
    }

    @Test func parametersOfTheRecoveryWinOverThoseOfTheRungNameByName() throws {
        let policy = RecoveryPolicy.make(rungs: [StrategyRung(name: "Connect")]) { policy in
            policy.spec.strategies?[0].parameters = ["a": 1, "b": 2]
        }
        let own = Recovery.make { $0.spec.parameters = ["b": 3, "c": .null] }
        #expect(try rung(own, policy: policy).parameters == ["a": 1, "b": 3, "c": .null])
        #expect(try rung(.make(), policy: policy).parameters == ["a": 1, "b": 2])
        #expect(try rung(own).parameters == ["b": 3, "c": .null])
    }

    @Test func theServiceAccountOfTheRecoveryWinsAndEmptyCountsAsAbsent() throws {
        let policy = RecoveryPolicy.make { $0.spec.serviceAccountName = "of-policy" }
        func account(_ own: String?) throws -> String? {
            try resolve(.make { $0.spec.serviceAccountName = own }, policy: policy).settings.serviceAccountName
        }
        #expect(try account("own") == "own")
        #expect(try account("") == "of-policy")
        #expect(try account(nil) == "of-policy")
        #expect(try resolve().settings.serviceAccountName == nil)
    }

    @Test func everythingThatThePolicySaysIsKeptInFull() throws {
        let policy = RecoveryPolicy.make { policy in
            policy.spec.mode = .known(.auto)
            policy.spec.limits = PolicyLimits()
            policy.spec.verify = VerifySettings(forSeconds: 4)
            policy.spec.escalation = EscalationSettings(level: .guided)
            policy.spec.circuitBreaker = CircuitBreakerSettings()
            policy.spec.gitOps = .known(.override)
        }
        let settings = try resolve(policy: policy).settings
        #expect(settings.mode == policy.spec.mode)
        #expect(settings.limits == policy.spec.limits)
        #expect(settings.verify == policy.spec.verify)
        #expect(settings.escalation == policy.spec.escalation)
        #expect(settings.circuitBreaker == policy.spec.circuitBreaker)
        #expect(settings.gitOps == policy.spec.gitOps)
    }

    // MARK: Choice of the strategy

    @Test(
        "The strategy for an error: the best that is not destructive, else the fallback for retryable ones",
        arguments: [
            ("ClusterUnreachable", nil, "Connect"), ("ClusterUnavailable", nil, "Connect"),
            ("ClusterUnreachable", false, "Connect"), ("SyncFailure", nil, "Any"), ("Doom", true, "Any"),
            ("Custom", true, "Any"), ("Custom", nil, nil), ("Doom", nil, nil), ("InternalError", nil, nil),
            ("SyncFailure", false, nil),
        ] as [(String, Bool?, String?)]
    )
    func choice(_ type: String, _ retryable: Bool?, _ expected: String?) throws {
        let recovery = Recovery.make(type: type) { $0.spec.error.retryable = retryable }
        if let expected {
            #expect(try rung(recovery).name == expected)
        } else {
            #expect(throws: SettingsResolution.Refusal.noStrategy(errorType: type)) { try resolve(recovery) }
        }
    }

    @Test func ofEqualStrategiesTheFirstByNameIsChosenWhateverTheOrder() {
        let equals = ["C", "A", "B"].map {
            StrategyDescriptor(name: $0, errorTypes: ["X"], priority: 5, timeout: .seconds(1), isFallback: true)
        }
        for order in [equals, equals.reversed()] {
            #expect(StrategyCatalogue(order).candidates(forErrorType: "X").map(\.name) == ["A", "B", "C"])
            #expect(StrategyCatalogue(order).fallback?.name == "A")
            #expect(StrategyCatalogue(order).names == ["A", "B", "C"])
        }
        #expect(StrategyCatalogue([]).fallback == nil)
    }

    @Test func ofTwoStrategiesOfOneNameTheLaterCounts() {
        let one = StrategyDescriptor(name: "A", errorTypes: [], priority: 1, timeout: .seconds(1))
        var two = one
        two.priority = 2
        #expect(StrategyCatalogue([one, two])["A"]?.priority == 2)
        #expect(Destructiveness.allCases == Destructiveness.allCases.sorted())
    }

    // MARK: Refusals

    private func refusal(_ recovery: Recovery, _ facts: RecoveryFacts = .make()) throws -> RecoveryStatus {
        let decision = try decide(recovery, facts)
        #expect(decision.kind == "finish Failed")
        let status = try #require(decision.status)
        #expect(status.attempts == nil)
        #expect(status.executions == nil)
        #expect(status.effective == nil)
        #expect(status.escalation?.level == .manual)
        #expect(status.escalation?.nextSteps?.isEmpty == false)
        #expect(status.observedGeneration == 1)
        return status
    }

    @Test("A strategy that is unknown or not enabled is refused with the names that are")
    func unknownStrategy() throws {
        let forced = try refusal(.make { $0.spec.strategy = "Magic" })
        #expect(forced.condition(ConditionType.accepted) == "False UnknownStrategy")
        #expect(forced.condition(ConditionType.succeeded) == "False UnknownStrategy")
        let message = "spec.strategy: strategy Magic is not known or not enabled; enabled are Any, Connect, Ping, Wipe"
        #expect(forced.message == message)
        #expect(forced.escalation?.nextSteps?.first == "Correct \(message)")

        let policy = RecoveryPolicy.make(rungs: [.make("Ping"), .make("Magic")])
        let inPolicy = try refusal(.make(), .make(policies: [policy]))
        let field = "RecoveryPolicy team/default spec.strategies[1].name: strategy Magic"
        #expect(inPolicy.message?.hasPrefix(field) == true)
    }

    @Test func `a ladder on which harm falls is refused: what does less harm is tried first (karpenter #3194)`() throws
    {
        let falling = RecoveryPolicy.make(rungs: [.make("Any"), .make("Wipe"), .make("Ping")])
        let status = try refusal(.make(), .make(policies: [falling]))
        #expect(status.condition(ConditionType.accepted) == "False InvalidLadder")
        let field = "RecoveryPolicy team/default spec.strategies[2].name: Ping does less harm than Wipe before it"
        #expect(status.message?.hasPrefix(field) == true)
        let rising = RecoveryPolicy.make(rungs: [.make("Any"), .make("Ping"), .make("Wipe")])
        #expect(try decide(.make(), .make(policies: [rising])).kind == "reserve")
        // A Recovery that names one strategy has no ladder.
        let forced = Recovery.make { $0.spec.strategy = "Ping" }
        #expect(try decide(forced, .make(policies: [falling])).kind == "reserve")
    }

    @Test func anErrorWithoutStrategyIsRefusedAndSaysWhatWouldHelp() throws {
        let status = try refusal(.make(type: "Custom"))
        #expect(status.condition(ConditionType.accepted) == "False NoStrategy")
        #expect(status.message?.contains("spec.error.retryable") == true)
    }

    @Test func invalidParametersAreRefusedForTheStrategiesOfTheLadderOnly() throws {
        let wrong = Recovery.make { $0.spec.parameters = ["depth": "x"] }
        var facts = Self.picky
        #expect(try decide(wrong, facts).kind == "reserve", "Ping is not on this ladder")
        let status = try refusal(wrong.with { $0.spec.strategy = "Ping" }, facts)
        #expect(status.condition(ConditionType.accepted) == "False InvalidParameters")
        #expect(status.message == "spec.parameters.depth: must be a number")
        facts.policies = [.make(rungs: [.make("Connect"), .make("Ping")])]
        #expect(try refusal(wrong, facts).message == "spec.parameters.depth: must be a number")
        #expect(try decide(.make(), facts).kind == "reserve", "without parameters there is nothing to check")
    }

    /// Facts in which `Ping` wants a number for `depth`.
    private static let picky = RecoveryFacts.make { facts in
        facts.parameterViolations = { strategy, parameters in
            guard strategy == "Ping", parameters["depth"]?.intValue == nil else { return [] }
            return [FieldViolation(path: "spec.parameters.depth", message: "must be a number")]
        }
    }

    @Test("Parameters of a policy are checked too, and a violation names the policy's field")
    func invalidParametersOfAPolicy() throws {
        let policy = RecoveryPolicy.make(rungs: [.make("Connect"), .make("Ping")]) { policy in
            policy.spec.strategies?[1].parameters = ["depth": "x"]
        }
        var facts = Self.picky
        facts.policies = [policy]
        let field = "RecoveryPolicy team/default spec.strategies[1].parameters.depth: must be a number"
        #expect(try refusal(.make(), facts).message == field)
        let corrected = Recovery.make { $0.spec.parameters = ["depth": 3] }
        #expect(try decide(corrected, facts).kind == "reserve", "the Recovery's own value wins")
    }

    @Test("An invalid spec is refused with every field that is wrong")
    func invalidSpec() throws {
        let recovery = Recovery.make(type: "lower") { recovery in
            recovery.spec.maxAttempts = 0
            recovery.spec.timeoutSeconds = Int.max
            recovery.spec.ttlSecondsAfterFinished = Int.max
        }
        let status = try refusal(recovery)
        #expect(status.condition(ConditionType.accepted) == "False InvalidSpec")
        for field in ["error.type", "maxAttempts", "timeoutSeconds", "ttlSecondsAfterFinished"] {
            #expect(status.message?.contains("spec.\(field)") == true)
        }
        #expect(try decide(recovery.with(status), at: at(1e9)).kind == "ignore")
    }

    @Test func durationsBecomeWholeSecondsRoundedUpAndNeverZero() {
        #expect(Duration.zero.wholeSeconds == 1)
        #expect(Duration.milliseconds(-5_000).wholeSeconds == 1)
        #expect(Duration.milliseconds(2_001).wholeSeconds == 3)
        #expect(Duration.seconds(2).wholeSeconds == 2)
        #expect(Duration(secondsComponent: .max, attosecondsComponent: 1).wholeSeconds == .max)
    }
}
