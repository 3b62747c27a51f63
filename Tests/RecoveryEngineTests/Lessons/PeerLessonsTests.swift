import ControllerRuntime
import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// What users of comparable systems complained about, and what the whole engine does instead.
///
/// Each test names the thread. Lessons about one part have their test beside it, named alike; this finds all of them:
/// `git grep '#[0-9][0-9]*)' Tests`.
@Suite("Peers' lessons", .timeLimit(.minutes(2)))
struct PeerLessonsTests {
    /// Nothing but the place is limited, so that one gate is looked at alone.
    private static let free: JSONValue = ["maxConcurrent": 5, "cooldownSeconds": 0]

    // MARK: Whether anything starts

    @Test("a policy that does not say how far to go only observes (karmada #5150)")
    func observesByDefault() throws {
        let scene = LessonScene()
        scene.putPolicy(["strategies": [["name": "Generic"]]])
        scene.start()
        scene.put("web")
        #expect(try scene.recovery("web")?.state == .completed, "people's Recoveries run at once")
        scene.putIncident("detected")
        scene.world.run(for: .seconds(4_000))
        #expect(try scene.gate("detected") == "ObserveOnly")
        #expect(!scene.acting.acted.contains("detected"))
    }

    @Test("what interrupts or replaces what runs is never chosen by an error type (karmada #5150)")
    func harmIsNamed() {
        let catalogue = StrategyRegistry.standard(
            members: StrategyHarness().members,
            transport: ScriptedTransport([])
        ).catalogue(enabled: nil)
        for type in ErrorType.allCases {
            let chosen = catalogue.candidates(forErrorType: type.rawValue)
            #expect(chosen.allSatisfy { $0.destructiveness < .disruptive }, "\(type)")
        }
        #expect(catalogue.fallback.map { $0.destructiveness < .disruptive } == true)
    }

    // MARK: Breakers

    @Test(
        "a tripped breaker keeps actions from starting and nothing else: checks, undoing and locks go on (NVSentinel #450)"
    )
    func breakerStopsStartsOnly() throws {
        let scene = LessonScene { attempt, _ in
            if attempt.recovery.metadata.name == "bad" { throw StrategyFailure.permanent("it fails") }
            try await attempt.mutate("Change", inverse: ["was": 1]) { "changed" }
        }
        scene.putPolicy([
            "limits": Self.free, "strategies": [["name": "Generic", "maxAttempts": 1]],
            "circuitBreaker": ["failureThreshold": 1, "openSeconds": 10_000],
            "verify": ["forSeconds": 60, "timeoutSeconds": 100],
        ])
        scene.start()
        scene.put("good")
        scene.put("sick")
        scene.put("bad")
        scene.put("late")
        #expect(try scene.policy()?.status?.breakers?.first?.state == .open)
        #expect(try scene.recovery("good")?.state == .inProgress && scene.recovery("sick")?.state == .inProgress)
        #expect(try scene.gate("late") == "BreakerOpen")
        scene.setReady(false, "sick")
        scene.world.run(for: .seconds(200))
        #expect(try scene.recovery("good")?.state == .completed)
        #expect(try scene.recovery("sick")?.state == .failed)
        #expect(scene.acting.undone == ["sick"])
        #expect(try scene.gate("late") == "BreakerOpen")
        #expect(try scene.policy()?.status?.breakers?.first?.state == .open, "what began before changes nothing")
        let locks = scene.hub.objects(.leases).filter { $0.name.hasPrefix("rcv-") }
        #expect(locks.isEmpty, "\(locks.map(\.name))")
    }

