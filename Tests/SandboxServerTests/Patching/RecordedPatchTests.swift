import JSON
import Testing

@testable import SandboxServer

/// Replays what a real kube-apiserver 1.36.2 was asked and answered.
@Suite("Patches and managed fields as recorded from kube-apiserver 1.36.2")
struct RecordedPatchTests {
    /// The object that a recorded request found: the answer of the one before, without what changes by itself.
    private func answer(_ name: String) throws -> JSONValue {
        try SchemaFixtures.exchange(name).response
    }

    @Test(
        "a patch changes the object and its managed fields",
        arguments: [
            ("49-patch-merge", PatchType.merge, "45-update", "configmaps", ""),
            ("51-patch-json", .json, "49-patch-merge", "configmaps", ""),
            ("62-patch-strategic", .strategicMerge, "61-deployment-create", "deployments", "apps"),
        ]
    )
    func patches(_ name: String, _ type: PatchType, _ before: String, _ plural: String, _ group: String) throws {
        let exchange = try SchemaFixtures.exchange(name)
        let live = try answer(before)
        let context = try PatchingFixtures.builtin(plural, group: group)
        let patched = try PatchDocument.apply(exchange.request, type: type, to: live, schema: context.schema)
        let result = ManagedFields.update(old: live, new: patched, manager: "recorder", in: context)
        #expect(result["data"] == exchange.response["data"])
        #expect(result["spec"] == exchange.response["spec"])
        #expect(result["metadata"]?["annotations"] == exchange.response["metadata"]?["annotations"])
        #expect(PatchingFixtures.timeless(result) == PatchingFixtures.timeless(exchange.response))
    }

    @Test("the one who creates an object owns all of it", arguments: [("deployments", "apps", "61-deployment-create")])
    func creation(_ plural: String, _ group: String, _ name: String) throws {
        let recorded = try answer(name)
        let context = try PatchingFixtures.builtin(plural, group: group)
        var sent = recorded
        sent.managedFields = nil
        let result = ManagedFields.update(old: nil, new: sent, manager: "recorder", in: context)
        #expect(PatchingFixtures.timeless(result) == PatchingFixtures.timeless(recorded))
    }

    @Test("a replaced object belongs to the one who replaced it")
    func update() throws {
        let exchange = try SchemaFixtures.exchange("45-update")
        let context = try PatchingFixtures.builtin("configmaps")
        let live = ManagedFields.update(
            old: nil,
            new: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": ["k": "1"]],
            manager: "recorder",
            in: context
        )
        let result = ManagedFields.update(old: live, new: exchange.request, manager: "recorder", in: context)
        #expect(PatchingFixtures.timeless(result) == PatchingFixtures.timeless(exchange.response))
    }

    @Test("who writes the status owns it under the subresource")
    func status() throws {
        let exchange = try SchemaFixtures.exchange("65-status-patch")
        var live = exchange.response
        live["status"] = ["conditions": []]
        live.managedFields = .array(
            (live.managedFields?.arrayValue ?? []).filter { entry in
                entry["manager"] != "recorder" || entry["subresource"] == nil
            }
        )
        let context = try PatchingFixtures.builtin("deployments", group: "apps", subresource: "status")
        let patched = try PatchDocument.apply(exchange.request, type: .merge, to: live, schema: context.schema)
        let result = ManagedFields.update(old: live, new: patched, manager: "recorder", in: context)
        #expect(Set(PatchingFixtures.timeless(result)) == Set(PatchingFixtures.timeless(exchange.response)))
    }

    @Test("applies go from one recorded answer to the next")
    func applies() throws {
        let context = try PatchingFixtures.builtin("configmaps")
        var live: JSONValue?
        for (name, manager, force) in [
            ("55-apply", "one", false), ("58-apply-shared", "two", false), ("59-apply-force", "two", true),
            ("60-apply-removes-own", "one", false),
        ] {
            let exchange = try SchemaFixtures.exchange(name)
            let result = try ServerSideApply.apply(
                config: exchange.request,
                live: live,
                manager: manager,
                force: force,
                in: context
            )
            #expect(result["data"] == exchange.response["data"], "\(name)")
            #expect(PatchingFixtures.timeless(result) == PatchingFixtures.timeless(exchange.response), "\(name)")
            live = exchange.response
        }
    }

    @Test("a conflict is worded as recorded")
    func conflict() throws {
        let context = try PatchingFixtures.builtin("configmaps")
        let live = try answer("55-apply")
        let exchange = try SchemaFixtures.exchange("57-apply-conflict")
        let failure = #expect(throws: APIFailure.self) {
            try ServerSideApply.apply(
                config: exchange.request,
                live: live,
                manager: "two",
                force: false,
                in: context
            )
        }
        #expect(failure?.status == exchange.response)
    }

    @Test("an applied custom object is owned without what the server fills in")
    func customApply() throws {
        let exchange = try SchemaFixtures.exchange("75-cr-apply")
        let document = try SchemaFixtures.yaml("crd-in-use.yaml")
        let definition = try CustomResources.definition(of: document)
        let version = try #require(definition.versions.first)
        let context = ManagedFields.Context(definition, version, now: PatchingFixtures.now)
        var result = try ServerSideApply.apply(
            config: exchange.request,
            live: nil,
            manager: "one",
            force: false,
            in: context
        )
        version.schema.applyDefaults(to: &result)
        #expect(result["spec"] == exchange.response["spec"])
        #expect(PatchingFixtures.timeless(result) == PatchingFixtures.timeless(exchange.response))
    }

    @Test("the status of a custom object has its own entry, and its metadata and spec none")
    func customStatus() throws {
        let exchange = try SchemaFixtures.exchange("73-cr-status")
        let live = try answer("72-cr-status-ignored-on-main")
        let document = try SchemaFixtures.yaml("crd-in-use.yaml")
        let definition = try CustomResources.definition(of: document)
        let version = try #require(definition.versions.first)
        let context = ManagedFields.Context(definition, version, subresource: "status", now: PatchingFixtures.now)
        let patched = try PatchDocument.apply(exchange.request, type: .merge, to: live, schema: context.schema)
        let result = ManagedFields.update(old: live, new: patched, manager: "recorder", in: context)
        #expect(PatchingFixtures.timeless(result) == PatchingFixtures.timeless(exchange.response))
    }

    @Test("what a status patch on the object itself says is nobody's")
    func ignoredStatus() throws {
        let exchange = try SchemaFixtures.exchange("72-cr-status-ignored-on-main")
        let document = try SchemaFixtures.yaml("crd-in-use.yaml")
        let definition = try CustomResources.definition(of: document)
        let version = try #require(definition.versions.first)
        let context = ManagedFields.Context(definition, version, now: PatchingFixtures.now)
        let live = exchange.response
        let patched = try PatchDocument.apply(exchange.request, type: .merge, to: live, schema: context.schema)
        let result = ManagedFields.update(old: live, new: patched, manager: "other", in: context)
        #expect(result.managedFields == live.managedFields)
    }

    @Test(
        "a JSON patch that cannot be applied is refused as recorded",
        arguments: ["52-patch-json-test-fails", "53-patch-json-bad-path"]
    )
    func refusedPatches(_ name: String) throws {
        let exchange = try SchemaFixtures.exchange(name)
        let live = try answer("51-patch-json")
        let failure = #expect(throws: APIFailure.self) {
            try PatchDocument.apply(exchange.request, type: .json, to: live, schema: .anything)
        }
        #expect(failure?.status == exchange.response)
    }
}
