import FoundationEssentials
import JSON
import Testing

@testable import SandboxServer

@Suite("ManagedFields")
struct ManagedFieldsTests {
    private let context = PatchingFixtures.custom(properties)

    private static let properties: JSONValue = [
        "spec": ["type": "object", "additionalProperties": ["type": "string"]]
    ]

    private func later(_ seconds: Double) -> ManagedFields.Context {
        PatchingFixtures.custom(Self.properties, at: PatchingFixtures.now.addingTimeInterval(seconds))
    }

    private func created(_ spec: JSONValue = ["a": "1"], by manager: String = "creator") -> JSONValue {
        ManagedFields.update(old: nil, new: PatchingFixtures.thing(["spec": spec]), manager: manager, in: context)
    }

    @Test("a field goes to the one who changes it, and stays with the one who does not")
    func update() {
        let live = created(["a": "1", "b": "1"])
        var new = live
        new["spec"] = ["a": "2", "b": "1", "c": "1"]
        let result = ManagedFields.update(old: live, new: new, manager: "editor", in: context)
        #expect(PatchingFixtures.fields(of: "creator", in: result) == ["f:spec": [".": [:], "f:b": [:]]])
        #expect(PatchingFixtures.fields(of: "editor", in: result) == ["f:spec": ["f:a": [:], "f:c": [:]]])
    }

    @Test("what is removed has no owner, and a manager without fields no entry")
    func removal() {
        let live = created()
        var new = live
        new["spec"] = nil
        let result = ManagedFields.update(old: live, new: new, manager: "editor", in: context)
        #expect(result.managedFields == nil)
    }

    @Test("identity, version and times of an object have no managers")
    func untracked() {
        let metadata: JSONObject = [
            "uid": "u", "resourceVersion": "1", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z",
            "namespace": "n", "labels": ["a": "b"],
        ]
        let result = ManagedFields.update(
            old: nil,
            new: PatchingFixtures.thing(metadata: metadata),
            manager: "creator",
            in: context
        )
        #expect(
            PatchingFixtures.fields(of: "creator", in: result) == [
                "f:metadata": ["f:labels": [".": [:], "f:a": [:]]]
            ]
        )
    }

    @Test("the time of an entry moves only when its manager takes a field")
    func times() {
        let live = created()
        var new = live
        new["spec"] = ["a": "1", "b": "1"]
        let result = ManagedFields.update(old: live, new: new, manager: "editor", in: later(60))
        let times = result.managedFields?.arrayValue?.map { $0["time"]?.stringValue ?? "" }
        #expect(times == ["2026-11-21T04:47:44Z", "2026-11-21T04:48:44Z"])
        let same = ManagedFields.update(old: result, new: result, manager: "creator", in: later(120))
        #expect(same == result)
    }

    @Test("an object without entries stays without them until somebody applies")
    func untrackedObject() {
        let live = PatchingFixtures.thing(["spec": ["a": "1"]])
        let new = PatchingFixtures.thing(["spec": ["a": "2"]])
        #expect(ManagedFields.update(old: live, new: new, manager: "editor", in: context) == new)
    }

    @Test("an empty list or an empty entry makes everybody forget", arguments: [[], [[:]]] as [JSONValue])
    func reset(_ sent: JSONValue) {
        let live = created()
        var new = live
        new.managedFields = sent
        #expect(ManagedFields.update(old: live, new: new, manager: "e", in: context).managedFields == nil)
        let scale = PatchingFixtures.custom(Self.properties, subresource: "scale")
        let kept = ManagedFields.update(old: live, new: new, manager: "e", in: scale)
        #expect(kept.managedFields == live.managedFields)
    }

    @Test(
        "managed fields that are missing or malformed leave those of the object",
        arguments: [
            .null, "x", [["manager": "m"]], [["operation": "Steal"]], [["operation": "Apply", "apiVersion": "v1"]],
            [["operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV2"]],
            [["operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": ["q:a": [:]]]],
            [["operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": ["k:{": [:]]]],
        ] as [JSONValue]
    )
    func malformed(_ sent: JSONValue) {
        let live = created()
        var new = live
        new.managedFields = sent
        #expect(ManagedFields.update(old: live, new: new, manager: "e", in: context) == live)
    }

    @Test("managed fields that a client sends are taken over")
    func sent() throws {
        let live = created()
        var new = live
        var entry = try #require(live.managedFields?[index: 0])
        entry["manager"] = "renamed"
        new.managedFields = [entry]
        #expect(ManagedFields.update(old: live, new: new, manager: "e", in: context) == new)
    }

    @Test("of more than ten updaters the oldest become one entry")
    func ancientChanges() {
        var live = created(by: "m00")
        for number in 1...12 {
            var new = live
            new.set(.string("x"), at: ["spec", "k\(number)"])
            live = ManagedFields.update(
                old: live,
                new: new,
                manager: number < 10 ? "m0\(number)" : "m\(number)",
                in: later(Double(number))
            )
        }
        let managers = live.managedFields?.arrayValue?.map { $0["manager"]?.stringValue ?? "" } ?? []
        #expect(managers == ["ancient-changes"] + (4...9).map { "m0\($0)" } + ["m10", "m11", "m12"])
        #expect(
            PatchingFixtures.fields(of: "ancient-changes", in: live) == [
                "f:spec": [".": [:], "f:a": [:], "f:k1": [:], "f:k2": [:], "f:k3": [:]]
            ]
        )
    }

    @Test("a write after which only times differ is none")
    func idleTimes() throws {
        let live = created()
        var new = live
        var entry = try #require(live.managedFields?[index: 0])
        entry["time"] = "2030-01-01T00:00:00Z"
        new.managedFields = [entry]
        #expect(ManagedFields.revertingIdleTimes(old: live, new: new) == live)
        new["spec"] = ["a": "2"]
        #expect(ManagedFields.revertingIdleTimes(old: live, new: new) == new)
    }

    @Test(
        "a client is called by its field manager, or the first part of its user agent",
        arguments: [
            ("m", "kubectl/v1", "m"), ("", "kubectl/v1 (linux)", "kubectl"), ("", "", ""),
            ("", "a\u{7}b\u{a0}c/d", "abc"),
            ("", String(repeating: "ü", count: 100), String(repeating: "ü", count: 64)),
        ]
    )
    func managerNames(_ fieldManager: String, _ userAgent: String, _ expected: String) {
        #expect(ManagedFields.manager(fieldManager: fieldManager, userAgent: userAgent) == expected)
    }

    @Test("what a built-in kind always has is nobody's until there is something in it")
    func zeroValues() throws {
        let context = try PatchingFixtures.builtin("pods")
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
            "spec": ["containers": [["name": "c", "resources": [:]]]], "status": [:],
        ]
        let result = ManagedFields.update(old: nil, new: pod, manager: "m", in: context)
        #expect(
            PatchingFixtures.fields(of: "m", in: result) == [
                "f:spec": ["f:containers": [#"k:{"name":"c"}"#: [".": [:], "f:name": [:], "f:resources": [:]]]]
            ]
        )
    }
}
