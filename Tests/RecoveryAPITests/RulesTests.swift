import JSON
import KubernetesCore
import Testing
import YAML

@testable import RecoveryAPI

/// One change of a complete object that breaks one rule.
struct RuleCase: Sendable, CustomTestStringConvertible {
    let kind: String
    /// Message of the CEL rule, nil for rules that schemas cannot express.
    let message: String?
    /// Places as in `spec.list[0].field`, with their new values as YAML; empty text removes.
    let changes: [(String, String)]
    /// Path of the violation.
    let path: String

    init(_ kind: String, _ message: String?, _ changes: [(String, String)], _ path: String) {
        self.kind = kind
        self.message = message
        self.changes = changes
        self.path = path
    }

    var testDescription: String { "\(kind) \(path): \(message ?? "no CEL")" }

    /// The complete object with the changes applied.
    func object() throws -> JSONValue {
        try changes.reduce(CompleteObjects.object(kind)) { object, change in
            let value = change.1.isEmpty ? nil : try YAMLDocument.parse(Array(change.1.utf8), source: change.0)
            return object.replacing(Self.steps(change.0), with: value)
        }
    }

    private static func steps(_ path: String) -> [JSONStep] {
        path.replacing("[", with: ".[").split(separator: ".").map { part in
            if part.hasPrefix("["), let index = Int(part.dropFirst().dropLast()) { return .index(index) }
            return .key(String(part))
        }
    }
}

