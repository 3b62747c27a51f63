import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// What a policy asks detection to look at.
@Suite("DetectionPlan")
struct DetectionPlanTests {
    private static func policy(_ change: (inout PolicyDetection) -> Void, namespace: String = "team") -> RecoveryPolicy
    {
        var policy = RecoveryPolicy(metadata: ObjectMeta(name: "p", namespace: namespace))
        var detection = PolicyDetection()
        change(&detection)
        policy.spec.detection = detection
        return policy
    }

    private static func plan(_ policy: RecoveryPolicy) -> DetectionPlan {
        DetectionPlan(policy, controllerNamespace: "system")
    }

    private static let widgets = ConditionDetector(
        apiVersion: "example.com/v1",
        kind: "Widget",
        type: "Ready",
        errorType: "WidgetStuck"
    )

    @Test("the kinds that are named are watched in the policy's namespace, and no others")
    func kinds() {
        let plan = Self.plan(
            Self.policy {
                $0.conditions = [Self.widgets]
                $0.workloads = WorkloadDetector()
                $0.workloads?.kinds = [.known(.deployment)]
            }
        )
        let widget = GroupVersionKind(apiVersion: "example.com/v1", kind: "Widget")
        let deployment = GroupVersionKind(apiVersion: "apps/v1", kind: "Deployment")
        #expect(plan.kinds == [ObservedKind(widget, in: "team"), ObservedKind(deployment, in: "team")])
        #expect(plan.rules.count == 2 && plan.problems.isEmpty)
    }

    @Test("a policy that is suspended, is being deleted, or has nothing enabled looks at nothing")
    func nothing() {
        var suspended = Self.policy { $0.conditions = [Self.widgets] }
        suspended.spec.suspend = true
        var leaving = Self.policy { $0.conditions = [Self.widgets] }
        leaving.metadata.deletionTimestamp = Date(timeIntervalSince1970: 0)
        let disabled = Self.policy {
            $0.workloads = WorkloadDetector()
            $0.workloads?.enabled = false
            $0.nodes = NodeDetector()
            $0.nodes?.enabled = false
        }
        for policy in [suspended, leaving, disabled] {
            #expect(Self.plan(policy).kinds.isEmpty && Self.plan(policy).problems.isEmpty)
        }
    }

    @Test("nodes are looked at for policies of the controller's namespace only; elsewhere the policy says so")
    func nodes() {
        let elsewhere = Self.plan(Self.policy { $0.nodes = NodeDetector() })
        #expect(elsewhere.kinds.isEmpty && elsewhere.problems.first?.contains("only policies in system") == true)
        let own = Self.plan(Self.policy({ $0.nodes = NodeDetector() }, namespace: "system"))
        #expect(own.kinds.map(\.kind.kind) == ["Node"] && own.problems.isEmpty)
    }

    @Test("kinds that are not known make their detectors blind, and only those")
    func blind() throws {
        let plan = Self.plan(
            Self.policy {
                $0.conditions = [Self.widgets]
                $0.workloads = WorkloadDetector()
            }
        )
        let widget = ObservedObject(
            [
                "apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": "w", "namespace": "team"],
                "status": ["conditions": [["type": "Ready", "status": "False", "reason": "Stuck"]]],
            ]
        )
        var tally = EventTally()
        let some = DetectionPlan.World(now: start) { $0.kind.kind == "Widget" ? [widget] : nil }
        let view = plan.look(some, tally: &tally)
        let (sightings, blind) = (view.sightings, view.blind)
        #expect(sightings.count == 1 && sightings.first?.rule.errorType == "WidgetStuck")
        #expect(sightings.first?.target == widget.target)
        #expect(blind.count == 1 && blind.first?.name.hasPrefix("workloads") == true)
        #expect(plan.look(DetectionPlan.World(now: start) { _ in [] }, tally: &tally).blind.isEmpty)
    }

    @Test("a detector that was edited is another one; the defaults are those of the API")
    func edited() {
        var strict = Self.widgets
        strict.reason = "Stuck"
        let rules = [Self.widgets, strict].map { detector in Self.plan(Self.policy { $0.conditions = [detector] }).rules
        }
        #expect(rules[0] != rules[1])
        let rule = rules[0].first
        #expect(rule?.patience == .seconds(60) && rule?.convalescence == .seconds(30) && rule?.severity == .medium)
    }
}
