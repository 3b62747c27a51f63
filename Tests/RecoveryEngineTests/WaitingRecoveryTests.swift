import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing

@testable import RecoveryEngine

/// Who waits gets its turn: targets, places and wake-ups are not kept by those who do not use them.
@Suite("Recoveries that wait for each other", .timeLimit(.minutes(1)))
struct WaitingRecoveryTests {
    /// Fails at once, or does not return before the test lets it, whatever happens to its task.
    private final class Stubborn: RecoveryStrategy {
        let descriptor = StrategyDescriptor(
            name: "Stubborn",
            errorTypes: ["InternalError"],
            priority: 10,
            timeout: .seconds(600)
        )
        private let held = Mutex<[String: CheckedContinuation<Void, Never>]>([:])

        func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

        func execute(_ attempt: Attempt) async throws -> StrategyResult {
            if attempt.parameters["fails"] == true { throw StrategyFailure.transient("not now") }
            let name = attempt.recovery.metadata.name ?? ""
            await withCheckedContinuation { continuation in held.withLock { $0[name] = continuation } }
            return StrategyResult(message: "let go")
        }

        func letGo(_ name: String) {
            held.withLock { $0.removeValue(forKey: name) }?.resume()
        }
    }

    private static let home = SandboxHub.controllerNamespace
    private static let target: JSONValue = [
        "apiVersion": "v1", "kind": "ConfigMap", "name": "shared", "namespace": .string(EngineScene.namespace),
    ]

    private func put(policy name: String, _ spec: JSONValue, in scene: EngineScene) {
        let policy: JSONValue = [
            "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
            "metadata": ["name": .string(name), "namespace": .string(EngineScene.namespace)], "spec": spec,
        ]
        scene.hub.put(policy, RecoveryPolicy.resource)
    }

    private func key(_ name: String) -> ObjectKey { ObjectKey(namespace: EngineScene.namespace, name: name) }

    /// The Recovery of that name in the controller's own namespace.
    private func own(_ name: String, in scene: EngineScene) throws -> Recovery? {
        try scene.recoveries().first { $0.metadata.namespace == Self.home && $0.metadata.name == name }
    }

