import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

@Suite("ClusterConnectivity")
struct ClusterConnectivityStrategyTests {
    private static let refused = MemberScene.failing(.tcp, code: 7, systemCode: 111)

    @Test("a cluster that answers is proven by real calls on new connections, and its conditions turn True")
    func provesReachability() throws {
        let scene = MemberScene([MemberScene.healthy])
        let attempt = try scene.attempt()
        let result = try scene.harness.run(scene.strategy, attempt)
        #expect(result.message == "member cluster edge is reachable (v1.20.2): namespaces can be listed")
        #expect(result.metrics == ["probes": "1", "effectiveTimeoutSeconds": "30", "version": "v1.20.2"])
        #expect(
            attempt.journalLines == [
                "TestEndpointConnectivity Succeeded", "RefreshClientConnections Succeeded", "RetryOperation Succeeded",
                "UpdateClusterStatus Succeeded",
            ]
        )
        #expect(scene.transport.idleCloses == 1)
        #expect(
            try scene.conditions() == [
                "Reachable=True/Answering", "Authenticated=True/CredentialAccepted", "Authorized=True/Permitted",
                "Ready=True/Ready",
            ]
        )
        let status = try #require(try scene.stored().status)
        #expect(status.version == "v1.20.2" && status.latencyMilliseconds == 1)
        #expect(status.lastProbeTime == scene.harness.world.time.wallTime())
        #expect(status.consecutiveSuccesses == 1 && status.consecutiveFailures == 0)
        #expect(status.observedGeneration == 1)
        #expect(
            scene.harness.writes(Recovery.resource).isEmpty,
            "it changes nothing, so status is written with the result"
        )
    }

    @Test("a refused connection is probed four times with pauses between, and ends as a transient failure")
    func spreadsProbes() throws {
        let scene = MemberScene([Self.refused])
        let start = scene.harness.world.time.now()
        let failure = try scene.harness.failure(scene.strategy, scene.attempt())
        #expect(failure.kind == "transient")
        #expect(
            failure.message
                == "member cluster edge is not reachable after 4 probes: TCP failed (ConnectionRefused): no luck"
        )
        #expect(failure.metrics["failedLayer"] == "TCP" && failure.metrics["probes"] == "4")
        #expect(failure.advice.contains("TCP: nothing listens at the endpoint of edge"))
        #expect(scene.probes.map(\.timeouts.total) == [.seconds(30), .seconds(60), .seconds(120), .seconds(260)])
        #expect(scene.probes.map(\.timeouts.connect) == scene.probes.map { $0.timeouts.total ?? .zero })
        #expect(start.duration(to: scene.harness.world.time.now()) == .seconds(5 + 10 + 20))
        #expect(scene.transport.idleCloses == 1)
    }

    @Test("the conditions turn False with the first failed probe, not with the last")
    func reportsAtOnce() throws {
        let scene = MemberScene([Self.refused])
        let attempt = try scene.attempt()
        let run = scene.harness.world.start { [strategy = scene.strategy] in try await strategy.execute(attempt) }
        #expect(!run.isFinished)
        #expect(try scene.conditions().first == "Reachable=False/ConnectionRefused")
        run.cancel()
        scene.harness.world.settle()
        #expect(run.error is CancellationError)
    }

    @Test("timeouts are cut to what the attempt has left")
    func keepsTheDeadline() throws {
        let scene = MemberScene([Self.refused])
        // The first one leaves 40 s, and 2 s of pause and 5 s for the outcome go off.
        let attempt = try scene.attempt(parameters: ["timeoutsSeconds": [12, 600]], timeLimit: .seconds(40))
        _ = try scene.harness.failure(scene.strategy, attempt)
        #expect(scene.probes.map(\.timeouts.total) == [.seconds(12), .seconds(33)])
    }

    @Test("without time for a single probe, the attempt says so")
    func saysThatTimeIsShort() throws {
        let scene = MemberScene([MemberScene.healthy])
        let failure = try scene.harness.failure(scene.strategy, scene.attempt(timeLimit: .seconds(5)))
        #expect(failure.kind == "transient" && failure.message.contains("too little time"))
        #expect(scene.probes.isEmpty)
    }

    @Test("a cluster that comes back while the attempt goes on is recovered by it")
    func noticesTheReturn() throws {
        let scene = MemberScene([Self.refused, Self.refused, MemberScene.healthy])
        let result = try scene.harness.run(scene.strategy, scene.attempt())
        #expect(result.metrics["probes"] == "3" && result.metrics["effectiveTimeoutSeconds"] == "120")
        #expect(try scene.conditions().last == "Ready=True/Ready")
        #expect(try scene.stored().status?.consecutiveFailures == 0)
    }

    @Test("an endpoint that answers while real calls fail is no recovered cluster")
    func distrustsReadyz() throws {
        let scene = MemberScene([
            { request in
                request.url.contains("/readyz")
                    ? .bytes(Array("ok".utf8)) : .status(500, reason: "InternalError", message: "etcd is away")
            }
        ])
        let failure = try scene.harness.failure(scene.strategy, scene.attempt())
        #expect(failure.kind == "transient" && failure.message.contains("etcd is away"))
        #expect(try scene.conditions().first == "Reachable=False/ServerError")
    }

    @Test(
        "every layer has its reason, and its name in the next steps",
        arguments: [
            (MemberScene.failing(.dns, code: 6), "DNS", "DNSLookupFailed"),
            (MemberScene.failing(.timeout(.dns), code: 28), "DNS", "DNSLookupFailed"),
            (MemberScene.failing(.proxy, code: 97), "proxy", "ProxyFailed"),
            (MemberScene.failing(.tcp, code: 7, systemCode: 111), "TCP", "ConnectionRefused"),
            (MemberScene.failing(.tcp, code: 7, systemCode: 113), "TCP", "ConnectFailed"),
            (MemberScene.failing(.timeout(.tcp), code: 28), "TCP", "ConnectTimeout"),
            (MemberScene.failing(.tls, code: 60), "TLS", "CertificateInvalid"),
            (MemberScene.failing(.tls, code: 35), "TLS", "TLSHandshakeFailed"),
            (MemberScene.failing(.timeout(.tls), code: 28), "TLS", "TLSHandshakeTimeout"),
            (MemberScene.failing(.http, code: 52), "HTTP", "ConnectionLost"),
            (MemberScene.failing(.timeout(.http), code: 28), "HTTP", "HTTPTimeout"),
            (MemberScene.failing(.tooLarge), "HTTP", "UnexpectedAnswer"),
            (MemberScene.status(500, "InternalError"), "HTTP", "ServerError"),
            (MemberScene.status(503, "ServiceUnavailable"), "HTTP", "ServerError"),
            (MemberScene.status(404, "NotFound"), "HTTP", "UnexpectedAnswer"),
        ] as [(MemberScene.Answer, String, String)]
    )
    func namesTheLayer(
        answer: @escaping MemberScene.Answer,
        layer: String,
        reason: String
    ) throws {
        let scene = MemberScene([answer])
        let failure = try scene.harness.failure(
            scene.strategy,
            scene.attempt(parameters: ["timeoutsSeconds": [1]])
        )
        #expect(failure.kind == "transient")
        #expect(failure.metrics["failedLayer"] == layer)
        #expect(failure.message.contains("\(layer) failed (\(reason))"))
        #expect(failure.advice.lowercased().contains("\(layer.lowercased()): "))
        #expect(
            try scene.conditions() == [
                "Reachable=False/\(reason)", "Authenticated=Unknown/NotProbed", "Authorized=Unknown/NotProbed",
                "Ready=False/\(reason)",
            ]
        )
        #expect(try scene.stored().status?.consecutiveFailures == 1)
    }

    @Test("of the checks of /readyz only the failed ones are reported")
    func namesFailedChecks() throws {
        let scene = MemberScene([
            { _ in
                .bytes(
                    Array("[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\nreadyz check failed\n".utf8),
                    status: 500
                )
            }
        ])
        let failure = try scene.harness.failure(
            scene.strategy,
            scene.attempt(parameters: ["timeoutsSeconds": [1]])
        )
        #expect(
            failure.message.hasSuffix("HTTP failed (ServerError): /readyz answers 500: etcd failed: reason withheld")
        )
    }

    @Test(
        "401 and 403 hand over to ClusterAuth, and the conditions say which it was",
        arguments: [
            (MemberScene.status(401, "Unauthorized"), "Authenticated=False/Unauthorized"),
            (
                MemberScene.status(403, "Forbidden", #"User "system:anonymous" cannot get path "/readyz""#),
                "Authenticated=False/Unauthorized"
            ), (MemberScene.status(403, "Forbidden", #"User "edge" cannot get path"#), "Authorized=False/Forbidden"),
        ] as [(MemberScene.Answer, String)]
    )
    func handsOver(answer: @escaping MemberScene.Answer, condition: String) throws {
        let scene = MemberScene([answer])
        let failure = try scene.harness.failure(scene.strategy, scene.attempt())
        #expect(failure.kind == "superseded")
        #expect(failure.successor?.type == "ClusterAuth")
        let conditions = try scene.conditions()
        #expect(conditions.first == "Reachable=True/Answering" && conditions.contains(condition))
        #expect(scene.probes.count <= 2, "another probe would change nothing")
    }

    @Test("permissions that the MemberCluster requires are reviewed; a missing one hands over")
    func reviewsPermissions() throws {
        let scene = MemberScene(
            [
                { request in
                    guard request.url.contains("/selfsubjectaccessreviews") else {
                        return try MemberScene.healthy(request)
                    }
                    let review = try JSONValue(parsing: request.body ?? [])
                    let verb = review.value(at: ["spec", "resourceAttributes", "verb"])?.stringValue
                    return .json(["status": ["allowed": .bool(verb == "get")]], status: 201)
                }
            ],
            spec: ["requiredPermissions": [["group": "apps", "resource": "deployments", "verbs": ["get", "create"]]]]
        )
        let failure = try scene.harness.failure(scene.strategy, scene.attempt())
        #expect(failure.kind == "superseded")
        #expect(failure.message.contains("may not: create deployments.apps"))
        #expect(try scene.conditions().contains("Authorized=False/MissingPermissions"))
    }

    @Test("a narrow credential need not list namespaces, as long as it has what is required", arguments: [true, false])
    func acceptsNarrowCredential(hasRequirements: Bool) throws {
        let required: JSONValue = [["resource": "pods", "verbs": ["get"]]]
        let scene = MemberScene(
            [
                { request in
                    request.url.contains("/namespaces?")
                        ? .status(403, reason: "Forbidden", message: #"User "edge" cannot list"#)
                        : try MemberScene.healthy(request)
                }
            ],
            spec: hasRequirements ? ["requiredPermissions": required] : [:]
        )
        if hasRequirements {
            #expect(
                try scene.harness.run(scene.strategy, scene.attempt()).message.contains("the credential is accepted")
            )
        } else {
            #expect(try scene.harness.failure(scene.strategy, scene.attempt()).kind == "superseded")
        }
    }

    @Test("conditions that cannot be written do not stop the recovery, and are noted")
    func goesOnWithoutConditions() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.inject(.status(403, "Forbidden"), times: 9) {
            $0.isWrite && $0.concerns(MemberCluster.resource)
        }
        let attempt = try scene.attempt()
        _ = try scene.harness.run(scene.strategy, attempt)
        #expect(attempt.journalLines.last == "UpdateClusterStatus Failed")
    }

    @Test("conditions are written on the version that was read, and again after a conflict")
    func writesConditionsWithPrecondition() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.inject(.status(409, "Conflict")) { $0.isWrite && $0.concerns(MemberCluster.resource) }
        _ = try scene.harness.run(scene.strategy, scene.attempt())
        let writes = scene.harness.writes(MemberCluster.resource)
        #expect(writes.count == 2)
        #expect(writes.allSatisfy { $0.json.value(at: ["metadata", "resourceVersion"]) != nil })
        #expect(writes.allSatisfy { $0.target?.subresource == "status" && $0.json["spec"] == nil })
        #expect(try scene.conditions().count == 4)
    }

    @Test("other controllers' conditions and fields of the status stay")
    func keepsOtherStatus() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.edit(MemberCluster.resource, ObjectKey(namespace: nil, name: "edge")) {
            $0["status"] = [
                "capacity": ["cpu": "4"], "consecutiveFailures": 7,
                "conditions": [
                    [
                        "type": "Drained", "status": "True", "reason": "Asked", "message": "",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    ]
                ],
            ]
        }
        _ = try scene.harness.run(scene.strategy, scene.attempt())
        #expect(try scene.conditions().first == "Drained=True/Asked")
        #expect(try scene.stored().status?.capacity == ["cpu": "4"])
        #expect(try scene.stored().status?.consecutiveFailures == 0)
    }

    @Test("an attempt that has ended sends nothing any more")
    func respectsTheFence() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.fence.close("cancelled")
        let attempt = try scene.attempt()
        #expect(throws: ClientError.self) { try scene.harness.run(scene.strategy, attempt) }
        #expect(scene.transport.requests.isEmpty)
        #expect(scene.harness.writes(MemberCluster.resource).isEmpty)
    }

    @Test(
        "without clusterRef a cluster error cannot be recovered",
        arguments: ["ClusterUnreachable", "ClusterUnavailable"]
    )
    func needsCluster(type: String) throws {
        let scene = MemberScene([MemberScene.healthy])
        let failure = try scene.harness.failure(scene.strategy, scene.harness.attempt(type, target: nil))
        #expect(failure.kind == "permanent" && failure.message.contains("spec.clusterRef is missing"))
    }

    @Test("what is found after the attempt has ended is not reported as a success")
    func reportsNothingBehindTheFence() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.before { [fence = scene.harness.fence, transport = scene.transport] request in
            // The conditions are about to be written: the probe and all real calls are through.
            if request.isWrite, request.concerns(MemberCluster.resource), transport.requests.count == 3 {
                fence.close("timed out")
                return .failure(409, "Conflict")
            }
            return nil
        }
        let attempt = try scene.attempt()
        #expect(throws: ClientError.self) { try scene.harness.run(scene.strategy, attempt) }
        #expect(!attempt.journalLines.contains { $0.hasPrefix("UpdateClusterStatus") })
    }

    @Test("a suspended attempt ends before its next probe")
    func stopsAtProbes() throws {
        let scene = MemberScene([MemberScene.healthy])
        let attempt = try scene.attempt()
        attempt.journal.requestStop(.suspended)
        #expect(throws: AttemptStopped(.suspended)) { try scene.harness.run(scene.strategy, attempt) }
        #expect(scene.transport.requests.isEmpty)
    }

    @Test("one probe is one request: a server that asks for patience is not asked again within it")
    func repeatsNothing() throws {
        let scene = MemberScene([
            { _ in .status(503, reason: "ServiceUnavailable", headers: ["Retry-After": "1"]) }
        ])
        _ = try scene.harness.failure(scene.strategy, scene.attempt(parameters: ["timeoutsSeconds": [1]]))
        #expect(scene.probes.count == 1)
    }

    @Test("without clusterRef NetworkConnectivity is about the hub")
    func probesTheHub() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.before { $0.path == "/readyz" ? FakeReply(status: 200, body: Array("ok".utf8)) : nil }
        let attempt = try scene.harness.attempt("NetworkConnectivity", target: nil)
        #expect(try scene.harness.run(scene.strategy, attempt).message == "the hub is reachable: /readyz is ok")
        #expect(scene.transport.requests.isEmpty)
    }

    @Test("a hub that answers without showing its health is reachable; one that is not ready is not")
    func judgesTheHub() throws {
        let scene = MemberScene([MemberScene.healthy])
        scene.harness.hub.before { $0.path == "/readyz" ? .failure(403, "Forbidden", "no") : nil }
        let attempt = try scene.harness.attempt("NetworkConnectivity", target: nil)
        #expect(try scene.harness.run(scene.strategy, attempt).message.contains("it answers"))
        scene.harness.hub.inject(.answer(.failure(500, "InternalError")), times: 100) { $0.path == "/readyz" }
        let failure = try scene.harness.failure(
            scene.strategy,
            scene.harness.attempt("NetworkConnectivity", target: nil)
        )
        #expect(failure.kind == "transient" && failure.message.contains("the hub is not reachable after 4 probes"))
    }

    @Test(
        "wrong timeouts are named",
        arguments: [[], [0], [3_601], [60, 30], ["30"], [1, 2, 3, 4, 5, 6, 7, 8, 9], 30] as [JSONValue]
    )
    func reportsParameters(timeouts: JSONValue) {
        let strategy = MemberScene([MemberScene.healthy]).strategy
        #expect(
            strategy.validate(parameters: ["timeoutsSeconds": timeouts]).map(\.path) == [
                "spec.parameters.timeoutsSeconds"
            ]
        )
        #expect(strategy.validate(parameters: ["timeoutsSeconds": [30, 60, 120, 300]]).isEmpty)
        #expect(strategy.validate(parameters: ["timeout": 3]).map(\.path) == ["spec.parameters.timeout"])
    }
}
