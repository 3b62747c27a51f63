import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Strategies that take every failure for another one, under a whole engine.
@Suite("Hand-overs")
struct HandOverTests {
    /// Always finds another failure behind the reported one.
    private struct Blaming: RecoveryStrategy {
        let descriptor: StrategyDescriptor
        let request: @Sendable () -> SuccessorRequest

        init(_ type: String, blames other: String, _ subject: SuccessorRequest.Subject = .same) {
            descriptor = StrategyDescriptor(
                name: "Blame\(other)",
                errorTypes: [type],
                priority: 50,
                timeout: .seconds(60)
            )
            request = { SuccessorRequest(error: ReportedError(type: other), subject: subject) }
        }

        func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

        func execute(_ attempt: Attempt) async throws -> StrategyResult {
            throw StrategyFailure.superseded(request(), "it is something else")
        }
    }

    /// Ends as it is told.
    private struct Ending: RecoveryStrategy {
        let descriptor: StrategyDescriptor
        let failure: StrategyFailure?

        init(_ type: String, _ failure: StrategyFailure? = nil) {
            descriptor = StrategyDescriptor(name: "End", errorTypes: [type], priority: 50, timeout: .seconds(60))
            self.failure = failure
        }

        func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

        func execute(_ attempt: Attempt) async throws -> StrategyResult {
            if let failure { throw failure }
            return StrategyResult(message: "repaired")
        }
    }

    private func run(_ strategies: [any RecoveryStrategy], _ prepare: (EngineScene) -> Void) throws -> EngineScene {
        let scene = EngineScene(strategies: strategies)
        prepare(scene)
        scene.start()
        scene.world.run(for: .seconds(3_000))
        return scene
    }

    @Test("two strategies that blame each other end with a failure, not with ping-pong")
    func noPingPong() throws {
        let scene = try run([
            Blaming("ClusterUnreachable", blames: "ClusterAuth"), Blaming("ClusterAuth", blames: "ClusterUnreachable"),
        ]) { $0.put("first", ["error": ["type": "ClusterUnreachable"], "serviceAccountName": "acting"]) }
        let recoveries = try scene.recoveries()
        #expect(recoveries.count == 2)
        let first = try #require(try scene.recovery("first"))
        #expect(first.state == .cancelled)
        let reference = try #require(first.status?.supersededBy)
        #expect(reference.namespace == nil)
        let second = try #require(try scene.recovery(reference.name))
        #expect(second.spec.parentRef?.name == "first" && second.spec.serviceAccountName == "acting")
        #expect(second.spec.error.context == ["handedOver": "ClusterUnreachable"])
        #expect(second.state == .failed && (second.status?.attempts ?? 0) > 1)
        #expect(second.status?.message?.contains("not handed over to ClusterUnreachable again") == true)
    }

    @Test("a long chain ends")
    func chain() throws {
        let types = [
            "SyncFailure", "SyncConflict", "PlacementCapacity", "ClusterUnreachable", "ClusterAuth", "MigrationFailure",
        ]
        let strategies = zip(types, types.dropFirst()).map { Blaming($0, blames: $1) }
        let scene = try run(strategies) { $0.put("first", ["error": ["type": "SyncFailure"]]) }
        let recoveries = try scene.recoveries()
        #expect(recoveries.count == HandOver.maxRecoveries)
        #expect(recoveries.count { $0.state == .cancelled } == HandOver.maxRecoveries - 1)
        #expect(recoveries.filter { $0.state == .failed }.map(\.spec.error.type) == ["ClusterUnreachable"])
    }

