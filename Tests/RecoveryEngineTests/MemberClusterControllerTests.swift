import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// The fleet under a whole engine in virtual time.
@Suite("MemberClusterController")
struct MemberClusterControllerTests {
    private static let refused = MemberScene.failing(.tcp, code: 7, systemCode: 111)

    private func ready(_ fleet: FleetScene) throws -> String? {
        try fleet.scene.conditions().first { $0.hasPrefix("Ready=") }
    }

    @Test("a healthy cluster turns Ready after as many probes as its threshold asks for, and costs no writes then")
    func turnsReady() throws {
        let fleet = FleetScene()
        fleet.start()
        fleet.world.settle()
        #expect(try ready(fleet) == "Ready=Unknown/NotProbed")
        fleet.world.run(for: .seconds(10))
        #expect(try ready(fleet) == "Ready=True/Ready")
        #expect(try fleet.scene.stored().status?.version == "v1.20.2")
        let writes = fleet.scene.harness.writes(MemberCluster.resource).count
        let reads = fleet.hub.requests { $0.concerns(.secrets) }.count
        fleet.world.run(for: .seconds(200))
        #expect(fleet.scene.harness.writes(MemberCluster.resource).count == writes)
        #expect(fleet.hub.requests { $0.concerns(.secrets) }.count == reads, "the Secret is watched, not asked for")
        #expect(fleet.scene.probes.count == 23, "one of them as soon as the nodes were counted")
        fleet.world.run(for: .seconds(200))
        #expect(fleet.scene.harness.writes(MemberCluster.resource).count == writes + 1, "the time, every five minutes")
        #expect(try fleet.recoveries().isEmpty)
    }

    @Test("conditions turn False with the threshold, not before, and one Recovery is opened for the incident")
    func opensRecovery() throws {
        let fleet = FleetScene()
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(Self.refused)
        fleet.world.run(for: .seconds(20))
        #expect(try ready(fleet) == "Ready=True/Ready")
        #expect(try fleet.recoveries().isEmpty)
        fleet.world.run(for: .seconds(10))
        #expect(try fleet.scene.conditions().first == "Reachable=False/ConnectionRefused")
        fleet.world.run(for: .seconds(60))
        let recoveries = try fleet.recoveries()
        let recovery = try #require(recoveries.first)
        #expect(recoveries.count == 1 && recovery.spec.error.type == "ClusterUnreachable")
        #expect(recovery.metadata.namespace == StrategyHarness.namespace)
        #expect(recovery.metadata.name?.hasPrefix("membercluster-edge-") == true)
        #expect(recovery.metadata.name?.hasSuffix("-1") == true)
        #expect(recovery.status?.strategy == "ClusterConnectivity" && recovery.state == .inProgress)
    }

    @Test("a cluster that heals by itself between two attempts completes its Recovery as SelfHealed")
    func selfHeals() throws {
        let fleet = FleetScene(spec: ["probe": ["intervalSeconds": 1]])
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(Self.refused)
        let isWaiting = {
            (try? fleet.recoveries().first?.status?.nextAttemptTime).flatMap { $0 } != nil
        }
        #expect(fleet.world.run(until: isWaiting) != nil)
        fleet.answers(MemberScene.healthy)
        let isOver = { (try? fleet.recoveries().first?.isFinal) ?? false }
        #expect(fleet.world.run(until: isOver, limit: .seconds(40)) != nil)
        let recovery = try #require(try fleet.recoveries().first)
        #expect(recovery.state == .completed)
        #expect(recovery.status?.conditions?[type: ConditionType.succeeded]?.reason == "SelfHealed")
        #expect(recovery.status?.attempts == 1)
    }

