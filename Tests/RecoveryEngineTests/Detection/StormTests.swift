import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// Too many unhealthy targets at once, under a whole engine in virtual time.
@Suite("Storms", .timeLimit(.minutes(2)))
struct StormTests {
    private static let limits: JSONValue = [
        "limits": [
            "maxUnhealthy": "40%", "stormCooldownSeconds": 300, "maxConcurrent": 10, "cooldownSeconds": 0,
        ]
    ]

    /// Widgets that are well, under a policy that lets 40% of them fail.
    private func scene(widgets: Int, _ more: JSONValue = limits, status: JSONValue = [:]) -> DetectionScene {
        let scene = DetectionScene(nil)
        scene.putPolicy("watch", DetectionScene.readiness, more, status: status)
        set(0..<widgets, ready: "True", in: scene)
        return scene
    }

    private func set(_ widgets: Range<Int>, ready: String, in scene: DetectionScene) {
        for number in widgets { scene.putWidget("w\(number)", ready: ready) }
    }

    private func attempts(_ scene: DetectionScene) throws -> Int {
        try scene.recoveries().reduce(0) { $0 + ($1.status?.attempts ?? 0) }
    }

    private func reasons(_ scene: DetectionScene) throws -> [String: Int] {
        let open = try scene.recoveries().filter { !$0.isFinal }
        return Dictionary(
            open.map { ($0.status?.conditions?[type: ConditionType.admitted]?.reason ?? "", 1) },
            uniquingKeysWith: +
        )
    }

    private func storming(_ scene: DetectionScene) throws -> String? {
        let condition = try scene.policy()?.status?.conditions?[type: ConditionType.storming]
        return condition.map { "\($0.status.rawValue) \($0.reason)" }
    }

    @Test(
        "of thirty of forty that fail at once one is recovered; the others go on when the storm is over, by time alone"
    )
    func thirtyOfForty() throws {
        let scene = scene(widgets: 40)
        scene.start()
        scene.world.run(for: .seconds(60))
        #expect(try storming(scene) == "False WithinLimit" && scene.policy()?.status?.maxUnhealthy == 16)
        set(0..<30, ready: "False", in: scene)
        scene.world.run(for: .seconds(2))
        #expect(try scene.policy()?.status?.storm?.actions == 0, "counted at once, before anything is opened")
        scene.world.run(for: .seconds(30))
        #expect(try scene.recoveries().count == 30)
        #expect(try attempts(scene) == 1 && scene.policy()?.status?.storm?.actions == 1)
        #expect(try reasons(scene)["TooManyUnhealthy"] == 29)
        #expect(try storming(scene) == "True TooManyUnhealthy")
        let message = try scene.recoveries().compactMap {
            $0.status?.conditions?[type: ConditionType.admitted]?.message
        }
        .first { $0.contains("unhealthy") }
        #expect(message?.contains("30 of 40 targets are unhealthy, more than 16 (limits.maxUnhealthy 40%)") == true)
        scene.world.run(for: .seconds(2_000))
        #expect(try attempts(scene) == 1, "neither retries nor others, however long it lasts")
        set(0..<14, ready: "True", in: scene)
        scene.world.run(for: .seconds(20))
        let calm = try #require(try scene.policy()?.status?.storm?.calmSince)
        #expect(try storming(scene) == "True StormCooldown")
        #expect(try scene.recoveries().count { $0.state == .completed } >= 13)
        // From here on nothing happens but that time passes.
        let end = calm.addingTimeInterval(300)
        let rest = end.timeIntervalSince(scene.world.time.wallTime())
        scene.world.run(for: .seconds(Int(rest) - 1))
        #expect(try attempts(scene) == 1)
        scene.world.run(for: .seconds(5))
        #expect(try scene.policy()?.status?.storm == nil && storming(scene) == "False WithinLimit")
        #expect(try attempts(scene) >= 6, "as many as the policy lets run together")
        scene.world.run(for: .seconds(600))
        #expect(try scene.recoveries().allSatisfy { $0.status?.attempts ?? 0 > 0 || $0.state == .completed })
    }