    @Test(
        "an open breaker hides no healing, and when it closes the present is looked at, not a backlog (NVSentinel #1852)"
    )
    func breakerHidesNoHealing() throws {
        let scene = DetectionScene(nil)
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                "metadata": ["name": "watch", "namespace": "team"],
                "spec": [
                    "mode": "Auto", "detection": DetectionScene.readiness, "limits": Self.free,
                    "strategies": [["name": "Generic", "maxAttempts": 1]],
                    "circuitBreaker": ["failureThreshold": 1, "openSeconds": 300],
                ],
            ],
            RecoveryPolicy.resource
        )
        for name in ["a", "b", "c"] { scene.putWidget(name, ready: "True") }
        scene.start()
        scene.world.run(for: .seconds(5))
        scene.refuseWrites()
        scene.putWidget("a", ready: "False")
        scene.world.run(for: .seconds(60))
        #expect(try scene.policy()?.status?.breakers?.first?.state == .open)
        for name in ["b", "c"] { scene.putWidget(name, ready: "False") }
        scene.world.run(for: .seconds(40))
        let waiting = try scene.recoveries().filter { $0.state == .pending }
        #expect(waiting.compactMap { $0.status?.target?.name }.sorted() == ["b", "c"])
        scene.putWidget("b", ready: "True")
        scene.world.run(for: .seconds(20))
        func recovery(_ name: String) throws -> Recovery? {
            try scene.recoveries().first { $0.status?.target?.name == name }
        }
        let healed = try recovery("b")
        #expect(healed?.state == .completed && healed?.status?.executions == nil)
        #expect(healed?.status?.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.selfHealed)
        #expect(try scene.policy()?.status?.breakers?.first?.state == .open)
        scene.hub.clearFaults()
        scene.world.run(for: .seconds(600))
        #expect(try recovery("b")?.status?.executions == nil)
        #expect(try recovery("c")?.status?.attempts == 1, "what is still sick is acted on once")
    }

    // MARK: Attempts

    @Test("an attempt has its number in status before it acts, and the limit includes the first (flux2 #5916)")
    func limitIncludesTheFirst() throws {
        let scene = LessonScene { attempt, count in
            let live = try await attempt.client.get(Recovery.self, attempt.recovery.metadata.key)
            guard live.status?.attempts == count, live.status?.executions?.last?.state == .inProgress else {
                throw StrategyFailure.permanent("attempt \(count) is not reserved")
            }
            throw StrategyFailure.transient("not now")
        }
        scene.start()
        scene.put("web", ["maxAttempts": 3, "timeoutSeconds": 3_000])
        scene.world.run(for: .seconds(3_500))
        let ended = try #require(try scene.recovery("web"))
        #expect(scene.acting.acted.count == 3)
        #expect(ended.state == .failed && ended.status?.attempts == 3)
        #expect(ended.status?.executions?.compactMap { $0.result?.error } == ["not now", "not now", "not now"])
    }

    @Test("a failure of a kind that nobody knows ends it at once, and does not read as progress (NVSentinel #1808)")
    func unknownIsPermanent() throws {
        struct Odd: Error {}
        let scene = LessonScene { _, _ in throw Odd() }
        scene.start()
        scene.put("web", ["maxAttempts": 5])
        scene.world.run(for: .seconds(1_000))
        let ended = try #require(try scene.recovery("web"))
        #expect(scene.acting.acted.count == 1)
        #expect(ended.state == .failed && ended.status?.executions?.map(\.state) == [.failed])
        #expect(ended.status?.conditions?[type: ConditionType.progressing]?.status == .false)
        #expect((ended.status?.escalation?.level ?? .automatic) >= .guided)
    }

    @Test("a cache that is behind makes no second action (cluster-api-provider-hetzner #2240)")
    func staleCache() throws {
        let scene = LessonScene()
        scene.start()
        scene.putTarget("web")
        scene.put("web", ["suspend": true])
        #expect(try scene.gate("web") == "Suspended")
        scene.hub.edit(Recovery.resource, LessonScene.key("web")) {
            $0.set(false, at: ["spec", "suspend"])
            $0.set(2, at: ["metadata", "generation"])
        }
        // From here on the cache is told nothing: it goes on showing a Recovery without an attempt.
        scene.hub.freezeWatches()
        scene.world.run(for: .seconds(1))
        scene.engine.queue.add(LessonScene.key("web"))
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.state == .completed)
        #expect(scene.engine.recoveries.store.get(LessonScene.key("web"))?.status?.attempts == nil)
        for _ in 0..<5 {
            scene.engine.queue.add(LessonScene.key("web"))
            scene.world.run(for: .seconds(20))
        }
        #expect(scene.acting.acted == ["web"])
        #expect(try scene.recovery("web")?.status?.attempts == 1)
    }

    @Test(
        "a person who stops a policy is heard before the next action, whatever the cache has heard (draino #17)",
        arguments: [["mode": "Observe"], ["mode": "Approve"], ["suspend": true]] as [JSONValue]
    )
    func stopIsHeardAtOnce(change: JSONValue) throws {
        let scene = LessonScene { _, count in if count == 1 { throw StrategyFailure.transient("not now") } }
        scene.putPolicy([
            "mode": "Auto",
            "strategies": [["name": "Generic", "maxAttempts": 2, "backoff": ["initialSeconds": 60]]],
        ])
        scene.start()
        scene.putIncident("web")
        #expect(scene.acting.acted == ["web"])
        scene.hub.freezeWatches()
        scene.hub.edit(RecoveryPolicy.resource, LessonScene.key("careful")) {
            for (field, value) in change.objectValue ?? [:] { $0.set(value, at: ["spec", field]) }
            $0.set(2, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(100))
        scene.engine.queue.add(LessonScene.key("web"))
        scene.world.run(for: .seconds(100))
        #expect(scene.acting.acted == ["web"])
        #expect(try scene.recovery("web")?.status?.attempts == 1)
        #expect(["ObserveOnly", "AwaitingApproval", "PolicySuspended"].contains(try scene.gate("web")))
        scene.hub.thawWatches()
        scene.hub.edit(RecoveryPolicy.resource, LessonScene.key("careful")) {
            $0.set("Auto", at: ["spec", "mode"])
            $0.set(false, at: ["spec", "suspend"])
            $0.set(3, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(60))
        #expect(try scene.recovery("web")?.state == .completed)
    }

    @Test("waiting for a place uses up no attempt (cluster-api #12553)")
    func deferredIsNotTried() throws {
        let scene = LessonScene { attempt, count in
            if attempt.recovery.metadata.name == "first" { try await attempt.pause(for: .seconds(90)) }
            if attempt.recovery.metadata.name == "second", count < 3 { throw StrategyFailure.transient("not now") }
        }
        scene.putPolicy([
            "limits": ["maxConcurrent": 1, "cooldownSeconds": 0],
            "strategies": [["name": "Generic", "maxAttempts": 3]],
        ])
        scene.start()
        scene.put("first")
        scene.put("second", ["timeoutSeconds": 600])
        scene.world.run(for: .seconds(80))
        #expect(try scene.gate("second") == "PolicyConcurrencyLimit")
        #expect(try scene.recovery("second")?.status?.attempts == nil)
        scene.world.run(for: .seconds(600))
        let ended = try #require(try scene.recovery("second"))
        #expect(ended.state == .completed && ended.status?.attempts == 3, "\(ended.status?.message ?? "")")
    }

    // MARK: What outlives a process

    @Test("a restart forgets no budget, no rest of a target and no breaker (container-linux-update-operator #45)")
    func restartForgetsNothing() throws {
        let first = LessonScene { attempt, _ in
            if attempt.recovery.metadata.name == "bad" { throw StrategyFailure.permanent("it fails") }
        }
        first.putPolicy([
            "limits": [
                "maxConcurrent": 5, "cooldownSeconds": 1_000, "budget": ["actions": 3, "windowSeconds": 2_000],
            ],
            "strategies": [["name": "Generic", "maxAttempts": 1]],
            "circuitBreaker": ["failureThreshold": 1, "openSeconds": 500],
        ])
        first.start()
        first.put("good")
        first.put("bad")
        #expect(first.acting.acted == ["good", "bad"])
        first.crash()
        let second = LessonScene(after: first)
        second.start()
        let target: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "good"]
        second.put("again", ["targetRef": target, "timeoutSeconds": 5_000])
        second.put("other", ["timeoutSeconds": 5_000])
        #expect(try second.gate("again") == "CoolingDown" && second.gate("other") == "BreakerOpen")
        second.world.run(for: .seconds(550))
        #expect(second.acting.acted == ["other"], "the probe, and nothing for the target that rests")
        second.put("more", ["timeoutSeconds": 5_000])
        #expect(try second.gate("more") == "BudgetExhausted", "two actions before the restart and one after it")
        second.world.run(for: .seconds(3_000))
        #expect(second.acting.acted.sorted() == ["again", "more", "other"])
    }

    @Test(
        "a policy may be changed or deleted while it governs; what runs goes on as it began (node-healthcheck-operator #266)"
    )
    func policiesStayEditable() throws {
        let scene = LessonScene { attempt, count in
            try await attempt.pause(for: .seconds(30))
            if count == 1 { throw StrategyFailure.transient("not now") }
        }
        scene.putPolicy([
            "strategies": [["name": "Generic", "maxAttempts": 2, "timeoutSeconds": 60]], "limits": Self.free,
        ])
        scene.start()
        scene.put("edited")
        scene.put("orphan")
        let ladder = try #require(try scene.recovery("edited")?.status?.effective?.ladder)
        scene.hub.edit(RecoveryPolicy.resource, LessonScene.key("careful")) {
            $0.set([["name": "Generic", "maxAttempts": 1, "timeoutSeconds": 5]], at: ["spec", "strategies"])
            $0.set(2, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(10))
        scene.hub.remove(RecoveryPolicy.resource, LessonScene.key("careful"))
        scene.world.run(for: .seconds(300))
        for name in ["edited", "orphan"] {
            let ended = try #require(try scene.recovery(name))
            #expect(ended.state == .completed && ended.status?.attempts == 2, "\(ended.status?.message ?? "")")
            #expect(ended.status?.effective?.ladder == ladder)
        }
    }

    @Test("no webhook of ours stands in the way of recovery (self-node-remediation #109)")
    func noAdmissionWebhook() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let files = FileManager.default.enumerator(atPath: "\(root)/manifests")?.compactMap { $0 as? String } ?? []
        let manifests = files.filter { $0.hasSuffix(".yaml") }
        #expect(manifests.count > 10)
        for file in manifests {
            let text = try String(contentsOfFile: "\(root)/manifests/\(file)", encoding: .utf8)
            #expect(!text.contains(/kind: *\w*WebhookConfiguration/), "\(file)")
        }
    }

    @Test("a lock whose holder is gone or has ended keeps nobody out (kured #137)")
    func locksDie() throws {
        let scene = LessonScene { attempt, _ in
            if attempt.recovery.metadata.name == "holder" { try await attempt.pause(for: .seconds(80)) }
        }
        scene.start()
        scene.put("holder")
        let target: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "holder"]
        scene.put("waiting", ["targetRef": target])
        #expect(try scene.gate("waiting") == "TargetLocked")
        // Nobody releases anything: the process dies and its Recovery is deleted.
        scene.crash()
        scene.hub.remove(Recovery.resource, LessonScene.key("holder"))
        #expect(scene.hub.objects(.leases).contains { $0.name.hasPrefix("rcv-") })
        let next = LessonScene(after: scene)
        next.start()
        next.world.run(for: .seconds(60))
        #expect(try next.recovery("waiting")?.state == .completed)
        #expect(!next.hub.objects(.leases).contains { $0.name.hasPrefix("rcv-") })
    }

    // MARK: What people are told

    @Test(
        "what holds a Recovery is said on it and on its target, once and not at each look (cluster-api #5451, #10585)"
    )
    func toldOnce() throws {
        let scene = LessonScene()
        scene.putPolicy(["limits": ["maxConcurrent": 5, "budget": ["actions": 1, "windowSeconds": 3_000]]])
        scene.start()
        scene.put("first")
        scene.put("second", ["timeoutSeconds": 5_000])
        for _ in 0..<20 {
            scene.engine.queue.add(LessonScene.key("second"))
            scene.world.run(for: .seconds(60))
        }
        #expect(try scene.gate("second") == "BudgetExhausted")
        #expect(scene.events(about: "second").sorted() == ["RecoveryBlocked ConfigMap", "RecoveryBlocked Recovery"])
    }

    @Test("every gate says when it is looked at again, or what has to change (karmada #6951)")
    func whyNothingHappens() throws {
        let scene = LessonScene()
        scene.putPolicy(["limits": ["maxConcurrent": 5, "budget": ["actions": 1, "windowSeconds": 3_000]]])
        scene.start()
        scene.put("first")
        scene.put("second")
        let decision = try #require(try scene.policy()?.status?.lastDecisions?.last)
        #expect(decision.gate == "BudgetExhausted" && decision.recovery == "second")
        #expect(decision.nextTime != nil && decision.message?.contains("may start at") == true)
        let admitted = try scene.recovery("second")?.status?.conditions?[type: ConditionType.admitted]
        #expect(admitted?.message == decision.message)
    }
}