    @Test("who is held by its policy between two attempts keeps its target from nobody")
    func heldGivesTargetUp() throws {
        let scene = EngineScene(strategies: [Stubborn()])
        put(policy: "careful", ["strategies": [["name": "Stubborn", "maxAttempts": 3]]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        let fails: [String: JSONValue] = ["targetRef": Self.target, "parameters": ["fails": true]]
        scene.put("first", fails)
        scene.world.run(for: .seconds(1))
        #expect(try scene.recovery("first")?.status?.attempts == 1)
        #expect(scene.hub.objects(.leases).count == 1, "kept until the next attempt, a few seconds later")
        scene.hub.edit(RecoveryPolicy.resource, key("careful")) { $0.set(true, at: ["spec", "suspend"]) }
        scene.world.run(for: .seconds(1))
        scene.put("second", fails, namespace: Self.home)
        scene.world.run(for: .seconds(5))
        let admitted = try scene.recovery("first")?.status?.conditions?[type: ConditionType.admitted]
        #expect(admitted?.reason == "PolicySuspended")
        #expect(try own("second", in: scene)?.status?.attempts == 1)
    }

    @Test("an attempt that the books of its policy could not take in keeps its target from nobody")
    func notAdmittedGivesTargetUp() throws {
        let scene = EngineScene(strategies: [Stubborn()])
        put(policy: "careful", ["limits": ["budget": ["actions": 5]]], in: scene)
        // The controller may read policies, and not write what they have let start.
        let roles = APIResource(
            group: "rbac.authorization.k8s.io",
            version: "v1",
            plural: "clusterroles",
            kind: "ClusterRole",
            isNamespaced: false
        )
        for role in scene.hub.objects(roles) {
            scene.hub.edit(roles, role.key) { object in
                let rules = object["rules"]?.arrayValue ?? []
                object["rules"] = .array(rules.filter { $0["resources"]?.arrayValue != ["recoverypolicies/status"] })
            }
        }
        scene.start()
        scene.world.run(for: .seconds(1))
        let fails: [String: JSONValue] = ["targetRef": Self.target, "parameters": ["fails": true]]
        scene.put("first", fails)
        scene.world.run(for: .seconds(1))
        #expect(try scene.recovery("first")?.status?.attempts == nil)
        scene.put("second", fails, namespace: Self.home)
        scene.world.run(for: .seconds(5))
        #expect(try own("second", in: scene)?.status?.attempts == 1)
    }

    @Test("who is woken for a place under its policy and cannot use it passes that on")
    func wakeUpIsPassedOn() throws {
        let strategy = Stubborn()
        let scene = EngineScene(strategies: [strategy])
        put(policy: "one", ["limits": ["maxConcurrent": 1, "cooldownSeconds": 0]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        scene.put("runs")
        scene.world.run(for: .seconds(1))
        for name in ["a", "b", "c"] { scene.put(name, ["targetRef": Self.target, "error": Self.severe]) }
        scene.world.run(for: .seconds(1))
        scene.put("last", ["parameters": ["fails": true]])
        scene.world.run(for: .seconds(1))
        for name in ["a", "b", "c", "last"] {
            let admitted = try scene.recovery(name)?.status?.conditions?[type: ConditionType.admitted]
            #expect(admitted?.reason == "PolicyConcurrencyLimit")
        }
        // Locks the target that the first ones in the line want.
        scene.put("other", ["targetRef": Self.target], namespace: Self.home)
        scene.world.run(for: .seconds(1))
        strategy.letGo("runs")
        scene.world.run(for: .seconds(2))
        #expect(try scene.recovery("last")?.status?.attempts == 1, "long before it would have looked again")
    }

    private static let severe: JSONValue = ["type": "InternalError", "retryable": true, "severity": "Critical"]

    @Test("the place of an attempt whose Recovery was deleted is free when its strategy has returned, not before")
    func deletedKeepsPlace() throws {
        let strategy = Stubborn()
        var configuration = EngineConfiguration()
        configuration.maxConcurrentRecoveries = 1
        let scene = EngineScene(configuration, strategies: [strategy])
        scene.start()
        scene.put("first")
        scene.world.run(for: .seconds(1))
        try scene.delete("first")
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("first") == nil)
        scene.put("second", ["parameters": ["fails": true]])
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("second")?.status == nil)
        strategy.letGo("first")
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("second")?.status?.attempts == 1)
    }

    @Test("who has left the line is not woken, and leaves nothing behind")
    func waiters() {
        let waiters = PolicyWaiters()
        let rank = { PolicyWaiters.Rank(priority: $0, created: .distantPast) }
        for (name, priority) in [("a", 3), ("b", 2), ("c", 1)] {
            waiters.add(key(name), rank(priority), policy: key("p"))
        }
        #expect(waiters.leave(key("b")) == nil, "it had not been woken")
        #expect(waiters.takeFirst(key("p")) == key("a"))
        #expect(waiters.leave(key("a")) == key("p") && waiters.leave(key("a")) == nil)
        #expect(waiters.takeFirst(key("p")) == key("c") && waiters.takeFirst(key("p")) == nil)
        waiters.add(key("c"), rank(1), policy: key("q"))
        #expect(waiters.leave(key("c")) == nil, "it waits again: there was no place")
        #expect(waiters.count == 0)
    }

    @Test("an engine that is stopped says so")
    func stops() {
        let scene = EngineScene()
        let run = scene.world.start { [engine = scene.engine] in try await engine.run() }
        scene.world.run(for: .seconds(1))
        run.cancel()
        scene.world.settle()
        #expect(run.error is CancellationError)
    }

    // MARK: Priorities

    @Test(
        "tenants keep their order, below all that the fleet's strategies have, and nothing overflows",
        arguments: [
            (Int.max, 1_000, 0), (1_000, 1_000, 0), (100, 100, 0), (80, 80, -20), (10, 10, -90), (0, 0, -100),
            (-50, -50, -150), (-1_000, -1_000, -200), (Int.min, -1_000, -200),
        ]
    )
    func places(priority: Int, own: Int, guest: Int) {
        #expect(Recovery.queuePlace(of: priority, isOwn: true) == own)
        #expect(Recovery.queuePlace(of: priority, isOwn: false) == guest)
    }

    @Test("a priority that no number holds ten times of stops nobody", arguments: [Int64.max, .min])
    func hugePriority(_ priority: Int64) throws {
        let scene = EngineScene()
        scene.start()
        scene.put("web", ["suspend": true])
        scene.world.run(for: .seconds(1))
        scene.hub.edit(Recovery.resource, key("web")) {
            $0.set(.number(JSONNumber(priority)), at: ["status", "priority"])
            $0.set(false, at: ["spec", "suspend"])
            $0.set(2, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(10))
        #expect(try scene.recovery("web")?.state == .completed)
    }
}
