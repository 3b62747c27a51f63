import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("A tenant's Recovery of a Placement stays inside the fence")
struct LivePlacementFenceTests {
    private let scene = PlacementStrategyScene()
    private typealias Scene = PlacementStrategyScene

    /// Every Recovery that reaches members in a Placement's name.
    private static let types: [ErrorType] = [
        .syncFailure, .syncTimeout, .syncConflict, .placementCapacity, .placementConstraint, .placementPolicy,
        .migrationFailure, .migrationTimeout,
    ]
    private static let outside: [String: JSONValue] = [
        "another namespace": [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "settings", "namespace": "kube-system"],
            "data": ["a": "1"],
        ],
        "a Secret": [
            "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "settings", "namespace": "team"],
            "data": ["a": "MQ=="],
        ],
    ]

    private var edge: FakeAPIServer {
        get throws { try #require(scene.members["edge-1"]) }
    }

    /// Runs the strategy for a type of failure, which has to fail.
    private func failure(_ type: ErrorType, _ words: String = "TakeOurs") throws -> StrategyHarness.Failure {
        let attempt =
            [.migrationFailure, .migrationTimeout].contains(type)
            ? try scene.attempt(type, about: "Migration")
            : try scene.attempt(
                type,
                on: "edge-1",
                parameters: type == .syncConflict ? ["resolution": .string(words)] : [:]
            )
        let registry = StrategyRegistry.standard(members: scene.harness.members, transport: ScriptedTransport([]))
        let name = try #require(registry.catalogue(enabled: nil).candidates(forErrorType: type.rawValue).first?.name)
        let strategy = try #require(registry[name])
        return try scene.harness.failure(strategy, attempt)
    }

    /// A Placement on edge-1 that a Migration is about to move to edge-2.
    private func put(_ manifests: [JSONValue] = [Scene.settings]) throws {
        try scene.put(manifests, on: ["edge-1"])
        var migration = Migration(
            metadata: ObjectMeta(name: Scene.key.name, namespace: Scene.key.namespace),
            spec: MigrationSpec(
                placementRef: NameReference(name: Scene.key.name),
                action: .relocate,
                from: "edge-1",
                to: "edge-2"
            )
        )
        migration.status = MigrationStatus()
        migration.status?.phase = .prechecking
        scene.harness.hub.put(try migration.jsonValue(), Migration.resource)
    }

    private func edit(_ manifest: JSONValue) {
        scene.harness.hub.edit(Placement.resource, Scene.key) { $0.set([manifest], at: ["spec", "manifests"]) }
    }

    private var isUntouched: Bool { scene.members.values.allSatisfy { $0.requests().isEmpty } }

    @Test(
        "a Placement that was edited after it was accepted reaches no member",
        arguments: types,
        outside.keys.sorted()
    )
    func edited(type: ErrorType, what: String) throws {
        try put()
        edit(try #require(Self.outside[what]))
        let failure = try failure(type)
        #expect(failure.kind == "permanent" && failure.metrics["reason"] == "OutsideFence", "\(failure)")
        #expect(failure.message.contains("outside the namespace fence") && !failure.nextSteps.isEmpty)
        #expect(isUntouched)
    }

    @Test("a Placement whose spec is not valid any more reaches no member", arguments: types)
    func invalid(type: ErrorType) throws {
        try put()
        edit(["apiVersion": "v1", "kind": "ConfigMap", "metadata": [:]])
        let failure = try failure(type)
        #expect(failure.kind == "permanent" && failure.metrics["reason"] == "InvalidSpec", "\(failure)")
        #expect(isUntouched)
    }

    @Test(
        "a member that was closed to the namespace after the copy came is not reached for it",
        arguments: [ErrorType.syncFailure, .syncTimeout, .syncConflict, .migrationFailure, .migrationTimeout]
    )
    func closed(type: ErrorType) throws {
        try put()
        for name in ["edge-1", "edge-2"] {
            scene.edit(name) { $0.set(["matchLabels": ["tier": "b"]], at: ["spec", "allowedNamespaces"]) }
        }
        let failure = try failure(type)
        #expect(failure.kind == "permanent" && failure.metrics["reason"] == "OutsideFence", "\(failure)")
        #expect(isUntouched)
    }

    @Test("a copy on a closed member is not looked at by a recount either")
    func closedRecount() throws {
        try put([Scene.cpu])
        scene.edit("edge-1") { $0.set(nil, at: ["spec", "allowedNamespaces"]) }
        try scene.fill("edge-2")
        _ = try failure(.placementCapacity)
        #expect(try edge.requests().isEmpty)
    }

    @Test("a copy that leaves, or was never decided, is nothing to sync", arguments: [true, false])
    func leaving(isDecided: Bool) throws {
        try scene.put(on: isDecided ? ["edge-1"] : []) { placement in
            for index in (placement.status?.decisions ?? []).indices {
                placement.status?.decisions?[index].leaving = true
            }
        }
        for type in [ErrorType.syncFailure, .syncConflict] {
            let failure = try failure(type)
            #expect(failure.kind == "permanent" && failure.message.contains("no copy on edge-1 that is to stay"))
        }
        #expect(isUntouched)
    }

    /// What happens on the hub between the look at the member and the write to it.
    private static let changes: [String: @Sendable (inout JSONValue) -> Void] = [
        "edited": { $0.set([outside["another namespace"] ?? .null], at: ["spec", "manifests"]) },
        "changed": { object in
            var settings = Scene.settings
            settings.set("2", at: ["data", "a"])
            object.set([settings], at: ["spec", "manifests"])
        },
        "left": { $0.set([], at: ["status", "decisions"]) },
        "deleted": { $0.set("2026-01-01T00:00:00Z", at: ["metadata", "deletionTimestamp"]) },
    ]

    @Test(
        "what permits a write is looked at right before it",
        arguments: changes.keys.sorted(),
        [ErrorType.syncFailure, .syncConflict]
    )
    func racing(change: String, type: ErrorType) throws {
        try put()
        if type == .syncConflict { try edge.put(Scene.settings, .configMaps) }
        let looks = Mutex(0)
        // The second look is that of the change itself.
        try edge.before { [hub = scene.harness.hub] request in
            guard request.verb == .get, request.concerns(.configMaps), let body = Self.changes[change] else {
                return nil
            }
            if looks.withLock({
                $0 += 1
                return $0
            }) == 2 {
                hub.edit(Placement.resource, Scene.key, body)
            }
            return nil
        }
        _ = try failure(type)
        #expect(looks.withLock { $0 } >= 2)
        #expect(try edge.requests { $0.isWrite && $0.concerns(.configMaps) }.isEmpty)
    }
}
