import HTTPTransport
import JSON
import KubernetesCore
import TestSupport
import Testing

@testable import KubernetesClient

struct ResendSafetyTests {
    private static let key = ObjectKey(namespace: "ns", name: "a")
    private static let versioned: JSONValue = ["metadata": ["resourceVersion": "7"]]
    private static let named: JSONValue = ["metadata": ["name": "a"]]

    @Test(
        "A second arrival is harmless, a question or unsafe by what the request says",
        arguments: [
            (.get(.pods, key), .harmless),
            (.list(.pods), .harmless),
            (.watch(.pods), .harmless),
            (.create(.pods, namespace: "ns", body: named), .question),
            (.create(.pods, namespace: "ns", body: ["metadata": ["generateName": "a-"]]), .unsafe),
            (.create(.pods, namespace: "ns", body: ["metadata": ["name": ""]]), .unsafe),
            (.create(.pods, namespace: "ns", body: [:], options: WriteOptions(dryRun: true)), .harmless),
            (.create(.selfSubjectAccessReviews, namespace: nil, body: ["spec": [:]]), .harmless),
            (.createSubresource("eviction", of: .pods, key, body: named), .unsafe),
            (.createSubresource("token", of: .serviceAccounts, key, body: [:]), .unsafe),
            (.update(.pods, key, body: versioned), .question),
            (.update(.pods, key, body: named), .harmless),
            (.patch(.pods, key, body: versioned, type: .merge), .question),
            (.patch(.pods, key, body: named, type: .merge), .harmless),
            (.patch(.pods, key, body: named, type: .strategic), .harmless),
            (.patch(.pods, key, body: named, type: .apply(fieldManager: "me", force: false)), .harmless),
            (.patch(.pods, key, body: [["op": "add", "path": "/a/-", "value": 1]], type: .json), .unsafe),
            (
                .patch(
                    .pods,
                    key,
                    body: [["op": "test", "path": "/metadata/resourceVersion", "value": "7"]],
                    type: .json
                ),
                .question
            ),
            (.delete(.pods, key), .unsafe),
            (.delete(.pods, key, options: DeleteOptions(propagationPolicy: .background)), .unsafe),
            (.delete(.pods, key, options: DeleteOptions(preconditionUID: "u")), .question),
            (.deleteCollection(.pods, namespace: "ns"), .unsafe),
            (.raw("/readyz"), .harmless),
            (.raw("/x", method: "POST"), .unsafe),
        ] as [(APIRequest, ResendSafety)]
    )
    func judgesRequests(request: APIRequest, expected: ResendSafety) {
        #expect(ResendSafety(request) == expected)
    }

    @Test("Unsafe requests get a live connection, watches one of their own, the rest any")
    func choosesConnections() {
        #expect(ResendSafety.harmless.reuse(for: .watch) == .dedicated)
        #expect(ResendSafety.unsafe.reuse(for: .delete) == .fresh)
        #expect(ResendSafety.harmless.reuse(for: .get) == .pooled)
        #expect(ResendSafety.question.reuse(for: .update) == .pooled)
    }

    @Test("The transport may send again only what is not unsafe", .timeLimit(.minutes(1)))
    func tellsTheTransport() async throws {
        let test = TestClient(Array(repeating: .json(["kind": "Status"]), count: 2))
        _ = try await test.client.send(.update(.pods, Self.key, body: Self.versioned))
        _ = try await test.client.send(.delete(.pods, Self.key))
        #expect(test.transport.requests.map(\.allowsResend) == [true, false])
        #expect(test.transport.requests.map(\.reuse) == [.pooled, .fresh])
    }
}