    @Test("a count above the limit for a moment starts the wait again")
    func relapse() throws {
        let scene = scene(widgets: 5)
        scene.start()
        set(0..<5, ready: "False", in: scene)
        scene.world.run(for: .seconds(30))
        set(0..<3, ready: "True", in: scene)
        scene.world.run(for: .seconds(290))
        set(0..<1, ready: "False", in: scene)
        scene.world.run(for: .seconds(1))
        set(0..<1, ready: "True", in: scene)
        scene.world.run(for: .seconds(295))
        #expect(try scene.policy()?.status?.storm?.actions == 1)
        #expect(try attempts(scene) == 1)
        scene.world.run(for: .seconds(10))
        #expect(try scene.policy()?.status?.storm == nil)
    }

    @Test("one of three is no storm with 40%, and a policy that allows none in a storm starts none")
    func smallGroups() throws {
        let small = scene(widgets: 3)
        small.refuseWrites()
        small.start()
        set(0..<1, ready: "False", in: small)
        small.world.run(for: .seconds(30))
        #expect(try attempts(small) == 1 && small.policy()?.status?.storm == nil)
        #expect(try small.policy()?.status?.maxUnhealthy == 1)
        let strict = scene(widgets: 3, ["limits": ["maxUnhealthy": 1, "alwaysAllow": 0, "cooldownSeconds": 0]])
        strict.start()
        set(0..<2, ready: "False", in: strict)
        strict.world.run(for: .seconds(500))
        #expect(try attempts(strict) == 0)
        set(0..<1, ready: "True", in: strict)
        strict.world.run(for: .seconds(310))
        #expect(try attempts(strict) == 1, "the one that is left")
    }

    @Test("a new leader keeps the storm until it sees the targets itself, and counts the time before it took over")
    func restart() throws {
        let began = ManualTimeSource().wallTime().addingTimeInterval(-1_000)
        let storm: JSONValue = [
            "storm": [
                "since": .string(began.text), "actions": 1,
                "calmSince": .string(began.addingTimeInterval(500).text),
            ]
        ]
        let scene = scene(widgets: 3, status: storm)
        set(0..<1, ready: "False", in: scene)
        scene.hub.inject(.refuse, times: 100_000) { $0.concerns(DetectionScene.widgets) }
        scene.putRecovery("mine")
        scene.start()
        scene.world.run(for: .seconds(300))
        #expect(try scene.policy()?.status?.storm?.actions == 1, "nobody has seen that it is over")
        #expect(try attempts(scene) == 0 && reasons(scene) == ["WarmingUp": 1])
        #expect(try storming(scene) == "True WarmingUp")
        scene.hub.clearFaults()
        let haveStarted = { (try? attempts(scene)) == 2 }
        #expect(scene.world.run(until: haveStarted, limit: .seconds(120)) != nil, "what people and detection asked for")
        #expect(try scene.policy()?.status?.storm == nil)
    }

    @Test("one of three is more than 20%, and is recovered all the same; the number is in the status (karpenter #2134)")
    func smallestGroup() throws {
        let scene = scene(widgets: 3, ["limits": ["maxUnhealthy": "20%"]])
        scene.start()
        set(0..<1, ready: "False", in: scene)
        scene.world.run(for: .seconds(30))
        #expect(try attempts(scene) == 1)
        let status = try scene.policy()?.status
        #expect(status?.maxUnhealthy == 0 && status?.unhealthy == 1 && status?.matched == 3)
        #expect(try status?.storm?.actions == 1 && storming(scene) == "True TooManyUnhealthy")
    }

    @Test(
        "the target whose action failed in a storm is not given up: its clock stands still, and it goes on afterwards"
    )
    func clock() throws {
        let scene = scene(widgets: 5)
        scene.start()
        set(0..<4, ready: "False", in: scene)
        scene.world.run(for: .seconds(4_000))
        let acted = try #require(try scene.recoveries().first { $0.status?.attempts == 1 })
        #expect(acted.state == .pending && acted.status?.executions?.first?.state == .failed)
        let admitted = acted.status?.conditions?[type: ConditionType.admitted]
        #expect(admitted?.reason == "TooManyUnhealthy" && admitted?.message.contains("clock stands still") == true)
        let name = try #require(acted.spec.targetRef?.name)
        for number in 0..<4 where "w\(number)" != name { scene.putWidget("w\(number)", ready: "True") }
        let goesOn = {
            (try? scene.recoveries().first { $0.metadata.name == acted.metadata.name }?.status?.attempts) == 2
        }
        #expect(scene.world.run(until: goesOn, limit: .seconds(400)) != nil)
    }