    @Test("a plug-in that fails while the cluster does not answer heals nothing: nobody was asked")
    func pluginHealsNothing() throws {
        let fleet = FleetScene(spec: ["probe": ["intervalSeconds": 1]], allowedCommands: [MemberScene.plugin])
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(Self.refused)
        let isWaiting = { (try? fleet.recoveries().first?.status?.nextAttemptTime).flatMap { $0 } != nil }
        #expect(fleet.world.run(until: isWaiting) != nil)
        fleet.hub.put(MemberScene.brokenPlugin, .secrets)
        let isOver = {
            (try? fleet.recoveries().first { $0.spec.error.type == "ClusterUnreachable" }?.isFinal) ?? false
        }
        #expect(fleet.world.run(until: isOver, limit: .seconds(600)) != nil)
        let unreachable = try #require(try fleet.recoveries().first { $0.spec.error.type == "ClusterUnreachable" })
        #expect(unreachable.status?.conditions?[type: ConditionType.succeeded]?.reason == "Superseded")
        #expect(
            try fleet.scene.conditions().prefix(3) == [
                "Reachable=Unknown/NotProbed", "Authenticated=False/CredentialUnavailable",
                "Authorized=Unknown/NotProbed",
            ]
        )
    }

    @Test("a plug-in that hangs holds a probe up for one timeout more, and then nobody was asked")
    func slowPlugin() throws {
        let fleet = FleetScene(secret: MemberScene.slowPlugin, allowedCommands: ["/bin/sleep"])
        fleet.start()
        fleet.world.run(for: .seconds(55))
        let condition = try #require(try fleet.scene.stored().status?.conditions?[type: ConditionType.authenticated])
        #expect(condition.reason == "CredentialUnavailable")
        #expect(condition.message == "exec plug-in /bin/sleep: no credential after 10 s")
        #expect(try fleet.scene.conditions().first == "Reachable=Unknown/NotProbed")
    }

    @Test("a status that cannot be written at once is no further failure: a new leader opens nothing on one probe")
    func countsProbes() throws {
        let fleet = FleetScene()
        fleet.answers(Self.refused)
        fleet.hub.edit(MemberCluster.resource, ObjectKey(name: "edge")) { object in
            object.set(
                [
                    "consecutiveFailures": 3,
                    "conditions": [
                        [
                            "type": "Reachable", "status": "False", "reason": "ConnectionRefused", "message": "",
                            "lastTransitionTime": "2026-01-01T00:00:00Z",
                        ]
                    ],
                ],
                at: ["status"]
            )
        }
        fleet.hub.inject(.status(409, "Conflict"), times: 4) { $0.isWrite && $0.concerns(MemberCluster.resource) }
        fleet.start()
        fleet.world.run(for: .seconds(5))
        #expect(fleet.scene.probes.count > 3)
        #expect(try fleet.recoveries().isEmpty)
        fleet.world.run(for: .seconds(25))
        #expect(try fleet.recoveries().count == 1)
    }

    @Test("the next incident gets the next number; one that goes on after its Recovery failed gets none (flux2 #5592)")
    func numbersIncidents() throws {
        let fleet = FleetScene()
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(Self.refused)
        let isFinal = { (try? fleet.recoveries().first?.isFinal) ?? false }
        #expect(fleet.world.run(until: isFinal, limit: .seconds(7_200)) != nil)
        fleet.world.run(for: .seconds(600))
        #expect(try fleet.recoveries().map(\.state) == [.failed])
        fleet.answers(MemberScene.healthy)
        fleet.world.run(for: .seconds(60))
        fleet.answers(Self.refused)
        fleet.world.run(for: .seconds(60))
        let names = try fleet.recoveries().compactMap(\.metadata.name)
        #expect(names.count == 2 && names[1].hasSuffix("-2"))
    }

    @Test("a failure that comes back while its Recovery is under way is one more occurrence, written once")
    func countsOccurrences() throws {
        let fleet = FleetScene(spec: ["probe": ["failureThreshold": 1, "successThreshold": 1]])
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(Self.refused)
        let isRunning = { (try? fleet.recoveries().first?.state) == .inProgress }
        #expect(fleet.world.run(until: isRunning) != nil)
        fleet.world.run(for: .seconds(60))
        let name = try #require(try fleet.recoveries().first?.metadata.key)
        let edge = ObjectKey(name: "edge")
        let began = fleet.world.time.wallTime()
        let beginning = RFC3339.string(from: began).map(JSONValue.string)
        fleet.hub.edit(MemberCluster.resource, edge) { cluster in
            cluster.set(
                [
                    [
                        "type": "Reachable", "status": "False", "reason": "ConnectionRefused", "message": "again",
                        "lastTransitionTime": beginning ?? .null,
                    ]
                ],
                at: ["status", "conditions"]
            )
        }
        fleet.world.run(for: .seconds(30))
        let recoveries = try fleet.recoveries()
        #expect(recoveries.count == 1 && recoveries.first?.metadata.key == name)
        #expect(recoveries.first?.status?.occurrences?.count == 2)
        let counts = fleet.hub.requests { $0.json.value(at: ["status", "occurrences"]) != nil }
        #expect(counts.count == 1)
        // The attempt that ran meanwhile has lost nothing by it.
        let isFinal = { (try? fleet.recoveries().first?.isFinal) ?? false }
        #expect(fleet.world.run(until: isFinal, limit: .seconds(7_200)) != nil)
        let ended = try #require(try fleet.recoveries().first)
        #expect(ended.state == .failed && ended.status?.occurrences?.count == 2)
        #expect(ended.status?.executions?.map(\.attempt) == Array(1...(ended.status?.attempts ?? 0)))
        #expect(ended.status?.executions?.allSatisfy { $0.result?.actions?.isEmpty == false } == true)
    }

    @Test("a refused credential is a matter of ClusterAuth, and ends with a person")
    func refusedCredential() throws {
        let fleet = FleetScene()
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.answers(MemberScene.status(401, "Unauthorized", "Unauthorized"))
        fleet.world.run(for: .seconds(60))
        let recovery = try #require(try fleet.recoveries().first)
        #expect(recovery.spec.error.type == "ClusterAuth" && recovery.status?.strategy == "ClusterAuth")
        #expect(recovery.state == .failed && recovery.status?.escalation?.level == .manual)
        #expect(recovery.status?.escalation?.nextSteps?.first?.contains("tmc-recovery-system/edge-kubeconfig") == true)
        #expect(try fleet.recoveries().count == 1)
    }

    @Test("a Secret that comes, changes or goes is noticed at once, without waiting for the next probe")
    func watchesSecrets() throws {
        let fleet = FleetScene(secret: nil)
        fleet.start()
        fleet.world.run(for: .seconds(35))
        #expect(try fleet.scene.conditions()[1] == "Authenticated=False/KubeconfigMissing")
        fleet.hub.put(MemberScene.secret(), .secrets)
        fleet.world.settle()
        #expect(fleet.scene.probes.count == 1)
        fleet.world.run(for: .seconds(10))
        #expect(try ready(fleet) == "Ready=True/Ready")
    }

    /// A healthy cluster with this identity; nil where the credential may not ask.
    private static func identified(_ uid: String?) -> MemberScene.Answer {
        { request in
            guard request.url.contains("/api/v1/namespaces?") else { return try MemberScene.healthy(request) }
            guard let uid else { return .status(403, reason: "Forbidden", message: "cannot list namespaces") }
            #expect(request.url.contains("fieldSelector=metadata.name%3Dkube-system"))
            return .json(["items": [["metadata": ["name": "kube-system", "uid": .string(uid)]]]])
        }
    }

    @Test("the identity of a cluster is asked for once with each client; another one is told, and is no incident")
    func identity() throws {
        let fleet = FleetScene()
        fleet.answers(Self.identified("one"))
        fleet.writeEvents()
        fleet.start()
        fleet.world.run(for: .seconds(25))
        #expect(try fleet.scene.stored().status?.clusterUID == "one")
        let asked = { fleet.scene.transport.requests.count { $0.url.contains("/api/v1/namespaces?") } }
        let before = asked()
        fleet.world.run(for: .seconds(200))
        #expect(asked() == before)
        // Nothing but the client is new.
        fleet.answers(Self.identified("two"))
        fleet.hub.put(MemberScene.secret(server: "https://other.example:6443"), .secrets)
        fleet.world.run(for: .seconds(25))
        #expect(try fleet.scene.stored().status?.clusterUID == "two")
        #expect(asked() == before + 1)
        #expect(try ready(fleet) == "Ready=True/Ready" && fleet.recoveries().isEmpty)
        let event = try #require(fleet.hub.objects(.events).first { $0["reason"] == "ClusterReplaced" })
        #expect(event["type"] == "Warning")
        #expect(event["message"]?.stringValue?.contains("kube-system is two and was one") == true)
    }

    @Test("where the credential may not list namespaces the identity is not known, and the cluster is as ready")
    func unknownIdentity() throws {
        let permission: JSONValue = ["resource": "configmaps", "verbs": ["get"]]
        let fleet = FleetScene(spec: ["requiredPermissions": [permission]])
        fleet.answers(Self.identified("one"))
        fleet.start()
        fleet.world.run(for: .seconds(25))
        #expect(try fleet.scene.stored().status?.clusterUID == "one")
        fleet.answers(Self.identified(nil))
        fleet.world.run(for: .seconds(25))
        #expect(try fleet.scene.stored().status?.clusterUID == nil)
        #expect(try ready(fleet) == "Ready=True/Ready")
    }

    @Test("a cluster whose credential may not list namespaces is as soon ready after an outage as any other")
    func readyAfterOutage() throws {
        let permission: JSONValue = ["resource": "configmaps", "verbs": ["get"]]
        let fleet = FleetScene(spec: ["requiredPermissions": [permission], "probe": ["intervalSeconds": 1]])
        fleet.answers(Self.identified(nil))
        fleet.start()
        fleet.world.run(for: .seconds(10))
        fleet.answers(Self.refused)
        fleet.world.run(for: .seconds(10))
        #expect(try ready(fleet) == "Ready=False/ConnectionRefused")
        fleet.answers(Self.identified(nil))
        fleet.world.run(for: .seconds(3))
        #expect(try ready(fleet) == "Ready=True/Ready")
    }

    @Test("a Secret that goes takes the client and its connections with it")
    func forgetsCredential() throws {
        let fleet = FleetScene()
        fleet.start()
        fleet.world.run(for: .seconds(25))
        #expect(fleet.scene.harness.members.current("edge") != nil)
        fleet.hub.remove(.secrets, MemberScene.secretKey)
        fleet.world.run(for: .seconds(15))
        #expect(fleet.scene.harness.members.current("edge") == nil)
        #expect(fleet.scene.transport.idleCloses == 1, "and not again with the next probe")
        fleet.world.run(for: .seconds(10))
        #expect(try fleet.scene.conditions()[1] == "Authenticated=False/KubeconfigMissing")
    }

    @Test("a cluster that goes away is not probed any more, and its client is forgotten")
    func forgets() throws {
        let fleet = FleetScene()
        fleet.start()
        fleet.world.run(for: .seconds(25))
        fleet.hub.remove(MemberCluster.resource, ObjectKey(name: "edge"))
        fleet.world.run(for: .seconds(1))
        let probes = fleet.scene.probes.count
        fleet.world.run(for: .seconds(100))
        #expect(fleet.scene.probes.count == probes)
        #expect(fleet.scene.harness.members.claims("edge") == nil)
    }

    @Test("where the controller's namespace is not watched, conditions are written and nothing is opened")
    func opensNothingUnwatched() throws {
        let fleet = FleetScene(isWatched: false)
        fleet.start()
        fleet.answers(Self.refused)
        fleet.world.run(for: .seconds(60))
        #expect(try fleet.scene.conditions().first == "Reachable=False/ConnectionRefused")
        #expect(try fleet.recoveries().isEmpty)
    }

    @Test("a token near its end is renewed and written back; the client uses the new one")
    func renews() throws {
        let now = ManualTimeSource().wallTime().timeIntervalSince1970
        let old = Self.token(start: now, end: now + 1_000)
        let new = Self.token(start: now + 600, end: now + 90_000)
        let fleet = FleetScene(
            spec: [
                "credentialRenewal": [
                    "serviceAccountRef": ["namespace": "kube-system", "name": "tmc"], "renewBeforeSeconds": 3_600,
                ]
            ],
            secret: MemberScene.secret(user: "token: \(old)")
        )
        fleet.answers { request in
            guard request.url.contains("/serviceaccounts/tmc/token") else { return try MemberScene.healthy(request) }
            let end = RFC3339.string(from: Date(timeIntervalSince1970: now + 90_000)) ?? ""
            return .json(
                ["status": ["token": .string(new), "expirationTimestamp": .string(end)]],
                status: 201
            )
        }
        fleet.start()
        fleet.world.run(for: .seconds(480))
        #expect(fleet.scene.harness.writes(.secrets).isEmpty, "not in the first half of its life")
        fleet.world.run(for: .seconds(60))
        #expect(fleet.scene.harness.writes(.secrets).count == 1)
        fleet.world.run(for: .seconds(20))
        let last = try #require(fleet.scene.transport.requests.last)
        #expect(last.headers.first { $0.name == "Authorization" }?.value == "Bearer \(new)")
        #expect(try fleet.scene.stored().status?.credentialExpirationTime?.timeIntervalSince1970 == now + 90_000)
        #expect(fleet.scene.harness.writes(.secrets).count == 1)
    }

    /// A fleet whose credential ends in `seconds`, and is to be renewed an hour before.
    private func renewing(endsIn seconds: Double?) -> FleetScene {
        let now = ManualTimeSource().wallTime().timeIntervalSince1970
        let token = seconds.map { Self.token(start: now - 90_000, end: now + $0) } ?? "opaque"
        return FleetScene(
            spec: ["credentialRenewal": ["serviceAccountRef": ["namespace": "kube-system", "name": "tmc"]]],
            secret: MemberScene.secret(user: "token: \(token)")
        )
    }

    private func renewed(_ fleet: FleetScene) throws -> Condition? {
        try fleet.scene.stored().status?.conditions?[type: ConditionType.credentialRenewed]
    }

    private func warnings(_ fleet: FleetScene) -> [String] {
        fleet.hub.objects(.events).map(\.content).filter { $0["reason"]?.stringValue == "CredentialNotRenewed" }
            .compactMap { $0["message"]?.stringValue }
    }

    @Test(
        "a renewal that is refused is said at once, with the right that is missing and where, while the old one works",
        arguments: [
            (true, #"by a Role in namespace kube-system, {"apiGroups":[""]"#),
            (false, "apply the Role tmc-recovery-strategy-cluster-auth"),
        ]
    )
    func refusedRenewal(onMember: Bool, words: String) throws {
        let fleet = renewing(endsIn: 3_000)
        let now = ManualTimeSource().wallTime().timeIntervalSince1970
        let new: JSONValue = .string(Self.token(start: now, end: now + 90_000))
        fleet.answers { request in
            guard request.url.contains("/serviceaccounts/tmc/token") else { return try MemberScene.healthy(request) }
            if onMember { return .status(403, reason: "Forbidden", message: "cannot create serviceaccounts/token") }
            return .json(["status": ["token": new, "expirationTimestamp": "2030-01-01T00:00:00Z"]], status: 201)
        }
        if !onMember {
            fleet.hub.inject(.status(403, "Forbidden"), times: 100) { $0.isWrite && $0.concerns(.secrets) }
        }
        fleet.writeEvents()
        fleet.start()
        fleet.world.run(for: .seconds(60))
        let condition = try #require(try renewed(fleet))
        #expect(condition.status == .false && condition.reason == "Forbidden")
        #expect(condition.message.contains(words))
        #expect(warnings(fleet) == [condition.message])
        #expect(try ready(fleet) == "Ready=True/Ready", "the old one works")
        fleet.hub.clearFaults()
        fleet.answers { request in
            guard request.url.contains("/serviceaccounts/tmc/token") else { return try MemberScene.healthy(request) }
            return .json(["status": ["token": new, "expirationTimestamp": "2030-01-01T00:00:00Z"]], status: 201)
        }
        fleet.world.run(for: .seconds(60))
        #expect(try renewed(fleet)?.status == .true)
    }

    @Test("a credential that does not say when it ends cannot be renewed, and that is said")
    func notRenewable() throws {
        let fleet = renewing(endsIn: nil)
        fleet.writeEvents()
        fleet.start()
        fleet.world.run(for: .seconds(60))
        let condition = try #require(try renewed(fleet))
        #expect(condition.status == .false && condition.reason == "NotRenewable")
        #expect(warnings(fleet) == [condition.message])
        let writes = fleet.scene.harness.writes(MemberCluster.resource).count
        fleet.world.run(for: .seconds(100))
        #expect(fleet.scene.harness.writes(MemberCluster.resource).count == writes)
    }

    @Test("a cluster that asks for no renewal has no condition about it, and loses one that it had")
    func noRenewal() throws {
        let fleet = renewing(endsIn: 9e8)
        fleet.start()
        fleet.world.run(for: .seconds(60))
        #expect(try renewed(fleet)?.status == .true)
        fleet.hub.edit(MemberCluster.resource, ObjectKey(name: "edge")) { cluster in
            cluster.set(nil, at: ["spec", "credentialRenewal"])
        }
        fleet.world.run(for: .seconds(60))
        #expect(try renewed(fleet) == nil)
    }

    static func token(start: Double, end: Double) -> String {
        let claims: JSONValue = [
            "iat": .number(Int64(start)), "exp": .number(Int64(end)), "sub": "system:serviceaccount:kube-system:tmc",
        ]
        let payload = Data(claims.serialized()).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        return "e30.\(payload).c2ln"
    }
}
