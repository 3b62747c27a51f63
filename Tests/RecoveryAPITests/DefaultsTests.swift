import JSON
import KubernetesCore
import Testing

@testable import RecoveryAPI

/// What the schema fills in is what Swift assumes when nothing was filled in.
struct DefaultsTests {
    private static let recovery = RecoverySpec(error: ReportedError(type: "Custom"))
    private static let policy = RecoveryPolicySpec()
    private static let condition = ConditionDetector(apiVersion: "v1", kind: "Pod", type: "Ready", errorType: "Custom")
    private static let event = EventDetector(reason: "Failed", errorType: "Custom")
    private static let probe = HTTPProbe(name: "a", url: "http://a", errorType: "Custom")
    private static let alert = AlertDetector(matchLabels: ["a": "b"], errorType: "Custom")
    private static let renewal = CredentialRenewal(
        serviceAccountRef: ServiceAccountReference(namespace: "a", name: "b")
    )
    private static let migration = MigrationSpec(
        placementRef: NameReference(name: "a"),
        action: .relocate,
        from: "b",
        to: "c"
    )

    private static let assumed: [String: [String: JSONValue]] = [
        "Recovery": [
            "error.severity": word(recovery.error.effectiveSeverity),
            "suspend": .bool(recovery.isSuspended),
            "cancel": .bool(recovery.isCancelled),
            "ttlSecondsAfterFinished": number(recovery.effectiveTTLSeconds),
        ],
        "RecoveryPolicy": [
            "mode": word(policy.effectiveMode),
            "priority": number(policy.effectivePriority),
            "suspend": .bool(policy.isSuspended),
            "gitOps": word(policy.effectiveGitOps),
            "resetAfterHealthySeconds": number(policy.effectiveResetAfterHealthySeconds),
            "escalation.level": word(EscalationSettings().effectiveLevel),
            "notifications[].minLevel": word(NotificationChannel(.slack).effectiveMinLevel),
            "notifications[].repeatSeconds": number(NotificationChannel(.slack).effectiveRepeatSeconds),
        ].merging(detection) { $1 }.merging(ladder) { $1 }.merging(limits) { $1 }.merging(breaker) { $1 },
        "RecoveryApproval": [:],
        "MemberCluster": [
            "credentialRenewal.expirationSeconds": number(renewal.effectiveExpirationSeconds),
            "credentialRenewal.renewBeforeSeconds": number(renewal.effectiveRenewBeforeSeconds),
            "unschedulable": .bool(MemberClusterSpec(kubeconfigSecretRef: SecretReference(name: "a")).isUnschedulable),
            "probe.intervalSeconds": number(ProbeSettings().effectiveIntervalSeconds),
            "probe.timeoutSeconds": number(ProbeSettings().effectiveTimeoutSeconds),
            "probe.failureThreshold": number(ProbeSettings().effectiveFailureThreshold),
            "probe.successThreshold": number(ProbeSettings().effectiveSuccessThreshold),
        ],
        "Placement": [
            "clusterCount": number(PlacementSpec(manifests: []).effectiveClusterCount),
            "tolerations[].operator": word(ClusterToleration().effectiveOperator),
            "spread[].maxSkew": number(SpreadConstraint(topologyKey: "zone").effectiveMaxSkew),
            "spread[].whenUnsatisfiable": word(SpreadConstraint(topologyKey: "zone").effectiveWhenUnsatisfiable),
        ],
        "Migration": [
            "failback": word(migration.effectiveFailback),
            "rollbackOnFailure": .bool(migration.rollsBackOnFailure),
            "deadlineSeconds": number(migration.effectiveDeadlineSeconds),
        ],
    ]

    private static let detection: [String: JSONValue] = [
        "detection.conditions[].status": word(condition.effectiveStatus),
        "detection.conditions[].onNoData": word(condition.effectiveOnNoData),
        "detection.conditions[].forSeconds": number(condition.effectiveForSeconds),
        "detection.conditions[].healthyForSeconds": number(condition.effectiveHealthyForSeconds),
        "detection.conditions[].severity": word(condition.effectiveSeverity),
        "detection.workloads.enabled": .bool(WorkloadDetector().isEnabled),
        "detection.workloads.forSeconds": number(WorkloadDetector().effectiveForSeconds),
        "detection.workloads.healthyForSeconds": number(WorkloadDetector().effectiveHealthyForSeconds),
        "detection.workloads.severity": word(WorkloadDetector().effectiveSeverity),
        "detection.nodes.enabled": .bool(NodeDetector().isEnabled),
        "detection.nodes.forSeconds": number(NodeDetector().effectiveForSeconds),
        "detection.nodes.healthyForSeconds": number(NodeDetector().effectiveHealthyForSeconds),
        "detection.nodes.severity": word(NodeDetector().effectiveSeverity),
        "detection.events[].count": number(event.effectiveCount),
        "detection.events[].windowSeconds": number(event.effectiveWindowSeconds),
        "detection.events[].healthyForSeconds": number(event.effectiveHealthyForSeconds),
        "detection.events[].severity": word(event.effectiveSeverity),
        "detection.httpProbes[].intervalSeconds": number(probe.effectiveIntervalSeconds),
        "detection.httpProbes[].timeoutSeconds": number(probe.effectiveTimeoutSeconds),
        "detection.httpProbes[].failureThreshold": number(probe.effectiveFailureThreshold),
        "detection.httpProbes[].successThreshold": number(probe.effectiveSuccessThreshold),
        "detection.httpProbes[].healthyForSeconds": number(probe.effectiveHealthyForSeconds),
        "detection.httpProbes[].severity": word(probe.effectiveSeverity),
        "detection.clusterHealth.enabled": .bool(ClusterHealthDetector().isEnabled),
        "detection.clusterHealth.healthyForSeconds": number(ClusterHealthDetector().effectiveHealthyForSeconds),
        "detection.clusterHealth.severity": word(ClusterHealthDetector().effectiveSeverity),
        "detection.alerts[].severity": word(alert.effectiveSeverity),
    ]

