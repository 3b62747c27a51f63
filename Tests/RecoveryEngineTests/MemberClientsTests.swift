import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Synchronization
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("Clients of member clusters")
struct MemberClientsTests {
    private func client(_ scene: MemberScene) throws -> KubernetesClient {
        let run = scene.harness.world.start { [members = scene.harness.members] in
            try await members.client(for: MemberScene.cluster)
        }
        return try #require(run.result).get()
    }

    private func authorization(_ scene: MemberScene) throws -> String? {
        let client = try client(scene)
        let run = scene.harness.world.start { try await client.send(.raw("/readyz")) }
        _ = try #require(run.result).get()
        return scene.transport.requests.last?.headers.first { $0.name == "Authorization" }?.value
    }

    private func refusal(_ scene: MemberScene) -> MemberClientError? {
        do {
            _ = try client(scene)
            return nil
        } catch {
            return error as? MemberClientError
        }
    }

    @Test("a client uses server and credential of the Secret", arguments: ["kubeconfig", "value"])
    func usesSecret(key: String) throws {
        let scene = MemberScene([MemberScene.healthy], secret: MemberScene.secret(key: key))
        #expect(try authorization(scene) == "Bearer abc")
        #expect(scene.transport.requests.last?.url.hasPrefix("https://edge.example:6443/readyz") == true)
    }

    @Test("the entry that the MemberCluster names is the only one")
    func usesNamedKey() throws {
        let scene = MemberScene(
            [MemberScene.healthy],
            spec: ["kubeconfigSecretRef": ["name": .string(MemberScene.secretKey.name), "key": "mine"]]
        )
        #expect(refusal(scene)?.description.contains("has no key mine") == true)
        scene.harness.hub.put(MemberScene.secret(key: "mine"), .secrets)
        #expect(try authorization(scene) == "Bearer abc")
    }

    @Test("a rotated Secret makes a new client; an unchanged one does not")
    func noticesRotation() throws {
        let scene = MemberScene([MemberScene.healthy])
        #expect(try authorization(scene) == "Bearer abc")
        #expect(try authorization(scene) == "Bearer abc")
        scene.harness.hub.put(MemberScene.secret(user: "token: def"), .secrets)
        #expect(try authorization(scene) == "Bearer def")
    }

    @Test("a MemberCluster that names another entry of the same Secret gets a client of that")
    func noticesAnotherKey() throws {
        let other = try #require(MemberScene.secret(user: "token: other").value(at: ["data", "kubeconfig"]))
        var secret = MemberScene.secret()
        secret.set(other, at: ["data", "other"])
        let scene = MemberScene([MemberScene.healthy], secret: secret)
        #expect(try authorization(scene) == "Bearer abc")
        scene.harness.hub.edit(MemberCluster.resource, ObjectKey(namespace: nil, name: "edge")) {
            $0.set("other", at: ["spec", "kubeconfigSecretRef", "key"])
        }
        #expect(try authorization(scene) == "Bearer other")
    }

    @Test(
        "a kubeconfig that reaches out of its Secret is refused, and the field is named",
        arguments: [
            ("tokenFile: /var/run/secrets/token", "users[edge].user.tokenFile"),
            ("client-key: /etc/key", "users[edge].user.client-key"),
            (
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/steal, interactiveMode: Never}",
                "users[edge].user.exec"
            ),
            ("auth-provider: {name: gcp}", "users[edge].user.auth-provider"),
        ]
    )
    func refusesUnsafeFields(user: String, field: String) {
        let scene = MemberScene([MemberScene.healthy], secret: MemberScene.secret(user: user))
        guard case .unsafeKubeconfig(_, _, let fields) = refusal(scene) else {
            Issue.record("not refused")
            return
        }
        #expect(fields == [field])
    }

    @Test("a permitted plug-in may be named")
    func permitsCommands() throws {
        #expect(
            refusal(MemberScene([MemberScene.healthy], secret: MemberScene.secret(user: "tokenFile: /x")))?.nextSteps
                .count
                == 1,
            "a plug-in is spoken of only where there is one"
        )
        let secret = MemberScene.secret(
            user: "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/login, interactiveMode: Never}"
        )
        #expect(refusal(MemberScene([MemberScene.healthy], secret: secret, allowedCommands: ["/bin/other"])) != nil)
        _ = try client(MemberScene([MemberScene.healthy], secret: secret, allowedCommands: ["/bin/login"]))
    }

    @Test(
        "a Secret that is of no use says why, and never what is in it",
        arguments: [
            (nil, "does not exist in namespace tmc-recovery-system"),
            (MemberScene.secret(data: [:]), "has no key kubeconfig or value"),
            (MemberScene.secret(data: ["kubeconfig": "%%%"]), "not base64"),
            (
                MemberScene.secret(data: ["kubeconfig": .string(Data("users: [hush".utf8).base64EncodedString())]),
                "cannot be used"
            ),
        ] as [(JSONValue?, String)]
    )
    func explainsUselessSecret(secret: JSONValue?, problem: String) throws {
        let scene = MemberScene([MemberScene.healthy], secret: secret)
        let error = try #require(refusal(scene))
        #expect(error.description.contains(problem) && error.description.contains("edge-kubeconfig"))
        #expect(!error.description.contains("hush"))
        #expect(!error.nextSteps.isEmpty)
    }

    @Test("an unknown MemberCluster is named")
    func namesUnknownCluster() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.remove(MemberCluster.resource, ObjectKey(namespace: nil, name: "edge"))
        #expect(refusal(scene) == .notFound(cluster: "edge"))
    }

    @Test("an attempt's client of a member ends with the attempt")
    func fencesClients() throws {
        let scene = MemberScene([MemberScene.healthy])
        let attempt = try scene.attempt()
        let run = scene.harness.world.start { [fence = scene.harness.fence] in
            let client = try await attempt.targetClient()
            fence.close("cancelled")
            _ = try await client.send(.raw("/readyz"))
        }
        guard case ClientError.refused = try #require(run.error) else {
            Issue.record("not refused: \(String(describing: run.error))")
            return
        }
        #expect(scene.transport.requests.isEmpty)
    }

    @Test("strategies that only use a member get a failure with next steps", arguments: [true, false])
    func explainsToStrategies(isMissing: Bool) throws {
        let scene = MemberScene(
            [MemberScene.healthy],
            secret: isMissing ? nil : MemberScene.secret(user: "tokenFile: /x")
        )
        let failure = try scene.harness.failure(GenericStrategy(), scene.attempt("SyncFailure"))
        #expect(failure.kind == (isMissing ? "transient" : "permanent"))
        #expect(failure.advice.contains("edge-kubeconfig"))
    }
}