struct RulesTests {
    static let cases: [RuleCase] = [
        RuleCase(
            "RecoveryPolicy",
            "the strategies Job and Webhook need serviceAccountName",
            [("spec.serviceAccountName", "")],
            "spec.serviceAccountName"
        ),
        RuleCase(
            "RecoveryPolicy",
            "job belongs to the strategy Job, which needs it",
            [("spec.strategies[1].job", "")],
            "spec.strategies[1].job"
        ),
        RuleCase(
            "RecoveryPolicy",
            "job belongs to the strategy Job, which needs it",
            [("spec.strategies[0].job", "{template: {}}")],
            "spec.strategies[0].job"
        ),
        RuleCase(
            "RecoveryPolicy",
            "webhook belongs to the strategy Webhook, which needs it",
            [("spec.strategies[2].webhook", "")],
            "spec.strategies[2].webhook"
        ),
        RuleCase(
            "RecoveryPolicy",
            "webhook belongs to the strategy Webhook, which needs it",
            [("spec.strategies[0].webhook", "{url: 'https://example.com'}")],
            "spec.strategies[0].webhook"
        ),
        RuleCase(
            "RecoveryPolicy",
            "initialSeconds must not exceed maxSeconds",
            [("spec.strategies[0].backoff.maxSeconds", "9")],
            "spec.strategies[0].backoff.initialSeconds"
        ),
        RuleCase(
            "RecoveryPolicy",
            "forSeconds must not exceed timeoutSeconds",
            [("spec.verify.timeoutSeconds", "29")],
            "spec.verify.forSeconds"
        ),
        RuleCase(
            "RecoveryPolicy",
            "openSeconds must not exceed maxOpenSeconds",
            [("spec.circuitBreaker.maxOpenSeconds", "299")],
            "spec.circuitBreaker.openSeconds"
        ),
        RuleCase(
            "RecoveryPolicy",
            "minimumCalls must not exceed windowSize",
            [("spec.circuitBreaker.windowSize", "4")],
            "spec.circuitBreaker.minimumCalls"
        ),
        RuleCase(
            "RecoveryPolicy",
            "timeoutSeconds must not exceed intervalSeconds",
            [("spec.detection.httpProbes[0].timeoutSeconds", "16")],
            "spec.detection.httpProbes[0].timeoutSeconds"
        ),
        RuleCase(
            "RecoveryPolicy",
            "the channel Email needs email",
            [("spec.notifications[1].email", "")],
            "spec.notifications[1].email"
        ),
        RuleCase(
            "RecoveryPolicy",
            "the channel PagerDuty needs secretRef",
            [("spec.notifications[0].channel", "PagerDuty"), ("spec.notifications[0].secretRef", "")],
            "spec.notifications[0].secretRef"
        ),
        RuleCase(
            "RecoveryPolicy",
            "the channel needs secretRef or url",
            [("spec.notifications[0].url", ""), ("spec.notifications[0].secretRef", "")],
            "spec.notifications[0].secretRef"
        ),
        RuleCase(
            "MemberCluster",
            "timeoutSeconds must not exceed intervalSeconds",
            [("spec.probe.intervalSeconds", "4")],
            "spec.probe.timeoutSeconds"
        ),
        RuleCase(
            "MemberCluster",
            "renewBeforeSeconds must be less than expirationSeconds",
            [("spec.credentialRenewal.renewBeforeSeconds", "7200")],
            "spec.credentialRenewal.renewBeforeSeconds"
        ),
        RuleCase(
            "Placement",
            "operator must be Exists when key is empty",
            [("spec.tolerations[0].key", "")],
            "spec.tolerations[0].operator"
        ),
        RuleCase(
            "Placement",
            "value must be empty when operator is Exists",
            [("spec.tolerations[0].operator", "Exists")],
            "spec.tolerations[0].value"
        ),
        RuleCase("Migration", "from and to must differ", [("spec.to", "edge-1")], "spec.to"),
        // What schemas say by list types, patterns and embedded resources, or not at all.
        RuleCase("RecoveryPolicy", nil, [("spec.match.errorTypes", "[A, B, A]")], "spec.match.errorTypes[2]"),
        RuleCase("RecoveryPolicy", nil, [("spec.limits.maxUnhealthy", "101%")], "spec.limits.maxUnhealthy"),
        RuleCase("RecoveryPolicy", nil, [("spec.limits.maxUnhealthy", "many")], "spec.limits.maxUnhealthy"),
        RuleCase(
            "RecoveryPolicy",
            nil,
            [("spec.strategies[1].job.template", "[]")],
            "spec.strategies[1].job.template"
        ),
        RuleCase(
            "MemberCluster",
            nil,
            [
                (
                    "spec.taints",
                    "[{key: a, effect: NoExecute}, {key: a, effect: NoSchedule}, {key: a, effect: NoExecute}]"
                )
            ],
            "spec.taints[2]"
        ),
        RuleCase(
            "MemberCluster",
            nil,
            [("spec.allowedNamespaces.matchExpressions[0].values", "")],
            "spec.allowedNamespaces.matchExpressions[0].values"
        ),
        RuleCase(
            "MemberCluster",
            nil,
            [("spec.allowedNamespaces.matchExpressions[0].operator", "Exists")],
            "spec.allowedNamespaces.matchExpressions[0].values"
        ),
        RuleCase(
            "MemberCluster",
            nil,
            [("spec.allowedNamespaces.matchLabels", "{'not a key': x}")],
            "spec.allowedNamespaces.matchLabels[not a key]"
        ),
        RuleCase(
            "MemberCluster",
            nil,
            [("spec.requiredPermissions[0].verbs", "['*']")],
            "spec.requiredPermissions[0].verbs[0]"
        ),
        RuleCase("Placement", nil, [("spec.manifests[0].kind", "")], "spec.manifests[0].kind"),
        RuleCase("Placement", nil, [("spec.manifests[0].metadata", "{}")], "spec.manifests[0].metadata.name"),
        RuleCase(
            "Placement",
            nil,
            [
                (
                    "spec.manifests",
                    """
                    [{apiVersion: apps/v1, kind: D, metadata: {name: a}}, {apiVersion: v1, kind: D, metadata: {name: a}},
                     {apiVersion: apps/v1beta1, kind: D, metadata: {name: a}}]
                    """
                )
            ],
            "spec.manifests[2]"
        ),
        RuleCase(
            "Placement",
            nil,
            [("spec.spread", "[{topologyKey: zone}, {topologyKey: zone}]")],
            "spec.spread[1]"
        ),
    ]

