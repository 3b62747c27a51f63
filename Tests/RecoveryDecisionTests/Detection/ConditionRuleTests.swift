import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// Status conditions of any kind, as a policy names them.
@Suite("ConditionRule")
struct ConditionRuleTests {
    private static func object(_ conditions: JSONValue?, _ more: [String: JSONValue] = [:]) -> ObservedObject {
        var content: JSONValue = [
            "apiVersion": "example.com/v1", "kind": "Widget",
            "metadata": ["name": "w", "namespace": "team", "generation": 2, "labels": ["app": "web"]],
            "status": ["observedGeneration": 2],
        ]
        content.set(conditions, at: ["status", "conditions"])
        for (path, value) in more { content.set(value, at: path.split(separator: ".").map(String.init)) }
        return ObservedObject(content)
    }

    private static func detector(_ change: (inout ConditionDetector) -> Void = { _ in }) -> ConditionDetector {
        var detector = ConditionDetector(
            apiVersion: "example.com/v1",
            kind: "Widget",
            type: "Ready",
            errorType: "ComponentUnhealthy"
        )
        change(&detector)
        return detector
    }

    private static let notReady: JSONValue = [
        [
            "type": "Ready", "status": "False", "reason": "Stuck", "message": "no luck",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        ]
    ]

    @Test("the failing status is a failure, with reason, message and time of the condition")
    func fails() throws {
        let verdict = Self.detector().verdict(on: Self.object(Self.notReady))
        let failure = TargetFailure(
            reason: "Stuck",
            message: "Ready is False: no luck",
            since: Date(timeIntervalSince1970: 1_767_225_600)
        )
        #expect(verdict == .failing(failure))
    }

    @Test("another status or reason is health, and a status that was asked for is not")
    func healthy() {
        let unknown: JSONValue = [["type": "Ready", "status": "Unknown"]]
        #expect(Self.detector().verdict(on: Self.object(unknown)) == .healthy)
        #expect(Self.detector { $0.reason = "Other" }.verdict(on: Self.object(Self.notReady)) == .healthy)
        let asked = Self.detector { $0.status = .known(.unknown) }.verdict(on: Self.object(unknown))
        #expect(asked == .failing(TargetFailure(reason: "ReadyUnknown", message: "Ready is Unknown")))
    }

    @Test(
        "no data is not a failure unless asked",
        arguments: [nil, [], "text", [["type": "Other"]], [1]] as [JSONValue?]
    )
    func noData(conditions: JSONValue?) {
        let object = Self.object(conditions)
        #expect(Self.detector().verdict(on: object) == .unknown)
        let strict = Self.detector { $0.onNoData = .known(.fail) }.verdict(on: object)
        guard case .failing(let failure) = strict else {
            Issue.record("\(String(describing: strict))")
            return
        }
        #expect(failure.reason == "ConditionMissing")
    }

    @Test("a status of an older spec says nothing about the newest, even where no data is a failure")
    func staleStatus() {
        let stale = Self.object(Self.notReady, ["status.observedGeneration": 1])
        #expect(Self.detector().verdict(on: stale) == .unknown)
        #expect(Self.detector { $0.onNoData = .known(.fail) }.verdict(on: stale) == .unknown)
    }

    @Test("only what the selector chooses is looked at, and nothing that is excluded or on its way out")
    func chooses() {
        let matching = Self.detector { $0.selector = LabelSelector(matchLabels: ["app": "web"]) }
        #expect(matching.verdict(on: Self.object(Self.notReady)) != nil)
        let other = Self.detector { $0.selector = LabelSelector(matchLabels: ["app": "api"]) }
        #expect(other.verdict(on: Self.object(Self.notReady)) == nil)
        let excluded = Self.object(Self.notReady, ["metadata.labels": ["recovery.tmc.io/exclude": "true"]])
        #expect(Self.detector().verdict(on: excluded) == nil)
        let leaving = Self.object(Self.notReady, ["metadata.deletionTimestamp": "2026-01-01T00:00:00Z"])
        #expect(Self.detector().verdict(on: leaving) == nil)
    }
}
