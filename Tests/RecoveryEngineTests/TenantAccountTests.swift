import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import YAML

@testable import RecoveryEngine

/// Strategies of the fleet that act as the ServiceAccount of manifests/tenant, on a hub that refuses it all else.
@Suite("Strategies as a tenant's ServiceAccount")
struct TenantAccountTests {
    private static let account = "recovery-operator"

    /// What a shipped role permits, by single rights.
    private struct Permissions: Sendable {
        struct Right: Hashable, Sendable, CustomStringConvertible {
            var group: String
            var resource: String
            var verb: String
            var description: String { "\(verb) \(resource)" }
        }

        var rights: Set<Right>

        init(_ file: String, _ role: String) throws {
            let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            let text = try String(contentsOfFile: "\(root)/manifests/\(file).yaml", encoding: .utf8)
            let documents = try YAMLDocument.parseAll(Array(text.utf8), source: file)
            let found = documents.first {
                $0["rules"] != nil && $0.value(at: ["metadata", "name"])?.stringValue == role
            }
            let rules = try #require(found?["rules"]?.arrayValue).filter { $0["resourceNames"] == nil }
            rights = Set(
                rules.flatMap { rule in
                    let words = ["apiGroups", "resources", "verbs"].map {
                        rule[$0]?.arrayValue?.compactMap(\.stringValue) ?? []
                    }
                    return words[0].flatMap { group in
                        words[1].flatMap { resource in
                            words[2].map { Right(group: group, resource: resource, verb: $0) }
                        }
                    }
                }
            )
        }

        func allow(_ request: FakeRequest) -> Bool {
            guard let target = request.target else { return true }
            let subresource = target.subresource.map { "/\($0)" } ?? ""
            let wanted = Right(
                group: target.collection.group,
                resource: target.collection.plural + subresource,
                verb: request.verb.rawValue
            )
            return target.namespace == PlacementStrategyScene.key.namespace && rights.contains(wanted)
        }
    }

    private func scene(_ permissions: Permissions) -> PlacementStrategyScene {
        let scene = PlacementStrategyScene()
        scene.harness.hub.inject(.status(403, "Forbidden"), times: .max) { request in
            request.header("Impersonate-User") != nil && !permissions.allow(request)
        }
        return scene
    }

    private func placement(_ permissions: Permissions) throws -> (result: StrategyResult, scene: PlacementStrategyScene)
    {
        let scene = scene(permissions)
        try scene.fill("edge-1")
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        scene.startController { $0 == "edge-2" }
        let attempt = try scene.attempt(.placementCapacity, on: "edge-1", account: Self.account)
        return (try scene.harness.run(PlacementStrategy(), attempt), scene)
    }

    private func sync(_ permissions: Permissions) throws -> (result: StrategyResult, scene: PlacementStrategyScene) {
        let scene = scene(permissions)
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        let attempt = try scene.attempt(.syncFailure, on: "edge-1", account: Self.account)
        return (try scene.harness.run(SyncStrategy(members: scene.harness.members), attempt), scene)
    }

    @Test("Placement finds another cluster: MemberClusters are read as the controller, the Placement as the account")
    func placement() throws {
        let (result, scene) = try placement(Permissions("tenant/operator", Self.account))
        #expect(result.message == "Placement team/web is synced and ready on edge-2; left: edge-1")
        let writes = scene.harness.writes(Placement.resource)
        #expect(!writes.isEmpty && writes.allSatisfy { $0.header("Impersonate-User") != nil })
    }

    @Test("Sync brings the copy back to its manifests and writes the status as the account")
    func sync() throws {
        let (result, scene) = try sync(Permissions("tenant/operator", Self.account))
        #expect(result.message == "Placement team/web is synced and ready on edge-1")
        let writes = scene.harness.writes(Placement.resource)
        #expect(!writes.isEmpty && writes.allSatisfy { $0.header("Impersonate-User") != nil })
    }

    @Test("the roles of Placement and Sync are enough for them, and no right in them is too much")
    func exactly() throws {
        for (role, run) in [("placement", placement(_:)), ("sync", sync(_:))] {
            let whole = try Permissions("rbac-strategies", "tmc-recovery-strategy-\(role)")
            #expect(try run(whole).result.message.contains("is synced and ready"))
            for right in whole.rights {
                var less = whole
                less.rights.remove(right)
                #expect(throws: (any Error).self, "\(role) without \(right)") { try run(less) }
            }
        }
    }
}