    @Test("breaking one rule gives one violation, at its field", arguments: cases)
    func violation(_ rule: RuleCase) throws {
        let kind = try #require(KindUnderTest.all.first { $0.resource.kind == rule.kind })
        #expect(try kind.validate(rule.object()).map(\.path) == [rule.path])
    }

    @Test("every CEL rule that looks at one version of an object has a case", arguments: KindUnderTest.all)
    func coverage(_ kind: KindUnderTest) throws {
        let rules = try kind.customResource().schemas.values.flatMap {
            $0["x-kubernetes-validations"]?.arrayValue ?? []
        }
        let messages = rules.filter { $0["rule"]?.stringValue?.contains("oldSelf") == false }
            .compactMap { $0["message"]?.stringValue }
        let covered = Self.cases.filter { $0.kind == kind.resource.kind }.compactMap(\.message)
        #expect(Set(messages) == Set(covered))
    }

    /// For each immutable field another value for it.
    static let changes: [RuleCase] = [
        RuleCase("Recovery", "", [("spec.error.message", "other")], "spec.error"),
        RuleCase("Recovery", "", [("spec.clusterRef.name", "other")], "spec.clusterRef"),
        RuleCase("Recovery", "", [("spec.clusterRef", "")], "spec.clusterRef"),
        RuleCase("Recovery", "", [("spec.targetRef.uid", "other")], "spec.targetRef"),
        RuleCase("Recovery", "", [("spec.targetRef", "")], "spec.targetRef"),
        RuleCase("Recovery", "", [("spec.parentRef.name", "other")], "spec.parentRef"),
        RuleCase("Recovery", "", [("spec.parentRef", "")], "spec.parentRef"),
        RuleCase("Recovery", "", [("spec.serviceAccountName", "other")], "spec.serviceAccountName"),
        RuleCase("Recovery", "", [("spec.serviceAccountName", "")], "spec.serviceAccountName"),
        RuleCase("Recovery", "", [("spec.policyRef.name", "other")], "spec.policyRef"),
        RuleCase("Recovery", "", [("spec.policyRef", "")], "spec.policyRef"),
        RuleCase("RecoveryApproval", "", [("spec.decision", "Reject")], "spec"),
        RuleCase("Migration", "", [("spec.placementRef.name", "other")], "spec.placementRef"),
        RuleCase("Migration", "", [("spec.action", "Failover")], "spec.action"),
        RuleCase("Migration", "", [("spec.from", "edge-3")], "spec.from"),
        RuleCase("Migration", "", [("spec.to", "edge-3")], "spec.to"),
    ]

    @Test("an immutable field that changes is reported", arguments: changes)
    func immutable(_ change: RuleCase) throws {
        let kind = try #require(KindUnderTest.all.first { $0.resource.kind == change.kind })
        let old = try CompleteObjects.object(change.kind)
        #expect(try kind.validateUpdate(old, change.object()).map(\.path) == [change.path])
        #expect(try kind.validateUpdate(old, old) == [])
        let rules = try kind.customResource().schemas[change.path]?["x-kubernetes-validations"]?.arrayValue ?? []
        #expect(rules.contains { $0["rule"] == "self == oldSelf" }, "the schema lets it change")
    }

    @Test("cancel goes from false to true only, and the rest may change")
    func cancel() throws {
        let kind = try #require(KindUnderTest.all.first)
        let idle = try CompleteObjects.object("Recovery")
        let cancelled = try RuleCase(
            "Recovery",
            nil,
            [("spec.cancel", "true"), ("spec.suspend", "true"), ("spec.ttlSecondsAfterFinished", "1")],
            ""
        ).object()
        #expect(try kind.validateUpdate(idle, cancelled) == [])
        #expect(try kind.validateUpdate(cancelled, idle).map(\.path) == ["spec.cancel"])
    }
}
