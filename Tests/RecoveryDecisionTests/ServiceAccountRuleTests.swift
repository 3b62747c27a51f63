import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Who has to name a ServiceAccount.
struct ServiceAccountRuleTests {
    private static let catalogue = StrategyCatalogue([
        StrategyDescriptor(
            name: "Webhook",
            errorTypes: [],
            priority: 1,
            timeout: .seconds(1),
            destructiveness: .destructive,
            needsServiceAccount: true
        )
    ])

    @Test func `outside the controller's namespace a Recovery has to act as a ServiceAccount where the flag says so`()
        throws
    {
        let facts = RecoveryFacts.make { $0.configuration.requiresServiceAccount = true }
        let refused = try decide(.make(), facts)
        #expect(refused.kind == "finish Failed")
        #expect(refused.status?.condition(ConditionType.accepted) == "False ServiceAccountRequired")
        #expect(refused.status?.message?.contains("--require-service-account") == true)
        #expect(refused.status?.escalation?.level == .manual)
        let steps = try #require(refused.status?.escalation?.nextSteps)
        #expect(steps.first?.hasPrefix("No RecoveryPolicy in namespace team governs this") == true)
        #expect(steps.first?.contains("serviceAccountName: recovery-operator") == true)
        #expect(steps.last?.hasPrefix("Delete this Recovery and create it again") == true)
        let silent = RecoveryPolicy.make { $0.spec.serviceAccountName = nil }
        let governed = try decide(.make(), facts.with { $0.policies = [silent] }).status?.escalation?.nextSteps?.first
        #expect(governed?.contains("in spec.serviceAccountName of RecoveryPolicy team/") == true, "\(governed ?? "")")
        #expect(try decide(.make { $0.spec.serviceAccountName = "operator" }, facts).kind == "reserve")
        let policy = RecoveryPolicy.make { $0.spec.serviceAccountName = "operator" }
        #expect(try decide(.make(), facts.with { $0.policies = [policy] }).kind == "reserve", "its policy names one")
        #expect(try decide(.make { $0.spec.serviceAccountName = "" }, facts).kind == "finish Failed")
        let own = Recovery.make { recovery in
            recovery.metadata.namespace = "tmc-recovery-system"
            recovery.spec.targetRef?.namespace = "tmc-recovery-system"
        }
        #expect(try decide(own, facts).kind == "reserve")
    }

    @Test func `a strategy that does what a tenant says acts only as a ServiceAccount, in any namespace`() throws {
        let facts = RecoveryFacts.make { facts in
            facts.catalogue = StrategyCatalogue([
                StrategyDescriptor(
                    name: "Job",
                    errorTypes: [],
                    priority: 1,
                    timeout: .seconds(1),
                    needsServiceAccount: true
                )
            ])
        }
        for namespace in ["team", "tmc-recovery-system"] {
            let recovery = Recovery.make { recovery in
                recovery.metadata.namespace = namespace
                recovery.spec.targetRef = nil
                recovery.spec.strategy = "Job"
            }
            let refused = try decide(recovery, facts)
            #expect(refused.status?.condition(ConditionType.accepted) == "False ServiceAccountRequired")
            #expect(refused.status?.message?.contains("the strategy Job acts only as a ServiceAccount") == true)
        }
        let named = Recovery.make { recovery in
            recovery.spec.strategy = "Job"
            recovery.spec.serviceAccountName = "operator"
        }
        #expect(try decide(named, facts).kind == "reserve")
    }

    @Test func `a policy whose Recoveries would be refused for want of a ServiceAccount says so`() throws {
        func ready(_ account: String?, _ namespace: String, mandatory: Bool, webhook: Bool = false) throws -> String {
            let policy = RecoveryPolicy.make { policy in
                policy.metadata.namespace = namespace
                policy.spec.serviceAccountName = account
                guard webhook else { return }
                var rung = StrategyRung(name: "Webhook")
                rung.webhook = WebhookStrategySettings(url: "https://hooks.example/x")
                policy.spec.strategies = [rung]
            }
            let outlook = PolicyOutlook(
                ServiceAccountRule(
                    catalogue: Self.catalogue,
                    isMandatory: mandatory,
                    controllerNamespace: "tmc-recovery-system"
                )
            )
            let status = outlook.status(of: policy, books: RecoveryPolicyStatus(), now: start)
            let condition = try #require(status.conditions?[type: ConditionType.ready])
            return "\(condition.reason): \(condition.message)"
        }
        let flag = "ServiceAccountRequired: spec.serviceAccountName: is required outside namespace tmc-recovery-system"
        #expect(try ready(nil, "team", mandatory: true).hasPrefix(flag))
        #expect(try ready("", "team", mandatory: true).hasPrefix(flag))
        #expect(try ready("operator", "team", mandatory: true).hasPrefix("Observing"))
        #expect(try ready(nil, "team", mandatory: false).hasPrefix("Observing"))
        #expect(try ready(nil, "tmc-recovery-system", mandatory: true).hasPrefix("Observing"))
        let strategy = "ServiceAccountRequired: spec.serviceAccountName: is required: the strategy Webhook acts only as"
        #expect(try ready(nil, "team", mandatory: false, webhook: true).hasPrefix(strategy))
        #expect(try ready(nil, "tmc-recovery-system", mandatory: false, webhook: true).hasPrefix(strategy))
        #expect(try ready("operator", "team", mandatory: true, webhook: true).hasPrefix("Observing"))
    }
}
