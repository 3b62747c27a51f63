import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// What a policy's status says: how much goes on, and whether the policy can act at all.
struct PolicyOutlookTests {
    private static let catalogue = StrategyCatalogue([
        StrategyDescriptor(name: "Look", errorTypes: [], priority: 1, timeout: .seconds(1)),
        StrategyDescriptor(
            name: "Break",
            errorTypes: [],
            priority: 1,
            timeout: .seconds(1),
            destructiveness: .disruptive
        ),
    ])

    private static func outlook() -> PolicyOutlook {
        PolicyOutlook(
            ServiceAccountRule(
                catalogue: catalogue,
                isMandatory: false,
                controllerNamespace: "tmc-recovery-system"
            )
        )
    }

    private func condition(_ type: String, of policy: RecoveryPolicy) -> Condition? {
        let status = Self.outlook().status(of: policy, books: policy.status ?? RecoveryPolicyStatus(), now: start)
        return status.conditions?[type: type]
    }

    @Test(
        arguments: [
            ("True Observing", { @Sendable _ in }),
            ("True Acting", { $0.mode = .known(.auto) }),
            ("True AwaitingApprovals", { $0.mode = .known(.approve) }),
            ("False Suspended", { $0.suspend = true }),
            ("False InvalidSpec", { $0.priority = 5_000 }),
            ("False UnknownStrategy", { $0.strategies = [StrategyRung(name: "Magic")] }),
            ("False InvalidLadder", { $0.strategies = [StrategyRung(name: "Break"), StrategyRung(name: "Look")] }),
            ("True Observing", { $0.strategies = [StrategyRung(name: "Look"), StrategyRung(name: "Break")] }),
            (
                "False OutsideFence",
                {
                    $0.match = PolicyMatch()
                    $0.match?.clusterSelector = LabelSelector()
                }
            ),
            (
                "False TooManyUnhealthy",
                {
                    $0.detection = PolicyDetection()
                    $0.limits = PolicyLimits()
                    $0.limits?.maxUnhealthy = .percent(0)
                    $0.limits?.alwaysAllow = 0
                }
            ),
            (
                "False NoStrategy",
                {
                    $0.detection = PolicyDetection()
                    $0.detection?.alerts = [AlertDetector(matchLabels: ["a": "b"], errorType: "Mystery")]
                }
            ),
            (
                "True Observing",
                {
                    $0.detection = PolicyDetection()
                    $0.detection?.alerts = [AlertDetector(matchLabels: ["a": "b"], errorType: "Mystery")]
                    $0.strategies = [StrategyRung(name: "Look")]
                }
            ),
            (
                "False BreakerOpen",
                {
                    $0.circuitBreaker = CircuitBreakerSettings()
                    $0.circuitBreaker?.force = .known(.open)
                }
            ),
        ] as [(String, @Sendable (inout RecoveryPolicySpec) -> Void)]
    )
    func `a policy that can never act says so (karmada #6951)`(
        _ expected: String,
        _ change: @Sendable (inout RecoveryPolicySpec) -> Void
    ) throws {
        let ready = try #require(condition(ConditionType.ready, of: .make { change(&$0.spec) }))
        #expect("\(ready.status.rawValue) \(ready.reason)" == expected)
        #expect(!ready.message.isEmpty && ready.observedGeneration == 1)
    }

    @Test
    func `a policy with a storm limit that detection leaves blind says so, with what is not seen (karmada #6951)`()
        throws
    {
        var policy = RecoveryPolicy.make { policy in
            policy.spec.detection = PolicyDetection()
            policy.spec.detection?.nodes = NodeDetector()
            policy.spec.strategies = [StrategyRung(name: "Look")]
            policy.spec.limits = PolicyLimits()
            policy.spec.limits?.maxUnhealthy = .percent(40)
        }
        func ready(_ status: Condition.Status, base: DetectionBase? = nil) throws -> Condition {
            var told = RecoveryPolicyStatus()
            told.conditions = [
                Condition(
                    type: ConditionType.detecting,
                    status: status,
                    reason: "Forbidden",
                    message: "nodes: no right"
                )
            ]
            policy.status = told
            var outlook = Self.outlook()
            outlook.base = base
            let said = outlook.status(of: policy, books: told, now: start)
            return try #require(said.conditions?[type: ConditionType.ready])
        }
        let blind = try ready(.false)
        #expect(blind.status == .false && blind.reason == "DetectionBlind")
        #expect(blind.message.hasSuffix(": nodes: no right"))
        #expect(try ready(.unknown).status == .true, "the first lists are being read")
        #expect(try ready(.false, base: DetectionBase(matched: 3)).status == .true, "what counts is seen")
        policy.spec.limits?.maxUnhealthy = nil
        #expect(try ready(.false).status == .true, "nothing depends on the number")
    }

    @Test func `in the controller's namespace clusters can be selected`() throws {
        let policy = RecoveryPolicy.make { policy in
            policy.metadata.namespace = "tmc-recovery-system"
            policy.spec.match = PolicyMatch()
            policy.spec.match?.clusterSelector = LabelSelector()
        }
        #expect(condition(ConditionType.ready, of: policy)?.status == .true)
    }

    @Test func `which breaker is open, and until when, is a condition`() throws {
        var policy = RecoveryPolicy.make { $0.spec.circuitBreaker = CircuitBreakerSettings() }
        #expect(condition(ConditionType.breakersClosed, of: policy)?.reason == "AllClosed")
        var breaker = BreakerStatus(scope: .strategy, key: "Look")
        breaker.state = .open
        breaker.nextProbeTime = at(60)
        policy.status = RecoveryPolicyStatus()
        policy.status?.breakers = [breaker]
        let open = condition(ConditionType.breakersClosed, of: policy)
        #expect(open?.status == .false && open?.reason == "BreakerOpen")
        #expect(open?.message == "Strategy Look is Open, next probe at \(at(60).text)")
        policy.spec.circuitBreaker?.force = .known(.closed)
        #expect(condition(ConditionType.breakersClosed, of: policy)?.reason == "ForcedClosed")
        policy.spec.circuitBreaker?.force = .known(.open)
        #expect(condition(ConditionType.breakersClosed, of: policy)?.reason == "ForcedOpen")
    }

    @Test func `targets and running attempts are counted, and the latest ten decisions kept`() throws {
        let policy = RecoveryPolicy.make()
        let facts = RecoveryFacts.make(policies: [policy])
        var outlook = Self.outlook()
        let running = try Recovery.make(name: "a", uid: "a").reserved(facts)
        let waiting = try Recovery.make(name: "b", uid: "b").reserved(facts).settled(
            .transient(retryAfter: nil),
            at: start
        )
        let other = try Recovery.make(name: "c", uid: "c") { $0.spec.targetRef?.name = "other" }.reserved(facts)
        outlook.recoveries = [running, waiting, other]
        outlook.decisions = (0..<7).map { PolicyDecision(time: at(Double($0)), reason: "Admitted") }
        var status = outlook.status(of: policy, books: RecoveryPolicyStatus(), now: start)
        #expect(status.matched == 2 && status.inFlight == 2 && status.observedGeneration == 1)
        let same = outlook.status(of: policy, books: status, now: at(50))
        #expect(same == status, "told twice, nothing changes")
        outlook.decisions = (7..<14).map { PolicyDecision(time: at(Double($0)), reason: "Admitted") }
        status = outlook.status(of: policy, books: status, now: start)
        #expect(status.lastDecisions?.map(\.time) == (4..<14).map { at(Double($0)) })
    }
}
