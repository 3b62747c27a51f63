import FoundationEssentials
import JSON
import Testing

@testable import SandboxServer

@Suite("ServerSideApply")
struct ServerSideApplyTests {
    private static let properties: JSONValue = [
        "spec": [
            "type": "object",
            "properties": [
                "text": ["type": "string"], "count": ["type": "integer"],
                "set": ["type": "array", "x-kubernetes-list-type": "set", "items": ["type": "string"]],
                "atomic": ["type": "array", "items": ["type": "string"]],
                "ports": [
                    "type": "array", "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": [
                        "type": "object",
                        "properties": [
                            "port": ["type": "integer"], "protocol": ["type": "string", "default": "TCP"],
                            "name": ["type": "string"],
                        ],
                    ],
                ],
                "selector": [
                    "type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": ["type": "string"],
                ],
                "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
            ],
        ],
        "status": ["type": "object", "properties": ["phase": ["type": "string"]]],
    ]

    private let context = PatchingFixtures.custom(properties, hasStatus: true)

    private func apply(
        _ spec: JSONValue,
        to live: JSONValue?,
        by manager: String,
        force: Bool = false,
        in context: ManagedFields.Context? = nil
    ) throws(APIFailure) -> JSONValue {
        let config = PatchingFixtures.thing(["spec": spec])
        return try ServerSideApply.apply(
            config: config,
            live: live,
            manager: manager,
            force: force,
            in: context ?? self.context
        )
    }

    private func failure(_ body: () throws -> JSONValue) -> APIFailure? {
        #expect(throws: APIFailure.self) { _ = try body() }
    }

    @Test("lists of type map belong to their managers element by element, keys with their defaults")
    func mapLists() throws {
        let first = try apply(["ports": [["port": 80, "name": "a"]]], to: nil, by: "one")
        #expect(
            PatchingFixtures.fields(of: "one", in: first) == [
                "f:spec": [
                    "f:ports": [#"k:{"port":80,"protocol":"TCP"}"#: [".": [:], "f:name": [:], "f:port": [:]]]
                ]
            ]
        )
        let both = try apply(["ports": [["port": 80, "protocol": "UDP"]]], to: first, by: "two")
        #expect(both["spec"]?["ports"]?.arrayValue?.count == 2)
        let rest = try apply([:], to: both, by: "one")
        #expect(rest["spec"] == ["ports": [["port": 80, "protocol": "UDP"]]])
    }

    @Test("what two managers apply stays until both have let go")
    func sharing() throws {
        var live = try apply(["text": "a", "set": ["x", "y"]], to: nil, by: "one")
        live = try apply(["text": "a", "set": ["y", "z"]], to: live, by: "two")
        #expect(live["spec"]?["set"] == ["x", "y", "z"])
        live = try apply([:], to: live, by: "one")
        #expect(live["spec"] == ["text": "a", "set": ["y", "z"]])
        live = try apply([:], to: live, by: "two")
        #expect(live["spec"] == [:])
    }

    @Test("lists without a type and atomic objects are replaced as one, and conflict as one")
    func atomic() throws {
        let live = try apply(["atomic": ["a"], "selector": ["a": "1"]], to: nil, by: "one")
        let refused = failure { try apply(["atomic": ["b"], "selector": ["b": "2"]], to: live, by: "two") }
        #expect(refused?.causes.map(\.field) == [".spec.atomic", ".spec.selector"])
        let forced = try apply(["atomic": ["b"], "selector": ["b": "2"]], to: live, by: "two", force: true)
        #expect(forced["spec"] == ["atomic": ["b"], "selector": ["b": "2"]])
        #expect(PatchingFixtures.fields(of: "one", in: forced) == nil)
    }

