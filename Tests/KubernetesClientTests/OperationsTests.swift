import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import TestSupport
import Testing

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct OperationsTests {
    private static let key = ObjectKey(namespace: "ns", name: "a")
    private static let base = "/api/v1/namespaces/ns/configmaps"

    /// Runs `operation` against a server that answers everything with a ConfigMap.
    private func sent(
        _ operation: (KubernetesClient) async throws -> Void
    ) async throws -> (line: String, type: String?, body: JSONValue?) {
        let test = TestClient([.json(.configMap("a"))])
        try await operation(test.client.with(requestTimeout: nil))
        let request = try #require(test.transport.requests.first)
        return (test.sent.first ?? "", request.header("Content-Type"), request.json)
    }

    @Test("Dynamic reads and writes go where they should")
    func sendsDynamicOperations() async throws {
        let object = Unstructured(.configMap("a"))
        let get = try await sent { _ = try await $0.get(.configMaps, Self.key, options: .init(resourceVersion: "0")) }
        #expect(get.line == "GET \(Self.base)/a?resourceVersion=0")
        let scale = try await sent { _ = try await $0.get(.deployments, Self.key, subresource: "scale") }
        #expect(scale.line == "GET /apis/apps/v1/namespaces/ns/deployments/a/scale")
        let create = try await sent {
            _ = try await $0.create(
                .configMaps,
                object,
                options: WriteOptions(fieldManager: "me", dryRun: true, fieldValidation: .strict)
            )
        }
        #expect(create.line == "POST \(Self.base)?dryRun=All&fieldManager=me&fieldValidation=Strict")
        #expect(create.type == "application/json")
        #expect(create.body == object.content)
        let update = try await sent { _ = try await $0.update(.configMaps, object, subresource: "status") }
        #expect(update.line == "PUT \(Self.base)/a/status")
        let evict = try await sent { _ = try await $0.createSubresource("eviction", of: .pods, Self.key, ["a": 1]) }
        #expect(evict.line == "POST /api/v1/namespaces/ns/pods/a/eviction")
        #expect(evict.body == ["a": 1])
        let clear = try await sent {
            try await $0.deleteCollection(.configMaps, namespace: "ns", list: ListOptions(labelSelector: "x"))
        }
        #expect(clear.line == "DELETE \(Self.base)?labelSelector=x")
    }

    @Test(
        "Each kind of patch has its media type",
        arguments: [
            (PatchType.json, "application/json-patch+json"), (.merge, "application/merge-patch+json"),
            (.strategic, "application/strategic-merge-patch+json"),
        ]
    )
    func sendsPatches(type: PatchType, mediaType: String) async throws {
        let patch = try await sent {
            _ = try await $0.patch(.configMaps, Self.key, ["data": [:]], type: type, subresource: "status")
        }
        #expect(patch.line == "PATCH \(Self.base)/a/status")
        #expect(patch.type == mediaType)
        #expect(patch.body == ["data": [:]])
    }

    @Test("Server-side apply names its manager and completes type and name")
    func applies() async throws {
        let apply = try await sent {
            _ = try await $0.patch(
                .configMaps,
                Self.key,
                ["data": ["k": "v"]],
                type: .apply(fieldManager: "me", force: true)
            )
        }
        #expect(apply.line == "PATCH \(Self.base)/a?fieldManager=me&force=true")
        #expect(apply.type == "application/apply-patch+yaml")
        #expect(
            apply.body == [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": ["k": "v"],
            ]
        )
    }

    @Test("Deletion carries preconditions and policy, and says whether the object is gone")
    func deletes() async throws {
        let options = DeleteOptions(
            preconditionUID: "u",
            preconditionResourceVersion: "7",
            propagationPolicy: .foreground,
            gracePeriodSeconds: 3
        )
        let test = TestClient([.json(.configMap("a")), .status(200), .status(200), .json(.configMap("a"))])
        #expect(try await test.client.delete(.configMaps, Self.key, options: options)?.name == "a")
        #expect(try await test.client.delete(.configMaps, Self.key) == nil)
        #expect(try await test.client.delete(ConfigMap.self, Self.key))
        #expect(try await !test.client.delete(ConfigMap.self, Self.key))
        let body = test.transport.requests.first?.json
        #expect(body?["preconditions"] == ["uid": "u", "resourceVersion": "7"])
        #expect(body?["propagationPolicy"] == "Foreground")
        #expect(body?["gracePeriodSeconds"] == 3)
    }

    @Test("Typed operations encode and decode, with the type fields added")
    func sendsTypedOperations() async throws {
        var object = ConfigMap(metadata: ObjectMeta(name: "a", namespace: "ns"), data: ["k": "v"])
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "ns"], "data": ["k": "v"],
        ]
        let copy = object
        let create = try await sent { _ = try await $0.create(copy) }
        #expect(create.line == "POST \(Self.base)")
        #expect(create.body == expected)
        object.metadata.resourceVersion = "7"
        let versioned = object
        let update = try await sent { _ = try await $0.update(versioned) }
        #expect(update.line == "PUT \(Self.base)/a")
        #expect(update.body?.value(at: ["metadata", "resourceVersion"]) == "7")
        let status = try await sent { _ = try await $0.updateStatus(versioned) }
        #expect(status.line == "PUT \(Self.base)/a/status")
        let get = try await sent { _ = try await $0.get(ConfigMap.self, Self.key) }
        #expect(get.line == "GET \(Self.base)/a")
        let patch = try await sent {
            _ = try await $0.patch(ConfigMap.self, Self.key, ["data": [:]], type: .merge, subresource: "status")
        }
        #expect(patch.line == "PATCH \(Self.base)/a/status")
    }

    @Test("A typed answer that does not fit names the request")
    func reportsMisfits() async throws {
        let test = TestClient(ScriptedTransport { _ in .json(["metadata": ["name": 1]]) })
        let object = ConfigMap(metadata: ObjectMeta(name: "a", namespace: "ns"))
        for (operation, text) in [
            ({ _ = try await test.client.get(ConfigMap.self, Self.key) }, "get configmaps ns/a"),
            ({ _ = try await test.client.update(object) }, "update configmaps ns/a"),
            (
                { _ = try await test.client.patch(ConfigMap.self, Self.key, [:], type: .merge) },
                "patch configmaps ns/a"
            ),
        ] as [(() async throws -> Void, String)] {
            do {
                try await operation()
                Issue.record("no error")
            } catch ClientError.decoding(_, let request) {
                #expect("\(request)" == text)
            }
        }
    }

    @Test("A conflict is tried again up to five times, about 10 ms apart")
    func retriesConflicts() async throws {
        let answer = try recorded("46-update-conflict")
        let test = TestClient(ScriptedTransport { _ in .json(answer.body, status: answer.status) })
        await #expect(throws: ClientError.self) {
            try await test.client.withRetryOnConflict { _ = try await test.client.get(.configMaps, Self.key) }
        }
        #expect(test.transport.requests.count == 5)
        #expect(test.time.slept == Array(repeating: .milliseconds(10.5), count: 4))
    }

    @Test("What is no conflict is not tried again, and success ends it")
    func endsConflictRetries() async throws {
        let test = TestClient([
            .status(409, reason: "Conflict"), .json(.configMap("a")), .status(409, reason: "AlreadyExists"),
        ])
        let name = try await test.client.withRetryOnConflict { try await test.client.get(.configMaps, Self.key).name }
        #expect(name == "a")
        await #expect(throws: ClientError.self) {
            try await test.client.withRetryOnConflict { _ = try await test.client.get(.configMaps, Self.key) }
        }
        #expect(test.transport.requests.count == 3)
    }

    @Test("A right is asked about with all its parts")
    func asksForRights() async throws {
        let answer = try recorded("88-access-review")
        let test = TestClient([.json(answer.body, status: 201), .json(["status": ["reason": "no", "denied": true]])])
        let allowed = try await test.client.canI(
            AccessAttributes(
                verb: "patch",
                group: "apps",
                resource: "deployments",
                subresource: "status",
                namespace: "ns",
                name: "a"
            )
        )
        #expect(allowed.isAllowed == answer.body.value(at: ["status", "allowed"])?.boolValue)
        let denied = try await test.client.canI(AccessAttributes(verb: "get", resource: "pods"))
        #expect(denied == AccessDecision(isAllowed: false, reason: "no", evaluationError: ""))
        #expect(test.sent.first == "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews?timeout=60s")
        #expect(
            test.transport.requests.first?.json?["spec"] == [
                "resourceAttributes": [
                    "verb": "patch", "group": "apps", "resource": "deployments", "subresource": "status",
                    "namespace": "ns", "name": "a",
                ]
            ]
        )
    }

    @Test("A token is requested for a service account and hidden in descriptions")
    func requestsTokens() async throws {
        let test = TestClient([
            .json(["status": ["token": "abc", "expirationTimestamp": "2026-01-01T00:00:00Z"]], status: 201),
            .json(["status": ["token": "abc"]], status: 201),
        ])
        let token = try await test.client.requestToken(for: Self.key, audiences: ["me"], expirationSeconds: 900)
        #expect(token.token.value == "abc")
        #expect(token.expiration.timeIntervalSince1970 == 1_767_225_600)
        #expect(!"\(token)".contains("abc"))
        let request = try #require(test.transport.requests.first)
        #expect(test.sent.first?.hasPrefix("POST /api/v1/namespaces/ns/serviceaccounts/a/token") == true)
        #expect(request.json?["spec"] == ["expirationSeconds": 900, "audiences": ["me"]])
        #expect(request.reuse == .fresh)
        await #expect(throws: ClientError.self) { try await test.client.requestToken(for: Self.key) }
    }
}
