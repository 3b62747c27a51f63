import HTTPTransport
import JSON
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct RetryTests {
    private static let key = ObjectKey(namespace: "ns", name: "a")
    private static let lost = HTTPTransportError(layer: .http, message: "reset", requestWasSent: true)

    private static func answer(_ status: Int, after seconds: String? = "2", causes: [String] = []) -> ScriptedAnswer {
        .status(status, causes: causes, headers: seconds.map { ["Retry-After": $0] } ?? [:])
    }

    @Test(
        "An error answer is repeated only when the server says when",
        arguments: [
            (.get(.pods, key), answer(429), true),
            (.get(.pods, key), answer(503), true),
            (.get(.pods, key), answer(500), true),
            (.get(.pods, key), answer(429, after: nil), false),
            (.get(.pods, key), answer(503, after: nil), false),
            (.get(.pods, key), answer(503, after: "Wed, 21 Oct 2026 07:28:00 GMT"), false),
            (.get(.pods, key), answer(503, after: "-1"), false),
            (.get(.pods, key), answer(503, after: ""), false),
            (.get(.pods, key), answer(503, after: "31"), false),
            (.get(.pods, key), answer(404), false),
            (.get(.pods, key), answer(409), false),
            (.get(.pods, key), answer(504, causes: ["ResourceVersionTooLarge"]), false),
            (.watch(.pods), answer(429), true),
            (.create(.pods, namespace: "ns", body: ["metadata": ["generateName": "a-"]]), answer(429), true),
            (.create(.pods, namespace: "ns", body: ["metadata": ["generateName": "a-"]]), answer(503), true),
            (.create(.pods, namespace: "ns", body: ["metadata": ["generateName": "a-"]]), answer(500), false),
            (.create(.pods, namespace: "ns", body: ["metadata": ["generateName": "a-"]]), answer(504), false),
            (.create(.pods, namespace: "ns", body: ["metadata": ["name": "a"]]), answer(504), true),
            (
                .createSubresource("eviction", of: .pods, key, body: [:]),
                answer(429, causes: ["DisruptionBudget"]), false
            ),
        ] as [(APIRequest, ScriptedAnswer, Bool)]
    )
    func repeatsAnswers(request: APIRequest, answer: ScriptedAnswer, isRepeated: Bool) async throws {
        let test = TestClient([answer, .json(["kind": "Pod"])])
        do {
            _ = try await test.client.send(request)
            #expect(isRepeated)
        } catch let error as ClientError {
            #expect(!isRepeated)
            #expect(error.apiError?.status == answer.status)
        }
        #expect(test.transport.requests.count == (isRepeated ? 2 : 1))
        // What was asked for and half of the fifth that spreads: the tests' jitter is one half.
        #expect(test.time.slept == (isRepeated ? [.milliseconds(2_200)] : []))
    }

    @Test(
        "A lost connection is repeated after a second, but never for a write or a watch",
        arguments: [
            (.get(.pods, key), lost, true),
            (.list(.pods), lost, true),
            (.raw("/readyz"), lost, true),
            (.watch(.pods), lost, false),
            (.create(.pods, namespace: "ns", body: ["metadata": ["name": "a"]]), lost, false),
            (.update(.pods, key, body: ["metadata": ["resourceVersion": "1"]]), lost, false),
            (.patch(.pods, key, body: [:], type: .merge), lost, false),
            (.delete(.pods, key), lost, false),
            (.get(.pods, key), HTTPTransportError(layer: .tcp, message: "refused"), false),
            (.get(.pods, key), HTTPTransportError(layer: .timeout(.http), message: "slow"), false),
            (.get(.pods, key), HTTPTransportError(layer: .tls, message: "untrusted"), false),
        ] as [(APIRequest, HTTPTransportError, Bool)]
    )
    func repeatsLostConnections(request: APIRequest, error: HTTPTransportError, isRepeated: Bool) async throws {
        let test = TestClient([.failure(error), .json(["kind": "Pod"])])
        do {
            _ = try await test.client.send(request)
            #expect(isRepeated)
        } catch let thrown as ClientError {
            #expect(!isRepeated)
            #expect(thrown.transportError == error)
            #expect("\(thrown)".contains(request.verb.rawValue))
        }
        #expect(test.time.slept == (isRepeated ? [.seconds(1)] : []))
    }

    @Test("What a server forbids right after it could not be reached is asked again: it may not know the roles yet")
    func mayBeStarting() async throws {
        let refused = HTTPTransportError(layer: .tcp, message: "refused")
        let create = APIRequest.create(.pods, namespace: "ns", body: ["metadata": ["name": "a"]])
        let answers: [ScriptedAnswer] = [.failure(refused), .status(403), .status(403), .json(["kind": "Pod"])]
        let test = TestClient(answers + Array(repeating: .status(403), count: 20))
        await #expect(throws: ClientError.self) { try await test.client.send(create) }
        _ = try await test.client.send(create)
        #expect(test.time.slept == [.seconds(2), .seconds(2)])
        // It is there for a while now, so it means what it says.
        await #expect(throws: ClientError.self) { try await test.client.send(create) }
        #expect(test.time.slept == Array(repeating: .seconds(2), count: 10))
        await #expect(throws: ClientError.self) { try await test.client.send(create) }
        #expect(test.time.slept.count == 10)
    }

    @Test("After ten repetitions the failure goes to the caller")
    func givesUp() async throws {
        for failure in [Self.answer(429), .failure(Self.lost)] {
            let test = TestClient(ScriptedTransport { _ in failure })
            await #expect(throws: ClientError.self) { try await test.client.send(.get(.pods, Self.key)) }
            #expect(test.transport.requests.count == 11)
        }
    }

    @Test("Without patience nothing is repeated")
    func canBeImpatient() async throws {
        let test = TestClient([Self.answer(429), .json([:])])
        let client = test.client.with(requestTimeout: .seconds(5), retryPolicy: .none)
        await #expect(throws: ClientError.self) { try await client.send(.get(.pods, Self.key)) }
        #expect(test.sent == ["GET /api/v1/namespaces/ns/pods/a?timeout=5s"])
    }

    @Test("Cancelling ends the wait for a repetition")
    func cancelsTheWait() async throws {
        let time = ManualTimeSource()
        let transport = ScriptedTransport { _ in Self.answer(429) }
        let client = KubernetesClient(
            configuration: ClientConfiguration(server: "https://api.test:6443"),
            transport: transport,
            timeSource: time
        )
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await client.send(.get(.pods, Self.key)) }
            group.addTask { try await time.waitForSleepers(1) }
            await #expect(throws: CancellationError.self) {
                try await group.next()
                group.cancelAll()
                try await group.next()
            }
        }
        #expect(transport.requests.count == 1)
    }

    @Test("The gate is asked before every try, and its refusal is not sent")
    func asksTheGate() async throws {
        let test = TestClient([Self.answer(429), .json([:])])
        let calls = CallCount()
        let client = test.client.guarded { request in
            #expect(request.verb == .get)
            if calls.next() == 2 { throw Refusal() }
        }
        do {
            _ = try await client.send(.get(.pods, Self.key))
            Issue.record("sent in spite of the gate")
        } catch ClientError.refused(let cause, let request) {
            #expect(cause is Refusal)
            #expect("\(request)" == "get pods ns/a")
        }
        #expect(test.transport.requests.count == 1)
    }

    @Test("Gates add up")
    func addsGates() async throws {
        let test = TestClient([.json([:])])
        let calls = CallCount()
        let client = test.client.guarded { _ in _ = calls.next() }.guarded { _ in _ = calls.next() }
        _ = try await client.send(.get(.pods, Self.key))
        #expect(calls.value == 2)
    }
}

struct Refusal: Error {}
