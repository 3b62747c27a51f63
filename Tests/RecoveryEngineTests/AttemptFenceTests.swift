import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("What an attempt may write")
struct AttemptFenceTests {
    private static let key = ObjectKey(namespace: "team", name: "login")

    /// Writes an object of each kind, on the hub and on a member, and remembers what was refused.
    private final class Writer: RecoveryStrategy {
        let descriptor = StrategyDescriptor(
            name: "Writer",
            errorTypes: ["InternalError"],
            priority: 10,
            timeout: .seconds(60),
            destructiveness: .mutating
        )
        let refused = Mutex<[String]>([])

        func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

        func execute(_ attempt: Attempt) async throws -> StrategyResult {
            for (place, client) in [("hub", attempt.client), ("member", try await attempt.member("edge-1"))] {
                for resource in AttemptFenceTests.kinds {
                    do {
                        _ = try await client.patch(
                            resource,
                            AttemptFenceTests.key,
                            ["data": ["a": "MQ=="]],
                            type: .merge
                        )
                    } catch ClientError.refused {
                        refused.withLock { $0.append("\(place) \(resource.plural)") }
                    }
                }
            }
            return StrategyResult(message: "written")
        }
    }

    fileprivate static let bindings = APIResource(
        group: "rbac.authorization.k8s.io",
        version: "v1",
        plural: "rolebindings",
        kind: "RoleBinding"
    )

    fileprivate static let kinds: [APIResource] = [
        .secrets, bindings, PlacedScene.quotas, RecoveryApproval.resource, Placement.resource, .configMaps,
    ]

    @Test(
        "protected kinds are written on the hub only as a ServiceAccount, and on members never: nobody is impersonated there",
        arguments: [nil, "acting"]
    )
    func protectedKinds(account: String?) throws {
        let scene = PlacementStrategyScene(["edge-1"], resources: Self.kinds)
        let (hub, edge) = (scene.harness.hub, try #require(scene.members["edge-1"]))
        for server in [hub, edge] {
            for resource in Self.kinds {
                server.put(
                    [
                        "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
                        "metadata": ["namespace": "team", "name": "login"],
                    ],
                    resource
                )
            }
        }
        let writer = Writer()
        let engine = FleetScene.engine(scene.harness, strategies: StrategyRegistry([writer]))
        FleetScene.start(engine, in: scene.harness.world)
        var spec: JSONValue = ["error": ["type": "InternalError", "retryable": true]]
        spec["serviceAccountName"] = account.map(JSONValue.string)
        let key = ObjectKey(namespace: "team", name: "broken")
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery",
                "metadata": ["namespace": "team", "name": "broken"], "spec": spec,
            ],
            Recovery.resource
        )
        let isOver = {
            hub.object(Recovery.resource, key)?["status", "state"]?.stringValue == "Completed"
        }
        #expect(scene.harness.world.run(until: isOver, limit: .seconds(120)) != nil)
        let members = ["member secrets", "member rolebindings"]
        let all =
            ["hub secrets", "hub rolebindings", "hub resourcequotas", "hub recoveryapprovals", "hub placements"]
            + members
        #expect(writer.refused.withLock { $0 } == (account == nil ? all : members))
        #expect(edge.requests { $0.isWrite && ($0.concerns(.secrets) || $0.concerns(Self.bindings)) }.isEmpty)
        #expect(edge.object(.configMaps, Self.key)?["data", "a"] == "MQ==", "other kinds are written")
    }
}