    @Test(
        "what turns out to be a cluster's is handed to the one Recovery of that cluster, in the controller's namespace"
    )
    func toCluster() throws {
        let since = Date(timeIntervalSince1970: 1_000)
        let blaming = Blaming("SyncFailure", blames: "ClusterUnreachable", .cluster("edge", since: since))
        let scene = try run([blaming]) { scene in
            scene.put("one", ["error": ["type": "SyncFailure"]])
            scene.put("two", ["error": ["type": "SyncFailure"]])
            scene.put("near", ["error": ["type": "SyncFailure"]], namespace: "tmc-recovery-system")
        }
        let cluster = try scene.recoveries().filter { $0.spec.error.type == "ClusterUnreachable" }
        #expect(cluster.count == 1)
        let successor = try #require(cluster.first)
        #expect(successor.metadata.namespace == "tmc-recovery-system" && successor.spec.clusterRef?.name == "edge")
        #expect(successor.spec.targetRef == nil)
        let name = try #require(successor.metadata.name)
        #expect(name.hasPrefix("membercluster-edge-"))
        for recovery in try scene.recoveries() where recovery.spec.error.type == "SyncFailure" {
            let isNear = recovery.metadata.name == "near"
            let expected = RecoveryReference(namespace: isNear ? nil : "tmc-recovery-system", name: name)
            #expect(recovery.status?.supersededBy == expected)
        }
        let words = try scene.recovery("one")?.status?.message
        #expect(words == "Recovery tmc-recovery-system/\(name) took over: it is something else")
    }

    @Test("what turns out to be another object's is handed to that object's Recovery in the same namespace")
    func toObject() throws {
        let target = TargetReference(apiVersion: RecoveryAPI.apiVersion, kind: "Migration", name: "move")
        let since = Date(timeIntervalSince1970: 1_000)
        let scene = try run([Blaming("PlacementCapacity", blames: "MigrationFailure", .object(target, since: since))]) {
            $0.put("first", ["error": ["type": "PlacementCapacity"]])
        }
        let successor = try #require(try scene.recoveries().first { $0.spec.error.type == "MigrationFailure" })
        #expect(successor.spec.targetRef == target && successor.metadata.namespace == EngineScene.namespace)
        #expect(successor.spec.parentRef?.name == "first")
        #expect(try scene.recovery("first")?.status?.supersededBy?.name == successor.metadata.name)
    }

    /// A failure that turns out to be the cluster's, after the cluster's Recovery of the morning has ended.
    private func later(_ cluster: Ending) throws -> (scene: EngineScene, first: Recovery, second: Recovery) {
        let since = Date(timeIntervalSince1970: 1_000)
        let blaming = Blaming("SyncFailure", blames: "ClusterUnreachable", .cluster("edge", since: since))
        let scene = try run([blaming, cluster]) { scene in
            scene.hub.put(
                [
                    "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "MemberCluster",
                    "metadata": ["name": "edge"],
                    "spec": ["kubeconfigSecretRef": ["name": "edge"]],
                ],
                MemberCluster.resource
            )
            scene.put("morning", ["error": ["type": "SyncFailure"]])
        }
        let first = try #require(try scene.recoveries().first { $0.spec.clusterRef != nil })
        #expect(first.isFinal)
        scene.put("evening", ["error": ["type": "SyncFailure"]])
        scene.world.run(for: .seconds(3_000))
        return (scene, first, try #require(try scene.recovery("evening")))
    }

    @Test("one that had completed before is no successor: the next one is opened, and runs")
    func afterCompleted() throws {
        let (scene, first, evening) = try later(Ending("ClusterUnreachable"))
        #expect(first.state == .completed)
        let name = try #require(evening.status?.supersededBy?.name)
        #expect(name != first.metadata.name && name.hasSuffix("-2"))
        let second = try #require(try scene.recoveries().first { $0.metadata.name == name })
        #expect(second.state == .completed && second.status?.attempts == 1)
    }

    @Test("one that has given up is no successor: the failure stays where it is, with what a person can do")
    func afterFailed() throws {
        let failure = StrategyFailure.permanent("the cable is cut", nextSteps: ["Mend the cable"])
        let (scene, first, evening) = try later(Ending("ClusterUnreachable", failure))
        #expect(first.state == .failed)
        #expect(evening.state == .failed && evening.status?.supersededBy == nil)
        #expect(evening.status?.message?.contains("ended as Failed") == true)
        #expect(evening.status?.escalation?.nextSteps?.contains("Mend the cable") == true)
        #expect(try scene.recoveries().count { $0.spec.clusterRef != nil } == 1)
    }
}