    @Test("several conflicts are listed by manager, and updaters with their version and subresource")
    func conflicts() throws {
        var live = try apply(["text": "a", "count": 1], to: nil, by: "one")
        var changed = live
        changed["spec"]?["set"] = ["x"]
        live = ManagedFields.update(old: live, new: changed, manager: "editor", in: context)
        live.set("b", at: ["spec", "free", "k"])
        let status = PatchingFixtures.custom(Self.properties, subresource: "scale")
        live = ManagedFields.update(old: changed, new: live, manager: "scaler", in: status)
        let refused = failure {
            try apply(["text": "b", "count": 2, "free": ["k": "c"]], to: live, by: "two")
        }
        #expect(
            refused?.message == """
                Apply failed with 3 conflicts: conflicts with "one":
                - .spec.count
                - .spec.text
                conflicts with "scaler" with subresource "scale" using example.com/v1:
                - .spec.free.k
                """
        )
        #expect(refused?.causes.allSatisfy { $0.reason == "FieldManagerConflict" } == true)
    }

    @Test("an object that nobody tracked belongs to before-first-apply, with which applies conflict")
    func beforeFirstApply() throws {
        let live = PatchingFixtures.thing(["spec": ["text": "a", "count": 1]], metadata: ["uid": "u"])
        let refused = failure { try apply(["text": "b"], to: live, by: "one") }
        #expect(
            refused?.message
                == #"Apply failed with 1 conflict: conflict with "before-first-apply" using example.com/v1: .spec.text"#
        )
        let applied = try apply(["text": "a"], to: live, by: "one")
        #expect(
            PatchingFixtures.fields(of: "before-first-apply", in: applied) == [
                "f:spec": [".": [:], "f:count": [:], "f:text": [:]]
            ]
        )
    }

    @Test("the status is nobody's on the object itself, and the spec nobody's on the status")
    func resetFields() throws {
        let config = PatchingFixtures.thing(["spec": ["text": "a"], "status": ["phase": "x"]])
        let live = try ServerSideApply.apply(config: config, live: nil, manager: "one", force: false, in: context)
        #expect(PatchingFixtures.fields(of: "one", in: live) == ["f:spec": ["f:text": [:]]])
        let status = PatchingFixtures.custom(Self.properties, hasStatus: true, subresource: "status")
        let written = try ServerSideApply.apply(
            config: config,
            live: nil,
            manager: "one",
            force: false,
            in: status
        )
        #expect(PatchingFixtures.fields(of: "one", in: written) == ["f:status": ["f:phase": [:]]])
    }

    @Test("an apply that changes nothing keeps the time, one that changes something sets it")
    func times() throws {
        let live = try apply(["text": "a"], to: nil, by: "one")
        let later = PatchingFixtures.custom(
            Self.properties,
            hasStatus: true,
            at: PatchingFixtures.now.addingTimeInterval(60)
        )
        #expect(try apply(["text": "a"], to: live, by: "one", in: later) == live)
        let changed = try apply(["text": "b"], to: live, by: "one", in: later)
        #expect(changed.managedFields?[index: 0]?["time"] == "2026-11-21T04:48:44Z")
    }

    @Test("the order of a list is the one of the configuration, and of the object around it")
    func order() throws {
        let live = try apply(["set": ["a", "b", "c", "d"]], to: nil, by: "one")
        let applied = try apply(["set": ["d", "n", "b"]], to: live, by: "two")
        #expect(applied["spec"]?["set"] == ["a", "c", "d", "n", "b"])
    }

    @Test(
        "a configuration that does not fit the schema is refused",
        arguments: [
            (#"{"bogus":1}"#, ".spec.bogus: field not declared in schema"),
            (#"{"text":1}"#, ".spec.text: expected string, got &value.valueUnstructured{Value:1}"),
            (#"{"count":"1"}"#, ".spec.count: expected numeric (int or float), got string"),
            (#"{"atomic":{}}"#, ".spec.atomic: expected list, got &{map[]}"),
            (#"{"free":[1]}"#, ".spec.free: expected map, got &{[1]}"),
            (#"{"set":["a","a"]}"#, #".spec.set: duplicate entries for key [="a"]"#),
            (
                #"{"set":[{}]}"#,
                ".spec.set: element 0: associative list without keys has an element that's a map type"
            ),
            (
                #"{"ports":[{"port":1},{"port":1,"protocol":"TCP"}]}"#,
                #".spec.ports: duplicate entries for key [port=1,protocol="TCP"]"#
            ),
        ]
    )
    func typeProblems(_ spec: String, _ problem: String) throws {
        let value = try JSONValue(parsing: spec)
        let refused = failure { try apply(value, to: nil, by: "one") }
        #expect(refused?.code == 500)
        #expect(
            refused?.message
                == "failed to create typed patch object (/t; example.com/v1, Kind=Thing): \(problem)"
        )
    }

    @Test("a configuration of another kind, or with managed fields, is refused")
    func wrongConfiguration() throws {
        var config = PatchingFixtures.thing()
        config["apiVersion"] = "v1"
        let kind = failure {
            try ServerSideApply.apply(config: config, live: nil, manager: "one", force: false, in: context)
        }
        #expect(kind?.message == "invalid object type: /v1, Kind=Thing")
        config["apiVersion"] = "example.com/v1"
        config.managedFields = []
        let managed = failure {
            try ServerSideApply.apply(config: config, live: nil, manager: "one", force: false, in: context)
        }
        #expect(managed?.message == "metadata.managedFields must be nil")
    }

    @Test("kubectl takes over what it has applied on the client's side, and nothing else")
    func lastApplied() throws {
        let annotation = "kubectl.kubernetes.io/last-applied-configuration"
        let applied = PatchingFixtures.thing(["spec": ["text": "a", "count": 1]])
        var live = PatchingFixtures.thing(
            ["spec": ["text": "a", "count": 2]],
            metadata: ["annotations": [annotation: .string(applied.text)]]
        )
        live = ManagedFields.update(old: nil, new: live, manager: "kubectl-client-side-apply", in: context)
        let result = try apply(["text": "b", "count": 2], to: live, by: "kubectl")
        #expect(result["spec"] == ["text": "b", "count": 2])
        let kept = result.value(at: ["metadata", "annotations", annotation])?.stringValue ?? ""
        #expect(try JSONValue(parsing: kept)["spec"] == ["text": "b", "count": 2])
        let refused = failure { try apply(["text": "b", "count": 3], to: live, by: "kubectl") }
        #expect(refused?.causes.map(\.field) == [".spec.count"])
        #expect(failure { try apply(["text": "b"], to: live, by: "other") } != nil)
    }

    @Test("who owned parts of what has become atomic owns all of it")
    func schemaChange() throws {
        let granular: JSONValue = ["spec": ["type": "object", "additionalProperties": ["type": "string"]]]
        let atomic: JSONValue = [
            "spec": [
                "type": "object", "additionalProperties": ["type": "string"], "x-kubernetes-map-type": "atomic",
            ]
        ]
        let live = try apply(["a": "1"], to: nil, by: "one", in: PatchingFixtures.custom(granular))
        let result = try apply(["a": "1", "b": "2"], to: live, by: "one", in: PatchingFixtures.custom(atomic))
        #expect(PatchingFixtures.fields(of: "one", in: result) == ["f:spec": [:]])
    }
}
