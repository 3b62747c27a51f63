import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import RecoveryEngine

/// What a scrape shows of the objects that there are.
@Suite(.timeLimit(.minutes(1)))
struct StateGaugesTests {
    /// Waits without listening to anybody.
    private struct DeafStrategy: RecoveryStrategy {
        let descriptor = StrategyDescriptor(
            name: StrategyName.generic,
            errorTypes: ["InternalError"],
            priority: 10,
            timeout: .seconds(60)
        )
        let held = Held()

        func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

        func execute(_ attempt: Attempt) async throws -> StrategyResult {
            await withCheckedContinuation { continuation in held.waiting.withLock { $0.append(continuation) } }
            return StrategyResult(message: "at last")
        }
    }

    /// Who waits there.
    private final class Held: Sendable {
        let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
    }

    private func put(_ name: String, _ spec: JSONValue, in scene: EngineScene) {
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                "metadata": ["name": .string(name), "namespace": .string(EngineScene.namespace)], "spec": spec,
            ],
            RecoveryPolicy.resource
        )
    }

    private func value(_ scene: EngineScene, _ name: String, _ labels: [String: String] = [:]) throws -> Double? {
        try ExpositionParser(scene.metrics.exposition()).value(name, labels)
    }

    @Test func `Recoveries are counted by state and gate, and every series is there from the start`() throws {
        let scene = EngineScene()
        for state in RecoveryState.allCases {
            #expect(try value(scene, "tmc_recoveries", ["state": state.rawValue]) == 0)
            guard state.isFinal else { continue }
            #expect(try value(scene, "tmc_recovery_finished_total", ["state": state.rawValue]) == 0)
        }
        for gate in RecoveryGate.allCases {
            #expect(try value(scene, "tmc_recoveries_held", ["gate": gate.rawValue]) == 0)
        }
        scene.start()
        for name in ["a", "b"] { scene.put(name, ["suspend": true]) }
        scene.put("c", ["parameters": ["waitSeconds": 0]])
        scene.put("d", ["parameters": ["waitSeconds": 100]])
        scene.world.run(for: .seconds(5))
        #expect(try value(scene, "tmc_recoveries", ["state": "Pending"]) == 2)
        #expect(try value(scene, "tmc_recoveries", ["state": "InProgress"]) == 1)
        #expect(try value(scene, "tmc_recoveries", ["state": "Completed"]) == 1)
        #expect(try value(scene, "tmc_recoveries_held", ["gate": "Suspended"]) == 2)
        #expect(try value(scene, "tmc_recoveries_overdue") == 0)
        scene.hub.edit(Recovery.resource, ObjectKey(namespace: EngineScene.namespace, name: "a")) {
            $0.set(true, at: ["spec", "cancel"])
            $0.set(2, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(5))
        #expect(try value(scene, "tmc_recoveries_held", ["gate": "Suspended"]) == 1)
        #expect(try value(scene, "tmc_recoveries", ["state": "Cancelled"]) == 1)
    }

    @Test func `what ends with something left for people is counted by its level`() throws {
        let scene = EngineScene()
        scene.start()
        #expect(try value(scene, "tmc_recovery_escalations_total", ["level": "Manual"]) == 0)
        let target: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "missing"]
        scene.put("lost", ["targetRef": target, "maxAttempts": 1])
        scene.world.run(for: .seconds(60))
        let level = try #require(try scene.recovery("lost")?.status?.escalation?.level)
        #expect(try value(scene, "tmc_recovery_escalations_total", ["level": level.rawValue]) == 1)
        #expect(try value(scene, "tmc_recovery_finished_total", ["state": "Failed"]) == 1)
    }

    @Test func `policies are counted by condition, budget and breakers`() throws {
        let scene = EngineScene()
        put("spent", ["limits": ["budget": ["actions": 1, "windowSeconds": 600]], "priority": 5], in: scene)
        put("idle", ["limits": ["budget": ["actions": 1]]], in: scene)
        put("asleep", ["suspend": true], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        scene.put("one", ["parameters": ["waitSeconds": 0]])
        scene.put("two", ["parameters": ["waitSeconds": 0]])
        scene.world.run(for: .seconds(5))
        #expect(try value(scene, "tmc_policy_budgets", ["state": "Exhausted"]) == 1)
        #expect(try value(scene, "tmc_policy_budgets", ["state": "Available"]) == 1)
        #expect(try value(scene, "tmc_recoveries_held", ["gate": "BudgetExhausted"]) == 1)
        #expect(try value(scene, "tmc_policy_conditions", ["type": "Ready", "status": "True"]) == 2)
        #expect(try value(scene, "tmc_policy_conditions", ["type": "Ready", "status": "False"]) == 1)
        #expect(try value(scene, "tmc_policy_conditions", ["type": "Storming", "status": "True"]) == 0)
        #expect(try value(scene, "tmc_circuit_breakers", ["state": "Open"]) == 0)
        scene.world.run(for: .seconds(700))
        #expect(try value(scene, "tmc_policy_budgets", ["state": "Available"]) == 1, "the one that waited has spent it")
        scene.world.run(for: .seconds(600))
        #expect(try value(scene, "tmc_policy_budgets", ["state": "Available"]) == 2)
    }

    @Test func `an attempt that ignores its end is told of for as long as it keeps its target locked`() throws {
        let strategy = DeafStrategy()
        let scene = EngineScene(strategies: [strategy])
        scene.start()
        scene.put("stuck", ["maxAttempts": 1])
        scene.world.run(for: .seconds(30))
        #expect(try value(scene, "tmc_recoveries_overdue") == 0)
        scene.world.run(for: .seconds(60))
        #expect(try scene.recovery("stuck")?.isFinal == true)
        #expect(try value(scene, "tmc_recoveries_overdue") == 1)
        for continuation in strategy.held.waiting.withLock({ $0 }) { continuation.resume() }
        scene.world.run(for: .seconds(5))
        #expect(try value(scene, "tmc_recoveries_overdue") == 0)
    }
}
