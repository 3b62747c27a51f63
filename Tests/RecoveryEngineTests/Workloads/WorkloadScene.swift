import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// A hub with workloads, for strategies that change them; the test plays the workloads' controllers.
struct WorkloadScene {
    static let namespace = "shop"
    static let key = ObjectKey(namespace: namespace, name: "web")

    let harness = StrategyHarness()
    var hub: FakeAPIServer { harness.hub }

    /// Puts a Deployment (or another kind of workload) that is ready, unless the status says otherwise.
    @discardableResult
    func put(
        _ kind: APIResource = .deployments,
        spec: JSONValue = [:],
        status: JSONValue? = nil,
        metadata: JSONValue = [:]
    ) -> Unstructured {
        var object: JSONValue = [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "metadata": metadata,
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["app": "web"]],
                "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [["image": "v1"]]]],
            ],
        ]
        for (field, value) in spec.objectValue ?? [:] { object.set(value, at: ["spec", field]) }
        object.set(.string(Self.key.name), at: ["metadata", "name"])
        object.set(.string(Self.namespace), at: ["metadata", "namespace"])
        object["status"] = status ?? Self.ready(generation: 1)
        return hub.put(object, kind)
    }

    /// The status of a workload of one replica that is rolled out.
    static func ready(generation: Int64, replicas: Int64 = 1) -> JSONValue {
        let count = JSONValue.number(replicas)
        return [
            "observedGeneration": .number(generation), "replicas": count, "updatedReplicas": count,
            "availableReplicas": count, "readyReplicas": count, "desiredNumberScheduled": count,
            "updatedNumberScheduled": count, "numberAvailable": count, "currentRevision": "r", "updateRevision": "r",
        ]
    }

    /// Does what the workload's controller does when all goes well.
    func rollOut(_ kind: APIResource = .deployments) {
        hub.edit(kind, Self.key) { object in
            let replicas = object.value(at: ["spec", "replicas"])?.intValue ?? 1
            let generation = object.value(at: ["metadata", "generation"])?.intValue ?? 1
            object["status"] = Self.ready(generation: generation, replicas: replicas)
        }
        harness.world.settle()
    }

    /// Puts a pod of an owner.
    @discardableResult
    func putPod(_ name: String, owner: (kind: String, name: String)?, _ more: JSONValue = [:]) -> Unstructured {
        var object: JSONValue = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["name": .string(name), "namespace": .string(Self.namespace), "labels": ["app": "web"]],
            "spec": ["nodeName": "node-1"], "status": ["phase": "Running"],
        ]
        if let owner {
            let reference: JSONValue = [
                "apiVersion": "apps/v1", "kind": .string(owner.kind), "name": .string(owner.name), "uid": "u",
                "controller": true,
            ]
            object.set([reference], at: ["metadata", "ownerReferences"])
        }
        for (field, value) in more["metadata"]?.objectValue ?? [:] { object.set(value, at: ["metadata", field]) }
        for (field, value) in more["spec"]?.objectValue ?? [:] { object.set(value, at: ["spec", field]) }
        if let status = more["status"] { object["status"] = status }
        return hub.put(object, .pods)
    }

    /// Reserves an attempt at a workload.
    func attempt(
        _ kind: APIResource = .deployments,
        name: String = key.name,
        _ parameters: [String: JSONValue] = [:],
        actions: [ActionRecord] = [],
        namespace: String = StrategyHarness.namespace,
        prepare: (inout RecoveryStatus) -> Void = { _ in }
    ) throws -> Attempt {
        try harness.attempt(
            "ComponentUnhealthy",
            target: ResolvedTarget(
                apiVersion: kind.apiVersion,
                kind: kind.kind,
                namespace: kind.isNamespaced ? Self.namespace : nil,
                name: name
            ),
            parameters: parameters,
            actions: actions,
            namespace: namespace,
            prepare: prepare
        )
    }

    /// Starts a strategy and lets it come as far as it gets without time passing.
    func start(_ strategy: some RecoveryStrategy, _ attempt: Attempt) -> VirtualRun<StrategyResult> {
        harness.world.start { try await strategy.execute(attempt) }
    }

    /// Lets time pass until the run ends, and returns its result.
    func finish(_ run: VirtualRun<StrategyResult>) throws -> StrategyResult {
        _ = harness.world.run(until: { run.isFinished })
        return try #require(run.result, "the strategy hangs").get()
    }
}