    private static let ladder: [String: JSONValue] = [
        "strategies[].backoff.initialSeconds": number(BackoffSettings().effectiveInitialSeconds),
        "strategies[].backoff.factorPercent": number(BackoffSettings().effectiveFactorPercent),
        "strategies[].backoff.maxSeconds": number(BackoffSettings().effectiveMaxSeconds),
        "strategies[].backoff.jitterPercent": number(BackoffSettings().effectiveJitterPercent),
        "strategies[].verify.forSeconds": number(VerifySettings().effectiveForSeconds),
        "strategies[].verify.timeoutSeconds": number(VerifySettings().effectiveTimeoutSeconds),
        "verify.forSeconds": number(VerifySettings().effectiveForSeconds),
        "verify.timeoutSeconds": number(VerifySettings().effectiveTimeoutSeconds),
    ]

    private static let limits: [String: JSONValue] = [
        "limits.maxConcurrent": number(PolicyLimits().effectiveMaxConcurrent),
        "limits.alwaysAllow": number(PolicyLimits().effectiveAlwaysAllow),
        "limits.cooldownSeconds": number(PolicyLimits().effectiveCooldownSeconds),
        "limits.stormCooldownSeconds": number(PolicyLimits().effectiveStormCooldownSeconds),
        "limits.budget.windowSeconds": number(ActionBudget(actions: 1).effectiveWindowSeconds),
    ]

    private static let breaker: [String: JSONValue] = [
        "circuitBreaker.scope": word(CircuitBreakerSettings().effectiveScope),
        "circuitBreaker.windowType": word(CircuitBreakerSettings().effectiveWindowType),
        "circuitBreaker.windowSize": number(CircuitBreakerSettings().effectiveWindowSize),
        "circuitBreaker.windowSeconds": number(CircuitBreakerSettings().effectiveWindowSeconds),
        "circuitBreaker.minimumCalls": number(CircuitBreakerSettings().effectiveMinimumCalls),
        "circuitBreaker.failureRatePercent": number(CircuitBreakerSettings().effectiveFailureRatePercent),
        "circuitBreaker.slowCallRatePercent": number(CircuitBreakerSettings().effectiveSlowCallRatePercent),
        "circuitBreaker.openSeconds": number(CircuitBreakerSettings().effectiveOpenSeconds),
        "circuitBreaker.openGrowthPercent": number(CircuitBreakerSettings().effectiveOpenGrowthPercent),
        "circuitBreaker.maxOpenSeconds": number(CircuitBreakerSettings().effectiveMaxOpenSeconds),
        "circuitBreaker.halfOpenMaxSeconds": number(CircuitBreakerSettings().effectiveHalfOpenMaxSeconds),
        "circuitBreaker.reset": word(CircuitBreakerSettings().effectiveReset),
        "circuitBreaker.force": word(CircuitBreakerSettings().effectiveForce),
    ]

    private static func number(_ value: Int) -> JSONValue { .number(JSONNumber(Int64(value))) }

    private static func word<Known: RawRepresentable>(_ value: Known) -> JSONValue where Known.RawValue == String {
        .string(value.rawValue)
    }

    @Test("schema defaults and Swift defaults are the same, field by field", arguments: KindUnderTest.all)
    func defaults(_ kind: KindUnderTest) throws {
        var schema: [String: JSONValue] = [:]
        for (path, field) in try kind.customResource().specSchemas {
            if let value = field["default"] { schema[String(path.dropFirst("spec.".count))] = value }
        }
        let swift = try #require(Self.assumed[kind.resource.kind])
        #expect(Set(schema.keys) == Set(swift.keys))
        for (path, value) in swift { #expect(schema[path] == value, "\(path)") }
    }

    @Test("the breaker's threshold depends on how hard the action is, unless one is given")
    func breakerThreshold() {
        var settings = CircuitBreakerSettings()
        #expect(settings.effectiveFailureThreshold(isRedeployment: false) == 3)
        #expect(settings.effectiveFailureThreshold(isRedeployment: true) == 5)
        settings.failureThreshold = 2
        #expect(settings.effectiveFailureThreshold(isRedeployment: true) == 2)
    }

    @Test("an unknown word never makes a setting less careful than its default")
    func unknownWords() {
        var policy = RecoveryPolicySpec()
        policy.mode = .unknown("Yolo")
        policy.gitOps = .unknown("Yolo")
        #expect(policy.effectiveMode == .observe)
        #expect(policy.effectiveGitOps == .defer)
    }

    @Test("a Secret's key is looked for under two names, unless one is given", arguments: [nil, "", "admin.conf"])
    func kubeconfigKeys(_ key: String?) {
        let spec = MemberClusterSpec(kubeconfigSecretRef: SecretReference(name: "edge", key: key))
        #expect(spec.kubeconfigKeys == (key == "admin.conf" ? ["admin.conf"] : ["kubeconfig", "value"]))
    }
}
