import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("Custom resources as a client sees them", .timeLimit(.minutes(1)))
struct CustomResourceLifecycleTests {
    private static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    private static let policies = "/apis/recovery.tmc.io/v1alpha1/namespaces/default/recoverypolicies"

    private static func yaml(_ text: String) throws -> JSONValue {
        try YAMLDocument.parse(Array(text.utf8), source: "test")
    }

    private static func policy(_ name: String) throws -> JSONValue {
        let head = "apiVersion: recovery.tmc.io/v1alpha1, kind: RecoveryPolicy"
        return try yaml("{\(head), metadata: {name: \(name)}, spec: {detection: {workloads: {}}}}")
    }

    /// A sandbox that serves a definition of this project.
    private static func sandbox(_ plural: String = "recoverypolicies") async throws -> TestSandbox {
        let sandbox = TestSandbox()
        let reply = await sandbox.post(Self.definitions, try SchemaFixtures.definition(plural))
        #expect(reply.status == 201, "\(reply.text)")
        return sandbox
    }

    @Test(
        "the definitions of this project are taken whole and established",
        arguments: [
            "memberclusters", "migrations", "recoveries", "placements", "recoverypolicies", "recoveryapprovals",
        ]
    )
    func definitions(plural: String) async throws {
        let sandbox = TestSandbox()
        let definition = try SchemaFixtures.definition(plural)
        let created = await sandbox.post(Self.definitions + "?fieldValidation=Strict", definition)
        #expect(created.status == 201, "\(created.text)")
        let seen = await sandbox.get("\(Self.definitions)/\(plural).recovery.tmc.io").body
        #expect(seen["spec"]?["versions"] == definition["spec"]?["versions"])
        #expect(CustomResources.isEstablished(seen))
        let list = await sandbox.get("/apis/recovery.tmc.io/v1alpha1/\(plural)")
        #expect(list.status == 200 && list.body["items"] == [])
    }

    @Test("objects are defaulted, validated, pruned and printed")
    func objects() async throws {
        let sandbox = try await Self.sandbox()
        let created = await sandbox.post(Self.policies, try Self.policy("a"))
        #expect(created.status == 201, "\(created.text)")
        #expect(created.body["spec"]?["mode"] == "Observe")
        #expect(created.body["spec"]?["detection"]?["workloads"]?["enabled"] == true)
        var wrong = try Self.policy("b")
        wrong.set("Never", at: ["spec", "mode"])
        let refused = await sandbox.post(Self.policies, wrong)
        #expect(refused.status == 422)
        #expect(refused.body["details"]?["causes"]?[index: 0]?["field"] == "spec.mode")
        wrong.set("Auto", at: ["spec", "mode"])
        wrong.set(1, at: ["spec", "unheard"])
        let strict = await sandbox.post(Self.policies + "?fieldValidation=Strict", wrong)
        #expect(strict.message?.hasSuffix("strict decoding error: unknown field \"spec.unheard\"") == true)
        let table = await sandbox.send(
            "GET",
            Self.policies,
            headers: ["Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"]
        )
        let cells = table.body["rows"]?[index: 0]?["cells"]?.arrayValue ?? []
        #expect(cells.prefix(2) == ["a", "Observe"] && cells.last == "0s")
    }

    @Test("a member that occurs twice is told once")
    func duplicates() async throws {
        let sandbox = try await Self.sandbox()
        let body =
            #"{"apiVersion":"recovery.tmc.io/v1alpha1","kind":"RecoveryPolicy","metadata":{"name":"a"},"spec":{"mode":"Auto","mode":"Auto"}}"#
        let reply = await sandbox.send("POST", Self.policies + "?fieldValidation=Strict", bytes: Array(body.utf8))
        #expect(reply.status == 400)
        #expect(reply.message?.hasSuffix("strict decoding error: duplicate field \"spec.mode\"") == true)
    }

    @Test("a definition with rules that are not run comes with a warning")
    func warnings() async throws {
        let sandbox = TestSandbox()
        let reply = await sandbox.post(Self.definitions, try SchemaFixtures.definition("recoverypolicies"))
        #expect(reply.headers("Warning").contains { $0.contains("x-kubernetes-validations") })
    }

    @Test("a changed definition holds at once")
    func change() async throws {
        let sandbox = try await Self.sandbox()
        let path = "\(Self.definitions)/recoverypolicies.recovery.tmc.io"
        var definition = await sandbox.get(path).body
        var versions = definition["spec"]?["versions"]?.arrayValue ?? []
        versions[0].set(
            "Approve",
            at: ["schema", "openAPIV3Schema", "properties", "spec", "properties", "mode", "default"]
        )
        definition.set(.array(versions), at: ["spec", "versions"])
        let changed = await sandbox.put(path, definition)
        #expect(changed.status == 200, "\(changed.text)")
        let created = await sandbox.post(Self.policies, try Self.policy("a"))
        #expect(created.body["spec"]?["mode"] == "Approve")
    }

