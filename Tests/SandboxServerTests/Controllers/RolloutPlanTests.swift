import JSON
import Testing

@testable import SandboxServer

@Suite("RolloutPlan")
struct RolloutPlanTests {
    private func deployment(
        _ replicas: Int,
        surge: JSONValue,
        unavailable: JSONValue,
        type: String = "RollingUpdate"
    ) -> JSONValue {
        [
            "spec": [
                "replicas": .number(replicas),
                "strategy": [
                    "type": .string(type), "rollingUpdate": ["maxSurge": surge, "maxUnavailable": unavailable],
                ],
            ]
        ]
    }

    private func set(_ isCurrent: Bool, _ replicas: Int, available: Int, existing: Int? = nil) -> RolloutPlan.ReplicaSet
    {
        RolloutPlan.ReplicaSet(
            isCurrent: isCurrent,
            revision: isCurrent ? 2 : 1,
            replicas: replicas,
            existing: existing ?? replicas,
            available: available
        )
    }

    @Test(
        "a share is a number or a percentage, rounded as asked",
        arguments: [
            (3, 10, true, 3), ("25%", 10, true, 3), ("25%", 10, false, 2), ("0%", 10, true, 0), ("100%", 7, false, 7),
            ("x", 10, true, 0), (-1, 10, true, 0),
        ] as [(JSONValue, Int, Bool, Int)]
    )
    func shares(value: JSONValue, total: Int, roundsUp: Bool, expected: Int) {
        #expect(RolloutPlan.share(value, of: total, roundsUp: roundsUp) == expected)
    }

    @Test("without surge and without gaps one may be missing, or nothing could move")
    func atLeastOne() {
        let stuck = deployment(4, surge: 0, unavailable: "10%")
        #expect(RolloutPlan.unavailable(of: stuck, surge: 0) == 1)
    }

    @Test("the first set is made as large as wanted")
    func firstSet() {
        let plan = RolloutPlan(deployment: deployment(4, surge: 1, unavailable: 1), sets: [set(true, 0, available: 0)])
        #expect(plan.replicas() == [0: 4])
    }

    @Test("a rollout moves within its bounds, step by step")
    func steps() {
        let rolling = deployment(4, surge: 1, unavailable: 1)
        let begin = RolloutPlan(deployment: rolling, sets: [set(false, 4, available: 4), set(true, 0, available: 0)])
        #expect(begin.replicas() == [0: 3, 1: 1])
        let waiting = RolloutPlan(deployment: rolling, sets: [set(false, 3, available: 3), set(true, 2, available: 0)])
        #expect(waiting.replicas() == [:])
        let moving = RolloutPlan(deployment: rolling, sets: [set(false, 3, available: 3), set(true, 2, available: 2)])
        #expect(moving.replicas() == [0: 1])
        let end = RolloutPlan(deployment: rolling, sets: [set(false, 1, available: 1), set(true, 4, available: 4)])
        #expect(end.replicas() == [0: 0])
    }

    @Test("old pods that do not work go first and cost nothing")
    func brokenOldPods() {
        let rolling = deployment(4, surge: 1, unavailable: 0)
        let plan = RolloutPlan(deployment: rolling, sets: [set(false, 4, available: 2), set(true, 1, available: 1)])
        #expect(plan.replicas() == [0: 3])
    }

    @Test("recreate waits until the old pods are gone")
    func recreate() {
        let recreate = deployment(2, surge: 1, unavailable: 0, type: "Recreate")
        let first = RolloutPlan(deployment: recreate, sets: [set(false, 2, available: 2), set(true, 0, available: 0)])
        #expect(first.replicas() == [0: 0])
        let second = RolloutPlan(
            deployment: recreate,
            sets: [set(false, 0, available: 0, existing: 1), set(true, 0, available: 0)]
        )
        #expect(second.replicas() == [:])
        let third = RolloutPlan(deployment: recreate, sets: [set(false, 0, available: 0), set(true, 0, available: 0)])
        #expect(third.replicas() == [1: 2])
    }

    @Test("while paused only the size follows")
    func paused() {
        var deployment = deployment(5, surge: 1, unavailable: 1)
        deployment.set(true, at: ["spec", "paused"])
        #expect(RolloutPlan(deployment: deployment, sets: [set(false, 2, available: 2)]).replicas() == [0: 5])
        let both = RolloutPlan(deployment: deployment, sets: [set(false, 2, available: 2), set(true, 1, available: 1)])
        #expect(both.replicas() == [:])
    }
}