@Suite("ClusterConnectivity and kubeconfig Secrets")
struct ConnectivitySecretStrategyTests {
    @Test("a Secret rotated while the attempt probes is used by the next probe")
    func usesRotatedSecret() throws {
        let rotated = Mutex(false)
        let scene = MemberScene([
            { request in
                let isNew = request.headers.contains { $0.value == "Bearer new" }
                rotated.withLock { $0 = $0 || isNew }
                return isNew
                    ? try MemberScene.healthy(request) : .failure(HTTPTransportError(layer: .tcp, message: "no route"))
            }
        ])
        let attempt = try scene.attempt()
        let run = scene.harness.world.start { [strategy = scene.strategy] in try await strategy.execute(attempt) }
        scene.harness.hub.put(MemberScene.secret(user: "token: new"), .secrets)
        scene.harness.world.run(for: .seconds(5))
        #expect(try #require(run.result).get().metrics["probes"] == "2")
    }

    @Test("a missing Secret is waited for, and then a transient failure")
    func waitsForSecret() throws {
        let scene = MemberScene([MemberScene.healthy], secret: nil)
        let failure = try scene.harness.failure(scene.strategy, scene.attempt())
        #expect(failure.kind == "transient" && failure.advice.contains("Secret tmc-recovery-system/edge-kubeconfig"))
        #expect(
            try scene.conditions() == [
                "Reachable=Unknown/NotProbed", "Authenticated=False/KubeconfigMissing",
                "Authorized=Unknown/NotProbed", "Ready=False/KubeconfigMissing",
            ]
        )
        #expect(try scene.stored().status?.lastProbeTime == nil)
    }

    @Test(
        "an unsafe or broken kubeconfig ends the recovery for good, with the condition that says so",
        arguments: [
            (MemberScene.secret(user: "tokenFile: /x"), "UnsafeKubeconfig", "users[edge].user.tokenFile"),
            (MemberScene.secret(data: ["kubeconfig": "%%%"]), "InvalidKubeconfig", "not base64"),
        ]
    )
    func refusesBadKubeconfig(secret: JSONValue, reason: String, text: String) throws {
        let scene = MemberScene([MemberScene.healthy], secret: secret)
        let failure = try scene.harness.failure(scene.strategy, scene.attempt())
        #expect(failure.kind == "permanent" && failure.message.contains(text) && !failure.nextSteps.isEmpty)
        #expect(try scene.conditions()[1] == "Authenticated=False/\(reason)")
        #expect(scene.transport.requests.isEmpty)
    }

    @Test("an unknown MemberCluster ends the recovery for good")
    func needsMemberCluster() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.remove(MemberCluster.resource, ObjectKey(namespace: nil, name: "edge"))
        let failure = try scene.harness.failure(scene.strategy, scene.attempt())
        #expect(failure.kind == "permanent" && failure.message == "MemberCluster edge does not exist")
    }

    @Test("a hub that does not answer says nothing about the member")
    func blamesTheHubForItself() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.inject(.refuse, times: 100) { $0.concerns(.secrets) }
        let attempt = try scene.attempt()
        #expect(throws: ClientError.self) { try scene.harness.run(scene.strategy, attempt) }
        #expect(try scene.conditions().isEmpty)
    }
}