    @Test("what was stored before a change gets the new defaults, and loses what is no longer known")
    func oldObjects() async throws {
        let sandbox = TestSandbox()
        let version = { (properties: JSONValue) -> JSONValue in
            let spec: JSONValue = ["type": "object", "properties": properties]
            let schema: JSONValue = ["type": "object", "properties": ["spec": spec]]
            return ["name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema]]
        }
        var definition = try Self.yaml(
            "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: as.x.io},"
                + " spec: {group: x.io, scope: Cluster, names: {plural: as, kind: A}, versions: []}}"
        )
        definition.set([version(["a": ["type": "string"]])], at: ["spec", "versions"])
        #expect(await sandbox.post(Self.definitions, definition).status == 201)
        let object = try Self.yaml("{apiVersion: x.io/v1, kind: A, metadata: {name: o}, spec: {a: old}}")
        #expect(await sandbox.post("/apis/x.io/v1/as", object).body["spec"] == ["a": "old"])
        let changed = version(["b": ["type": "string", "default": "new"]])
        #expect(await sandbox.merge("\(Self.definitions)/as.x.io", ["spec": ["versions": [changed]]]).status == 200)
        #expect(await sandbox.get("/apis/x.io/v1/as/o").body["spec"] == ["b": "new"])
        #expect(await sandbox.get("/apis/x.io/v1/as").body["items"]?[index: 0]?["spec"] == ["b": "new"])
    }

    @Test("no objects are created once the definition is being deleted")
    func terminating() async throws {
        let sandbox = try await Self.sandbox()
        var kept = try Self.policy("kept")
        kept.set(["test.io/keep"], at: ["metadata", "finalizers"])
        _ = await sandbox.post(Self.policies, kept)
        let answer = await sandbox.delete("\(Self.definitions)/recoverypolicies.recovery.tmc.io").body
        #expect(answer["status"]?["conditions"]?.arrayValue?.last?["reason"] == "InstanceDeletionPending")
        let refused = await sandbox.post(Self.policies, try Self.policy("late"))
        #expect(refused.status == 405 && refused.reason == "MethodNotAllowed")
        #expect(refused.message == "create not allowed while custom resource definition is terminating")
        #expect(await sandbox.get(Self.policies + "/kept").status == 200)
    }

    @Test(
        "a deprecated version names the best of the newer ones that is not deprecated itself",
        arguments: [
            ("{v1: x}", "x.io/v1alpha1 A is deprecated; use x.io/v1 A"),
            ("{v1beta1: x, v1beta2: x}", "x.io/v1alpha1 A is deprecated; use x.io/v1beta2 A"),
            ("{v1: deprecated, v1alpha2: x}", "x.io/v1alpha1 A is deprecated; use x.io/v1alpha2 A"),
            ("{v1: unserved, other: x}", "x.io/v1alpha1 A is deprecated"),
        ]
    )
    func deprecation(others: String, warning: String) throws {
        var versions: [JSONValue] = [["name": "v1alpha1", "served": true, "storage": true, "deprecated": true]]
        for (name, state) in try Self.yaml(others).objectValue ?? [:] {
            versions.append([
                "name": .string(name), "served": .bool(state != "unserved"), "deprecated": .bool(state == "deprecated"),
            ])
        }
        let names: JSONValue = ["plural": "as", "kind": "A"]
        let definition = try CustomResources.definition(
            of: ["spec": ["group": "x.io", "scope": "Cluster", "names": names, "versions": .array(versions)]]
        )
        #expect(definition.version("v1alpha1")?.deprecationWarning == warning)
    }

    @Test("a definition goes after its objects")
    func deletion() async throws {
        let sandbox = try await Self.sandbox()
        var kept = try Self.policy("kept")
        kept.set(["test.io/keep"], at: ["metadata", "finalizers"])
        _ = await sandbox.post(Self.policies, kept)
        _ = await sandbox.post(Self.policies, try Self.policy("gone"))
        let path = "\(Self.definitions)/recoverypolicies.recovery.tmc.io"
        _ = await sandbox.delete(path)
        let waiting = await sandbox.get(path).body
        #expect(waiting["metadata"]?["finalizers"] == [.string(CustomResources.finalizer)])
        #expect(waiting["status"]?["conditions"]?.arrayValue?.last?["reason"] == "InstanceDeletionInProgress")
        let left = await sandbox.get(Self.policies).body["items"]?.arrayValue ?? []
        #expect(left.compactMap { $0["metadata"]?["name"]?.stringValue } == ["kept"])
        let patch: JSONValue = ["metadata": ["finalizers": .null]]
        let released = await sandbox.send(
            "PATCH",
            Self.policies + "/kept",
            patch,
            type: "application/merge-patch+json"
        )
        #expect(released.status == 200, "\(released.text)")
        #expect(await sandbox.get(path).status == 404)
        #expect(await sandbox.get(Self.policies).status == 404)
    }

    @Test("a definition that is wrong is refused with all its faults")
    func refusal() async throws {
        let sandbox = TestSandbox()
        var definition = try SchemaFixtures.definition("recoveries")
        definition.set("Everywhere", at: ["spec", "scope"])
        let reply = await sandbox.post(Self.definitions, definition)
        #expect(reply.status == 422)
        let text = "spec.scope: Unsupported value: \"Everywhere\": supported values: \"Cluster\", \"Namespaced\""
        #expect(reply.message?.contains(text) == true, "\(reply.text)")
    }
}
