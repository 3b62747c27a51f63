import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// HTTP probes under a whole engine in virtual time, and against a real server.
@Suite("HTTPProbes", .timeLimit(.minutes(2)))
struct HTTPProbesTests {
    private static func probe(_ more: JSONValue = [:]) -> JSONValue {
        var probe: JSONValue = [
            "name": "front", "url": "http://web.team.svc/healthz", "intervalSeconds": 10, "timeoutSeconds": 5,
            "failureThreshold": 3, "healthyForSeconds": 5, "errorType": "ComponentUnhealthy",
            "targetRef": ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w"],
        ]
        for (key, value) in more.objectValue ?? [:] { probe[key] = value }
        return probe
    }

    private static func detection(_ more: JSONValue = [:]) -> JSONValue {
        ["httpProbes": [probe(more)]]
    }

    @Test("as many failures in a row as the threshold says open a Recovery; a success, kept up, closes it")
    func thresholds() throws {
        let scene = DetectionScene(Self.detection())
        scene.putWidget(ready: "True")
        scene.refuseWrites()
        scene.start()
        scene.world.run(for: .seconds(25))
        #expect(scene.probed.requests.count == 3)
        #expect(try scene.detecting() == "True/Watching: all that spec.detection names is looked at")
        scene.probed.set(.answers(503))
        scene.world.run(for: .seconds(20))
        #expect(try scene.recoveries().isEmpty)
        #expect(try scene.policy()?.status?.unhealthy == 1, "counted at once")
        scene.world.run(for: .seconds(10))
        let opened = try #require(try scene.recoveries().first)
        #expect(opened.spec.targetRef?.name == "w")
        #expect(opened.spec.error.message == "UnexpectedStatus: http://web.team.svc/healthz answered 503")
        scene.probed.set(.answers(200))
        scene.world.run(for: .seconds(20))
        #expect(try scene.recoveries().map(\.state) == [.completed])
    }

    @Test("a service that answers now and then is no failure")
    func flapping() throws {
        let scene = DetectionScene(Self.detection())
        scene.start()
        for _ in 0..<10 {
            scene.probed.set(.refuses)
            scene.world.run(for: .seconds(20))
            scene.probed.set(.answers(200))
            scene.world.run(for: .seconds(10))
        }
        #expect(try scene.recoveries().isEmpty)
    }

    @Test("a new leader judges nothing before it has seen as many failures itself")
    func warmUp() throws {
        let scene = DetectionScene(Self.detection())
        let policy = try #require(try scene.policy())
        let target = DetectedTarget(
            TargetReference(apiVersion: "example.com/v1", kind: "Widget", name: "w", namespace: "team")
        )
        let incident = Incident(PolicyWatch.Failure(target, errorType: "ComponentUnhealthy"), policy: policy)
        scene.hub.put(try incident.recovery(after: []).jsonValue(), Recovery.resource)
        scene.probed.set(.refuses)
        scene.start()
        scene.world.run(for: .seconds(15))
        let held = try scene.recoveries().first
        #expect(held?.status?.attempts == nil)
        #expect(held?.status?.conditions?[type: ConditionType.admitted]?.reason == "WarmingUp")
        scene.world.run(for: .seconds(10))
        #expect(try scene.recoveries().map { $0.status?.attempts } == [1])
    }

    @Test(
        "no answer is a failure; of answers the expected status alone is a success when it is named",
        arguments: [(200, nil, 0), (302, nil, 0), (404, nil, 1), (204, 204, 0), (200, 204, 1), (503, 503, 0)]
            as [(Int, Int?, Int)]
    )
    func answers(_ status: Int, _ expected: Int?, _ opened: Int) throws {
        var more: JSONValue = ["failureThreshold": 1]
        if let expected { more["expectedStatus"] = .number(JSONNumber(Int64(expected))) }
        let scene = DetectionScene(Self.detection(more))
        scene.probed.set(.answers(status))
        scene.start()
        scene.world.run(for: .seconds(1))
        #expect(try scene.recoveries().count == opened)
        scene.probed.set(.refuses)
        scene.world.run(for: .seconds(10))
        #expect(try scene.recoveries().first?.spec.error.message?.contains(opened == 1 ? "" : "NoAnswer: ") == true)
    }

    @Test(
        "URLs to loopback, link-local and metadata addresses are not asked",
        arguments: ["http://127.0.0.1/", "http://localhost:8080/", "http://169.254.169.254/latest", "http://[::1]/"]
    )
    func refusesAddresses(url: String) throws {
        let scene = DetectionScene(Self.detection(["url": .string(url), "failureThreshold": 1]))
        scene.start()
        scene.world.run(for: .seconds(60))
        #expect(scene.probed.requests.isEmpty)
        #expect(try scene.recoveries().isEmpty)
        #expect(try scene.detecting()?.contains("spec.detection.httpProbes[0] front: the URL leads to") == true)
    }

