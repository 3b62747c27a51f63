import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// A fleet of a hundred under a whole engine in virtual time.
@Suite("Many members", .timeLimit(.minutes(2)))
struct ManyMembersTests {
    private static let count = 100

    /// A hub with a hundred members, of which every tenth swallows whatever is sent to it.
    private final class Scene: Sendable {
        let harness: StrategyHarness
        let engine: RecoveryEngine
        private let members: Members

        static func name(_ index: Int) -> String { index % 10 == 0 ? "hole-\(index)" : "member-\(index)" }

        init() {
            let members = Members()
            self.members = members
            harness = StrategyHarness(memberTransport: ScriptedTransport { try await members.answer($0) })
            members.time.withLock { [time = harness.world.time] in $0 = time }
            engine = FleetScene.engine(harness)
            for index in 0..<ManyMembersTests.count { put(Self.name(index)) }
        }

        /// When each member was probed, by host.
        var probeTimes: [String: [MonotonicInstant]] { members.probes.withLock { $0 } }

        private func put(_ name: String) {
            var secret = MemberScene.secret(server: "https://\(name).example:6443")
            secret.set(.string("\(name)-kubeconfig"), at: ["metadata", "name"])
            harness.hub.put(secret, .secrets)
            harness.hub.put(
                [
                    "apiVersion": .string(MemberCluster.resource.apiVersion), "kind": "MemberCluster",
                    "metadata": ["name": .string(name)],
                    "spec": [
                        "kubeconfigSecretRef": ["name": .string("\(name)-kubeconfig")],
                        "probe": ["intervalSeconds": 10, "timeoutSeconds": 5],
                    ],
                ],
                MemberCluster.resource
            )
        }
    }

    /// The API servers of all members.
    private final class Members: Sendable {
        let probes = Mutex<[String: [MonotonicInstant]]>([:])
        let time = Mutex<ManualTimeSource?>(nil)

        func answer(_ request: HTTPRequest) async throws -> ScriptedAnswer {
            let host = request.url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
            let time = try #require(time.withLock { $0 })
            if request.url.contains("/readyz") { probes.withLock { $0[host, default: []].append(time.now()) } }
            guard host.hasPrefix("hole") else { return try MemberScene.healthy(request) }
            try await time.sleep(for: request.timeouts.connect)
            return .failure(HTTPTransportError(layer: .timeout(.tcp), message: "no answer"))
        }
    }

    @Test("of a hundred members ten swallow everything: the others are probed on time, counted and left in peace")
    func blackHoles() throws {
        let scene = Scene()
        FleetScene.start(scene.engine, in: scene.harness.world)
        scene.harness.world.run(for: .seconds(300))
        let times = scene.probeTimes
        #expect(times.count == Self.count)
        for (host, times) in times where host.hasPrefix("member") {
            let gaps = zip(times, times.dropFirst()).map { $0.duration(to: $1) }
            #expect(gaps.max() ?? .zero <= .seconds(10) && (30...32).contains(times.count), "\(host)")
        }
        let clusters = try scene.harness.hub.objects(MemberCluster.resource).map {
            try MemberCluster(json: $0.content)
        }
        let ready = clusters.filter { ($0.status?.conditions ?? []).isTrue(ConditionType.ready) }
        #expect(ready.count == 90 && ready.allSatisfy { $0.status?.capacity != nil })
        #expect(scene.engine.memberFleet.watched.count == 90)
        let recoveries = try scene.harness.hub.objects(Recovery.resource).map { try Recovery(json: $0.content) }
        #expect(recoveries.count == 10)
        #expect(recoveries.allSatisfy { $0.spec.clusterRef?.name.hasPrefix("hole-") == true })
    }

    @Test("a fleet at rest costs its hub nothing between two heartbeats")
    func atRest() throws {
        let scene = Scene()
        FleetScene.start(scene.engine, in: scene.harness.world)
        scene.harness.world.run(for: .seconds(60))
        let before = scene.harness.hub.requests { $0.concerns(MemberCluster.resource) || $0.concerns(.secrets) }.count
        scene.harness.world.run(for: .seconds(120))
        let after = scene.harness.hub.requests { $0.concerns(MemberCluster.resource) || $0.concerns(.secrets) }
        // What is written are the findings of the attempts at the ten that do not answer.
        #expect(after.dropFirst(before).allSatisfy { $0.target?.name?.hasPrefix("hole-") == true })
    }
}
