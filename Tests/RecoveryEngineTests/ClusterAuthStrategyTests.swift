import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping
import YAML

@testable import RecoveryEngine

@Suite("ClusterAuth")
struct ClusterAuthStrategyTests {
    private func strategy(_ scene: MemberScene) -> ClusterAuthStrategy {
        ClusterAuthStrategy(members: scene.harness.members)
    }

    @Test("a Secret that was rotated meanwhile is used, proven, and the conditions turn True")
    func rotated() throws {
        let scene = MemberScene([MemberScene.healthy])
        let attempt = try scene.attempt("ClusterAuth")
        let result = try scene.harness.run(strategy(scene), attempt)
        #expect(result.message == "member cluster edge accepts the credential: namespaces can be listed")
        #expect(
            attempt.journalLines == [
                "RereadCredential Succeeded", "TestCredential Succeeded", "UpdateClusterStatus Succeeded",
            ]
        )
        #expect(try scene.conditions().last == "Ready=True/Ready")
        #expect(scene.transport.idleCloses == 1)
    }

    @Test(
        "a refused credential ends with a person, and says what is wrong with it",
        arguments: [
            (MemberClusterControllerTests.token(start: 0, end: 10), "expired at 1970-01-01T00:00:10Z"),
            ("opaque", "was revoked, or is of another cluster"),
        ]
    )
    func refused(token: String, diagnosis: String) throws {
        let scene = MemberScene(
            [MemberScene.status(401, "Unauthorized", "Unauthorized")],
            secret: MemberScene.secret(user: "token: \(token)")
        )
        let failure = try scene.harness.failure(strategy(scene), scene.attempt("ClusterAuth"))
        #expect(failure.kind == "permanent" && failure.message.contains(diagnosis))
        #expect(!failure.message.contains(token) && !failure.advice.contains(token))
        #expect(failure.advice.contains("into Secret tmc-recovery-system/edge-kubeconfig"))
        #expect(try scene.conditions()[1] == "Authenticated=False/Unauthorized")
    }

    @Test(
        "missing rights end with a person, with what is missing, and with the manifest that grants it with all the rest"
    )
    func missingRights() throws {
        let token = MemberClusterControllerTests.token(start: 0, end: 9e9)
        let scene = MemberScene(
            [
                { request in
                    guard request.url.contains("/selfsubjectaccessreviews") else {
                        return try MemberScene.healthy(request)
                    }
                    let isPatch = String(decoding: request.body ?? [], as: UTF8.self).contains("patch")
                    return .json(["status": ["allowed": .bool(!isPatch)]], status: 201)
                }
            ],
            spec: ["requiredPermissions": [["group": "apps", "resource": "deployments", "verbs": ["get", "patch"]]]],
            secret: MemberScene.secret(user: "token: \(token)")
        )
        let failure = try scene.harness.failure(strategy(scene), scene.attempt("ClusterAuth"))
        #expect(failure.kind == "permanent" && failure.message.contains("patch deployments.apps"))
        #expect(!failure.message.contains("get deployments"))
        #expect(failure.advice.contains("- patch") && failure.advice.contains("- get"))
        #expect(failure.advice.contains("name: tmc") && failure.advice.contains("kind: ServiceAccount"))
        #expect(try scene.conditions()[2] == "Authorized=False/MissingPermissions")
    }

    @Test(
        "what the probe itself is refused is granted by the manifest too, whatever else is required",
        arguments: [
            ("/namespaces?", [:], "namespaces"), ("/version", [:], "/version"),
            ("/version", ["requiredPermissions": [["resource": "pods", "verbs": ["get"]]]], "/version"),
        ] as [(String, JSONValue, String)]
    )
    func refusedProbe(path: String, spec: JSONValue, granted: String) throws {
        let scene = MemberScene(
            [
                { request in
                    request.url.contains(path)
                        ? .status(403, reason: "Forbidden", message: #"User "edge" cannot get it"#)
                        : try MemberScene.healthy(request)
                }
            ],
            spec: spec
        )
        let failure = try scene.harness.failure(strategy(scene), scene.attempt("ClusterAuth"))
        #expect(failure.kind == "permanent")
        let manifest = try #require(failure.nextSteps.first?.split(separator: "\n", maxSplits: 1).last)
        let documents = try YAMLDocument.parseAll(Array(manifest.utf8), source: "manifest")
        #expect(documents.map { $0["kind"]?.stringValue } == ["ClusterRole", "ClusterRoleBinding"])
        let rules = documents[0]["rules"]?.arrayValue ?? []
        let names = rules.flatMap { ($0["resources"] ?? $0["nonResourceURLs"])?.arrayValue ?? [] }
        #expect(names.contains(.string(granted)))
    }

    @Test("an unsafe kubeconfig is refused with the field that makes it so")
    func unsafe() throws {
        let scene = MemberScene([MemberScene.healthy], secret: MemberScene.secret(user: "tokenFile: /etc/passwd"))
        let failure = try scene.harness.failure(strategy(scene), scene.attempt("ClusterAuth"))
        #expect(failure.kind == "permanent" && failure.advice.contains("users[edge].user.tokenFile"))
        #expect(try scene.conditions()[1] == "Authenticated=False/UnsafeKubeconfig")
        #expect(scene.transport.requests.isEmpty)
    }

    @Test("a plug-in that gives no credential is named and tried again; whether the cluster answers is not known")
    func brokenPlugin() throws {
        let scene = MemberScene(
            [MemberScene.healthy],
            secret: MemberScene.brokenPlugin,
            allowedCommands: [MemberScene.plugin]
        )
        let failure = try scene.harness.failure(strategy(scene), scene.attempt("ClusterAuth"))
        #expect(failure.kind == "transient" && failure.message.contains("was not asked: the exec plug-in"))
        #expect(failure.advice.contains("Run the plug-in named in Secret tmc-recovery-system/edge-kubeconfig"))
        #expect(try scene.conditions().first == "Reachable=Unknown/NotProbed")
        #expect(scene.transport.requests.isEmpty)
    }

    @Test("a cluster that does not answer is handed to ClusterConnectivity")
    func handsOver() throws {
        let scene = MemberScene([MemberScene.failing(.tcp, code: 7, systemCode: 111)])
        let failure = try scene.harness.failure(strategy(scene), scene.attempt("ClusterAuth"))
        #expect(failure.kind == "superseded" && failure.successor?.type == "ClusterUnreachable")
    }

    /// A cluster whose credential ends in so many seconds, and that makes new ones for a day.
    private func renewing(endsIn seconds: Double) -> MemberScene {
        let now = ManualTimeSource().wallTime().timeIntervalSince1970
        return MemberScene(
            [
                { request in
                    guard request.url.contains("/serviceaccounts/tmc/token") else {
                        return try MemberScene.healthy(request)
                    }
                    let token = MemberClusterControllerTests.token(start: now, end: now + 86_400)
                    return .json(
                        ["status": ["token": .string(token), "expirationTimestamp": "2030-01-01T00:00:00Z"]],
                        status: 201
                    )
                }
            ],
            spec: ["credentialRenewal": ["serviceAccountRef": ["namespace": "kube-system", "name": "tmc"]]],
            secret: Self.secret(endsIn: seconds)
        )
    }

    private static func secret(endsIn seconds: Double) -> JSONValue {
        let now = ManualTimeSource().wallTime().timeIntervalSince1970
        let token = MemberClusterControllerTests.token(start: now - 9_000, end: now + seconds)
        return MemberScene.secret(user: "token: \(token)")
    }

    @Test("a credential near its end is renewed once, and the new one is proven")
    func renews() throws {
        let scene = renewing(endsIn: 100)
        let attempt = try scene.attempt("ClusterAuth")
        _ = try scene.harness.run(strategy(scene), attempt)
        #expect(scene.harness.writes(.secrets).count == 1)
        #expect(attempt.journalLines.contains("RenewCredential Succeeded"))
        #expect(attempt.journalLines.contains("ProveAccess Succeeded"))
        let last = try #require(scene.transport.requests.last)
        let claims = CredentialClaims.of(
            token: String(last.headers.first { $0.name == "Authorization" }?.value.dropFirst(7) ?? "")
        )
        let now = ManualTimeSource().wallTime().timeIntervalSince1970
        #expect(claims?.end?.timeIntervalSince1970 == now + 86_400)
    }

    @Test("a renewal that was written before an interruption is found done, proven, and made no second time")
    func goesOnAfterRenewal() throws {
        let scene = renewing(endsIn: 86_400)
        let begun = ActionRecord("RenewCredential", .started)
        let target = ResolvedTarget(cluster: MemberScene.cluster)
        let attempt = try scene.harness.attempt("ClusterAuth", target: target, actions: [begun])
        _ = try scene.harness.run(strategy(scene), attempt)
        #expect(
            attempt.journalLines == [
                "RenewCredential Succeeded", "RereadCredential Succeeded", "TestCredential Succeeded",
                "ProveAccess Succeeded", "UpdateClusterStatus Succeeded",
            ]
        )
        #expect(scene.harness.writes(.secrets).isEmpty)
        #expect(!scene.transport.requests.contains { $0.url.contains("/token") })
    }

    @Test("what the Secret holds now decides: a credential that was renewed a moment ago is not renewed again")
    func renewedMeanwhile() throws {
        let scene = renewing(endsIn: 100)
        let members = scene.harness.members
        let cluster = try scene.stored()
        let renewal = try #require(cluster.spec.credentialRenewal)
        let end = scene.harness.world.start {
            _ = try await members.client(for: MemberScene.cluster)
            scene.harness.hub.put(Self.secret(endsIn: 86_400), .secrets)
            return try await members.renew(renewal, of: cluster, through: scene.harness.client)
        }
        scene.harness.world.settle()
        let now = ManualTimeSource().wallTime().timeIntervalSince1970
        #expect(try #require(end.result).get()?.timeIntervalSince1970 == now + 86_400)
        #expect(scene.harness.writes(.secrets).isEmpty && scene.transport.requests.isEmpty)
    }

    @Test("a renewal that somebody else was first to write is done")
    func renewedByAnother() throws {
        let scene = renewing(endsIn: 100)
        let hub = scene.harness.hub
        let other = Self.secret(endsIn: 80_000)
        hub.before { [hub] request in
            if request.isWrite, request.concerns(.secrets) { hub.put(other, .secrets) }
            return nil
        }
        let attempt = try scene.attempt("ClusterAuth")
        _ = try scene.harness.run(strategy(scene), attempt)
        #expect(attempt.journalLines.contains("RenewCredential Succeeded"))
        #expect(hub.object(.secrets, MemberScene.secretKey)?["data"] == other["data"])
    }

    @Test("without a cluster there is nothing to do")
    func needsCluster() throws {
        let scene = MemberScene([MemberScene.healthy])
        let attempt = try scene.harness.attempt("ClusterAuth", target: nil)
        #expect(try scene.harness.failure(strategy(scene), attempt).kind == "permanent")
    }
}