    @Test("each address that a name leads to is judged; one that is refused is no data, which is said")
    func judgesAddresses() throws {
        let scene = DetectionScene(Self.detection(["failureThreshold": 1]))
        scene.probed.set(.misleads)
        scene.start()
        scene.world.run(for: .seconds(30))
        let mayConnect = try #require(scene.probed.requests.first?.mayConnect)
        #expect(mayConnect("10.0.0.1") && !mayConnect("127.0.0.1") && !mayConnect("169.254.169.254"))
        #expect(try scene.recoveries().isEmpty)
        #expect(try scene.detecting()?.contains("HTTP probe front: ") == true)
        #expect(try scene.detecting()?.contains("no connection may be made there") == true)
    }

    @Test("black holes delay no other probe")
    func blackHoles() throws {
        var probes = (0..<30).map { Self.probe(["name": .string("hole\($0)"), "url": "http://hole.team.svc/"]) }
        probes.append(Self.probe())
        let scene = DetectionScene(["httpProbes": .array(probes)])
        scene.probed.set(.swallows, "hole")
        scene.start()
        scene.world.run(for: .seconds(95))
        let asked = scene.probed.requests.filter { $0.url.contains("web") }
        #expect(asked.count == 10, "every ten seconds")
    }

    @Test("no more requests are under way than may be, and whoever finds no place learns nothing")
    func limits() throws {
        let world = VirtualWorld()
        let services = ProbedServices(world.time)
        services.set(.swallows, "hole")
        var environment = HTTPProbes.Environment(
            transport: services.transport,
            addresses: AddressRule(),
            timeSource: world.time
        )
        environment.limits = (all: 3, namespace: 2)
        let probes = HTTPProbes(environment) { _ in }
        world.start { try await probes.run() }
        func probe(_ name: String, _ host: String) -> HTTPProbe {
            HTTPProbe(name: name, url: "http://\(host)/", errorType: "ComponentUnhealthy")
        }
        let greedy = ObjectKey(namespace: "greedy", name: "p")
        probes.follow((0..<5).map { probe("hole\($0)", "hole") }, for: greedy)
        world.run(for: .seconds(1))
        #expect(services.requests.count == 2)
        let other = ObjectKey(namespace: "other", name: "p")
        probes.follow([probe("web", "web")], for: other)
        world.run(for: .seconds(1))
        #expect(probes.record(of: probe("web", "web"), for: other)?.verdict == .healthy)
        let records = (0..<5).compactMap { probes.record(of: probe("hole\($0)", "hole"), for: greedy) }
        #expect(records.count { $0.problem?.contains("too many") == true && !$0.isSeen } == 3)
    }

    @Test("a policy that is gone, suspended or no longer names a probe ends it")
    func ends() throws {
        let scene = DetectionScene(Self.detection())
        scene.start()
        scene.world.run(for: .seconds(15))
        scene.putPolicy("watch", Self.detection(), suspend: true)
        scene.world.run(for: .seconds(1))
        let before = scene.probed.requests.count
        scene.world.run(for: .seconds(100))
        #expect(scene.probed.requests.count == before)
        scene.putPolicy("watch", Self.detection())
        scene.world.run(for: .seconds(15))
        #expect(scene.probed.requests.count == before + 2)
        scene.hub.remove(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "watch"))
        scene.world.run(for: .seconds(100))
        #expect(scene.probed.requests.count == before + 2)
    }

    @Test("a probe without a target is an incident of its own")
    func withoutTarget() throws {
        let scene = DetectionScene(Self.detection(["failureThreshold": 1, "targetRef": .null]))
        scene.probed.set(.refuses)
        scene.start()
        scene.world.run(for: .seconds(1))
        #expect(try scene.recoveries().first?.metadata.name?.hasPrefix("httpprobe-watch-front-") == true)
    }

    @Test("a real server that answers, breaks down, is silent and answers again")
    func realServer() async throws {
        let mode = Mutex("200 OK")
        let server = try LoopbackServer { connection in
            while connection.readRequest() != nil {
                connection.write("HTTP/1.1 \(mode.withLock { $0 })\r\nContent-Length: 0\r\n\r\n")
            }
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        defer { transport.shutdown() }
        let news = Signal()
        let allowed = AddressRule(allowed: [try #require(AddressRange("127.0.0.0/8"))])
        var environment = HTTPProbes.Environment(
            transport: transport,
            addresses: allowed,
            timeSource: SystemTimeSource()
        )
        environment.limits = (all: 1, namespace: 1)
        let probes = HTTPProbes(environment) { _ in news.send() }
        var probe = HTTPProbe(name: "real", url: server.url, errorType: "ComponentUnhealthy")
        probe.intervalSeconds = 1
        probe.timeoutSeconds = 1
        probe.failureThreshold = 2
        let (policy, wanted) = (ObjectKey(namespace: "team", name: "p"), probe)
        func wait(_ reached: (ProbeRecord) -> Bool) async throws {
            while !(probes.record(of: wanted, for: policy).map(reached) ?? false) { try await news.wait() }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await probes.run() }
            probes.follow([probe], for: policy)
            try await wait { $0.verdict == .healthy }
            mode.withLock { $0 = "503 Service Unavailable" }
            try await wait { $0.isSuspect }
            try await wait {
                if case .failing(let failure) = $0.verdict { failure.message.hasSuffix("503") } else { false }
            }
            mode.withLock { $0 = "200 OK" }
            try await wait { $0.verdict == .healthy && !$0.isSuspect }
            group.cancelAll()
        }
    }
}
