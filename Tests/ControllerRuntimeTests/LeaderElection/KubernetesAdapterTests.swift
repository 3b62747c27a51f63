import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

/// The elector and the recorder on the real client: paths, bodies and what each answer of the server means to them.
@Suite("Election and events through the client", .timeLimit(.minutes(1)))
struct KubernetesAdapterTests {
    private let world = VirtualWorld()
    private let journal = Journal()

    private func client(_ transport: ScriptedTransport) -> KubernetesClient {
        KubernetesClient(
            configuration: ClientConfiguration(server: "https://api"),
            transport: transport,
            timeSource: world.time
        )
    }

    private func path(_ request: HTTPRequest) -> String {
        let path = request.url.dropFirst("https://api".count).prefix { $0 != "?" }
        return "\(request.method) \(path)"
    }

    @Test func `an elector reads, makes, renews and gives back the Lease`() throws {
        let store = ScriptedLease(world.time)
        let transport = ScriptedTransport { request in
            let body = try request.body.map { try JSONValue(parsing: $0) }
            do {
                switch request.method {
                case "GET": return try await store.read().map { .json($0) } ?? .status(404, reason: "NotFound")
                case "POST": return .json(try await store.create(body ?? .null), status: 201)
                default: return .json(try await store.update(body ?? .null))
                }
            } catch is LeaseConflict {
                return .status(409, reason: "Conflict")
            }
        }
        let elector = try LeaderElector(
            configuration: Replica.configuration(),
            client: client(transport),
            context: RuntimeContext(timeSource: world.time)
        )
        let run = world.start { [world] in
            try await elector.run { try await world.time.sleep(for: .seconds(1_000_000)) }
        }
        world.run(for: .seconds(2))
        // A change by another client: the next renewal conflicts and goes the slow path.
        store.lease = store.lease
        world.run(for: .seconds(2))
        elector.stop()
        world.settle()
        #expect(run.isFinished && run.error == nil)
        let lease = "/apis/coordination.k8s.io/v1/namespaces/system/leases/controller"
        #expect(
            transport.requests.map(path) == [
                "GET \(lease)", "POST /apis/coordination.k8s.io/v1/namespaces/system/leases", "PUT \(lease)",
                "PUT \(lease)", "GET \(lease)", "PUT \(lease)", "GET \(lease)", "PUT \(lease)",
            ]
        )
        #expect(transport.requests.allSatisfy { $0.timeouts.total.map { $0 <= .seconds(6) } == true })
        #expect(store.spec("holderIdentity") == "")
    }

    @Test func `a guarded client writes only while its process leads`() async throws {
        let elector = try LeaderElector(
            configuration: Replica.configuration(),
            store: ScriptedLease(world.time),
            context: RuntimeContext(timeSource: world.time)
        )
        let transport = ScriptedTransport([.json(["kind": "Pod"])])
        let guarded = client(transport).guarded { _ in try elector.requireLeadership() }
        let key = ObjectKey(namespace: "default", name: "web")
        await #expect(throws: ClientError.self) { try await guarded.delete(.pods, key) }
        #expect(transport.requests.isEmpty)
    }

    /// What a recorder does after each answer to its first POST, within the time of one retry.
    @Test(arguments: [
        (ScriptedAnswer.json([:], status: 201), 1), (.status(409, reason: "AlreadyExists"), 1),
        (.status(403, reason: "Forbidden", causes: ["NamespaceTerminating"]), 1), (.status(403), 1), (.status(422), 1),
        (.failure(HTTPTransportError(layer: .tcp, message: "refused")), 2),
        (.failure(HTTPTransportError(layer: .shutdown, message: "closed")), 1),
    ])
    func `only an unreachable server is asked again`(answer: ScriptedAnswer, attempts: Int) {
        let first = Journal()
        let transport = ScriptedTransport { _ in
            first.add("")
            return first.entries.count == 1 ? answer : .json([:], status: 201)
        }
        let recorder = EventRecorder(
            client: client(transport),
            component: "c",
            context: RuntimeContext(timeSource: world.time),
            random: { 0 }
        )
        world.start { try await recorder.run() }
        let pod = ObjectReference(kind: "Pod", namespace: "apps", name: "web")
        recorder.record(.normal, reason: "R", message: "m", about: pod)
        world.run(for: .seconds(10))
        #expect(
            transport.requests.map(path) == Array(repeating: "POST /api/v1/namespaces/apps/events", count: attempts)
        )
    }

    @Test func `a repetition is a merge patch, and a POST when the event is gone`() {
        let transport = ScriptedTransport([
            .json([:], status: 201), .json([:]), .status(404, reason: "NotFound"), .json([:], status: 201),
        ])
        let recorder = EventRecorder(
            client: client(transport),
            component: "c",
            context: RuntimeContext(timeSource: world.time)
        )
        world.start { try await recorder.run() }
        let pod = ObjectReference(kind: "Pod", namespace: "apps", name: "web")
        for _ in 0..<3 { recorder.record(.normal, reason: "R", message: "m", about: pod) }
        world.settle()
        let event = "/api/v1/namespaces/apps/events/web.18867251edfa0000"
        #expect(
            transport.requests.map(path) == [
                "POST /api/v1/namespaces/apps/events", "PATCH \(event)", "PATCH \(event)",
                "POST /api/v1/namespaces/apps/events",
            ]
        )
        let type = transport.requests[1].headers.first { $0.name.lowercased() == "content-type" }
        #expect(type?.value == "application/merge-patch+json")
    }
}