    @Test("who deletes the policy in a storm lets nothing run that it held; what was opened ends")
    func deleted() throws {
        let scene = scene(widgets: 10)
        scene.start()
        set(0..<8, ready: "False", in: scene)
        scene.world.run(for: .seconds(30))
        #expect(try attempts(scene) == 1 && scene.recoveries().count == 8)
        scene.hub.remove(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "watch"))
        scene.world.run(for: .seconds(300))
        #expect(try attempts(scene) == 1)
        let ends = try scene.recoveries().map { $0.status?.conditions?[type: ConditionType.succeeded]?.reason }
        #expect(ends == Array(repeating: "NoLongerWatched", count: 8))
    }

    @Test("a policy that is gone although the cache still has it lets nothing start")
    func staleCache() throws {
        let scene = scene(
            widgets: 2,
            ["limits": ["budget": ["actions": 1, "windowSeconds": 120], "maxConcurrent": 10, "cooldownSeconds": 0]]
        )
        scene.start()
        set(0..<2, ready: "False", in: scene)
        scene.world.run(for: .seconds(30))
        #expect(try attempts(scene) == 1 && reasons(scene)["BudgetExhausted"] == 1)
        scene.hub.freezeWatches()
        scene.hub.remove(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "watch"))
        scene.world.run(for: .seconds(130))
        #expect(try attempts(scene) == 1 && scene.recoveries().allSatisfy { !$0.isFinal })
        scene.hub.thawWatches()
        scene.world.run(for: .seconds(30))
        #expect(try attempts(scene) == 1 && scene.recoveries().allSatisfy { $0.state == .cancelled })
    }

    @Test("a policy that is deleted and made again in a storm holds what the former one held")
    func replaced() throws {
        let scene = scene(widgets: 10)
        scene.start()
        set(0..<8, ready: "False", in: scene)
        scene.world.run(for: .seconds(30))
        let names = Set(try scene.recoveries().map(\.metadata.name))
        let former = try scene.policy()?.metadata.uid
        scene.hub.remove(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "watch"))
        scene.putPolicy("watch", DetectionScene.readiness, Self.limits)
        scene.world.run(for: .seconds(600))
        #expect(try scene.policy()?.metadata.uid != former)
        #expect(try attempts(scene) == 2, "a new policy counts its storm anew")
        #expect(try reasons(scene) == ["TooManyUnhealthy": 8] && Set(scene.recoveries().map(\.metadata.name)) == names)
        #expect(try scene.policy()?.status?.storm?.actions == 1)
    }

    @Test("a policy whose detection may see nothing says that it cannot act, as long as that is so")
    func blind() throws {
        let scene = scene(widgets: 3)
        scene.hub.inject(.status(403, "Forbidden"), times: 100_000) { $0.concerns(DetectionScene.widgets) }
        scene.start()
        scene.world.run(for: .seconds(60))
        let ready = try scene.policy()?.status?.conditions?[type: ConditionType.ready]
        let detecting = try scene.policy()?.status?.conditions?[type: ConditionType.detecting]
        #expect(detecting?.status == .false && ready?.status == .false && ready?.reason == "DetectionBlind")
        #expect(ready?.message.hasSuffix(detecting?.message ?? "?") == true)
        scene.hub.clearFaults()
        let sees = { (try? scene.policy()?.status?.conditions?[type: ConditionType.ready]?.status) == .true }
        #expect(scene.world.run(until: sees, limit: .seconds(300)) != nil)
    }

    @Test("what people ask for under the policy waits, too")
    func people() throws {
        let scene = scene(widgets: 3)
        scene.start()
        set(0..<3, ready: "False", in: scene)
        scene.world.run(for: .seconds(5))
        scene.putRecovery("mine")
        scene.world.run(for: .seconds(40))
        #expect(try scene.policy()?.status?.storm?.actions == 1)
        #expect(try attempts(scene) == 1 && reasons(scene)["TooManyUnhealthy"] == 3)
    }
}
