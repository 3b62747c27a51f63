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

    /// What the shipped Role permits.
    private struct Permissions: Sendable {
        private let rules: [JSONValue]

        init() throws {
            let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            let text = try String(contentsOfFile: "\(root)/manifests/tenant/operator.yaml", encoding: .utf8)
            let documents = try YAMLDocument.parseAll(Array(text.utf8), source: "operator.yaml")
            rules = try #require(documents.first { $0["kind"]?.stringValue == "Role" }?["rules"]?.arrayValue)
        }

        func allow(_ request: FakeRequest) -> Bool {
            guard let target = request.target else { return true }
            let subresource = target.subresource.map { "/\($0)" } ?? ""
            let wanted = [
                "apiGroups": target.collection.group, "resources": target.collection.plural + subresource,
                "verbs": request.verb.rawValue,
            ]
            return target.namespace == PlacementStrategyScene.key.namespace
                && rules.contains { rule in
                    rule["resourceNames"] == nil
                        && wanted.allSatisfy { rule[$0.key]?.arrayValue?.contains(.string($0.value)) == true }
                }
        }
    }

    private func scene() throws -> PlacementStrategyScene {
        let scene = PlacementStrategyScene()
        let permissions = try Permissions()
        scene.harness.hub.inject(.status(403, "Forbidden"), times: .max) { request in
            request.header("Impersonate-User") != nil && !permissions.allow(request)
        }
        return scene
    }

    @Test("Placement finds another cluster: MemberClusters are read as the controller, the Placement as the account")
    func placement() throws {
        let scene = try scene()
        try scene.fill("edge-1")
        try scene.put([PlacementStrategyScene.cpu], on: ["edge-1"])
        scene.startController { $0 == "edge-2" }
        let attempt = try scene.attempt(.placementCapacity, on: "edge-1", account: Self.account)
        let result = try scene.harness.run(PlacementStrategy(), attempt)
        #expect(result.message == "Placement team/web is synced and ready on edge-2; left: edge-1")
        let writes = scene.harness.writes(Placement.resource)
        #expect(!writes.isEmpty && writes.allSatisfy { $0.header("Impersonate-User") != nil })
    }

    @Test("Sync brings the copy back to its manifests and writes the status as the account")
    func sync() throws {
        let scene = try scene()
        try scene.put([PlacementStrategyScene.settings], on: ["edge-1"])
        let attempt = try scene.attempt(.syncFailure, on: "edge-1", account: Self.account)
        let result = try scene.harness.run(SyncStrategy(members: scene.harness.members), attempt)
        #expect(result.message == "Placement team/web is synced and ready on edge-1")
        let writes = scene.harness.writes(Placement.resource)
        #expect(!writes.isEmpty && writes.allSatisfy { $0.header("Impersonate-User") != nil })
    }
}
