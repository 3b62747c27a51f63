import Foundation
import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("CustomResourceDefinitions")
struct CustomResourceDefinitionTests {
    private static func yaml(_ text: String) throws -> JSONValue {
        try YAMLDocument.parse(Array(text.utf8), source: "test")
    }

    /// A valid definition, completed.
    private static func definition(
        _ plural: String = "bads",
        _ names: String = "kind: Bad, plural: bads"
    ) throws -> JSONValue {
        var object = try yaml(
            """
            metadata: {name: \(plural).x.io}
            spec:
              group: x.io
              scope: Namespaced
              names: {\(names)}
              versions:
              - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
            """
        )
        CustomResources.rules.setDefaults(&object)
        CustomResources.rules.complete(&object, nil)
        return object
    }

    private static func violations(_ object: JSONValue, old: JSONValue? = nil) -> [String] {
        CustomResources.rules.validate(object, old).map { "\($0.field): \($0.message)" }
    }

    @Test("what the author left out is filled in")
    func complete() throws {
        let object = try Self.definition()
        #expect(object["spec"]?["names"]?["listKind"] == "BadList" && object["spec"]?["names"]?["singular"] == "bad")
        #expect(object["spec"]?["conversion"] == ["strategy": "None"])
        let status: JSONValue = [
            "acceptedNames": ["kind": "", "plural": ""], "conditions": .null, "storedVersions": ["v1"],
        ]
        #expect(object["status"] == status)
        #expect(Self.violations(object).isEmpty)
    }

    @Test("a new storage version is noted beside the old one")
    func storedVersions() throws {
        let old = try Self.definition()
        var object = old
        object.set(
            try Self.yaml(
                "[{name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}, {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]"
            ),
            at: ["spec", "versions"]
        )
        CustomResources.rules.setDefaults(&object)
        CustomResources.rules.complete(&object, old)
        #expect(object["status"]?["storedVersions"] == ["v1", "v2"])
        #expect(Self.violations(object, old: old).isEmpty)
        let definition = try CustomResources.definition(of: object)
        #expect(definition.versions.map(\.name) == ["v2", "v1"] && definition.storageVersion == "v2")
        object.set(
            try Self.yaml("[{name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]"),
            at: ["spec", "versions"]
        )
        #expect(
            Self.violations(object, old: old) == [
                "status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions"
            ]
        )
    }

    @Test("says what the server says")
    func wording() throws {
        var object = try Self.yaml(
            """
            metadata: {name: wrong.x.io}
            spec:
              group: xio
              scope: Foo
              names: {kind: Ba_d, plural: Bads, shortNames: [A_b], listKind: Ba_d}
              conversion: {strategy: Nonee}
              versions:
              - name: V1
                served: true
                storage: false
                additionalPrinterColumns: [{name: "", type: strin, jsonPath: spec.a}, {name: x, type: string, format: zz, jsonPath: .spec}]
                subresources: {scale: {specReplicasPath: .foo.replicas, statusReplicasPath: .status.r, labelSelectorPath: a}}
                schema: {openAPIV3Schema: {type: string}}
              - {name: v2, served: true, storage: false}
            """
        )
        CustomResources.rules.setDefaults(&object)
        CustomResources.rules.complete(&object, nil)
        let label =
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        let violations = Self.violations(object).filter { !$0.hasPrefix("spec.versions: ") }
        #expect(
            violations == [
                "metadata.name: Invalid value: \"wrong.x.io\": must be spec.names.plural+\".\"+spec.group",
                "spec.group: Invalid value: \"xio\": should be a domain with at least one dot",
                "spec.scope: Unsupported value: \"Foo\": supported values: \"Cluster\", \"Namespaced\"",
                "spec.versions[1].schema.openAPIV3Schema: Required value",
                "spec.versions[0].name: Invalid value: \"V1\": \(label)",
                "spec.versions[0].schema.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root",
                "spec.versions[0].subresources.scale.specReplicasPath: Invalid value: \".foo.replicas\": should be a json path under .spec",
                "spec.versions[0].subresources.scale.labelSelectorPath: Invalid value: \"a\": must be a simple json path starting with .",
                "spec.versions[0].additionalPrinterColumns[0].name: Required value",
                "spec.versions[0].additionalPrinterColumns[0].type: Invalid value: \"strin\": must be one of boolean,date,integer,number,string",
                "spec.versions[0].additionalPrinterColumns[0].JSONPath: Invalid value: \"spec.a\": must be a simple json path starting with .",
                "spec.versions[0].additionalPrinterColumns[1].format: Invalid value: \"zz\": must be one of byte,date,date-time,double,float,int32,int64,password",
                "spec.version: Invalid value: \"V1\": \(label)",
                "spec.names.plural: Invalid value: \"Bads\": \(label)",
                "spec.names.singular: Invalid value: \"ba_d\": \(label)",
                "spec.names.kind: Invalid value: \"Ba_d\": may have mixed case, but should otherwise match: \(label)",
                "spec.names.listKind: Invalid value: \"Ba_d\": may have mixed case, but should otherwise match: \(label)",
                "spec.names.shortNames[0]: Invalid value: \"A_b\": \(label)",
                "spec.names.listKind: Invalid value: \"Ba_d\": kind and listKind may not be the same",
                "spec.conversion.strategy: Unsupported value: \"Nonee\": supported values: \"None\", \"Webhook\"",
                "status.storedVersions: Invalid value: null: must have at least one stored version",
            ]
        )
        #expect(
            Self.violations(object).contains { $0.hasSuffix("must have exactly one version marked as storage version") }
        )
    }

    @Test("names and scope of an established definition stay")
    func immutable() throws {
        var old = try Self.definition()
        old.set([["type": "Established", "status": "True"]], at: ["status", "conditions"])
        var object = old
        object.set("Cluster", at: ["spec", "scope"])
        object.set("Worse", at: ["spec", "names", "kind"])
        #expect(
            Self.violations(object, old: old) == [
                "spec.scope: Invalid value: \"Cluster\": field is immutable",
                "spec.names.kind: Invalid value: \"Worse\": field is immutable",
            ]
        )
    }

    @Test(
        "selectable fields lead to scalars of the schema",
        arguments: [
            (".spec.a", nil),
            (
                ".spec.b",
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
            ),
            (".spec.z", "is an invalid path: does not refer to a valid field"),
            ("spec.a", "is an invalid path: expected [ or . but got: spec"),
            (".spec.l[0]", "is an invalid path: array notation is not allowed"),
        ] as [(String, String?)]
    )
    func selectableFields(path: String, problem: String?) throws {
        var object = try Self.definition()
        let schema =
            "{type: object, properties: {spec: {type: object, properties: {a: {type: string}, b: {type: object}, l: {type: array, items: {type: string}}}}}}"
        let version =
            "[{name: v1, served: true, storage: true, selectableFields: [{jsonPath: '\(path)'}], schema: {openAPIV3Schema: \(schema)}}]"
        object.set(try Self.yaml(version), at: ["spec", "versions"])
        let expected = problem.map { ["spec.selectableFields[0].jsonPath: Invalid value: \"\(path)\": \($0)"] } ?? []
        #expect(Self.violations(object) == expected)
        #expect(
            try CustomResources.definition(of: object).versions[0].selectableFields.first
                == path.split(separator: ".").map(String.init)
        )
    }

    @Test("groups of the Kubernetes project need an approval")
    func approval() throws {
        var object = try Self.definition()
        object.set("a.k8s.io", at: ["spec", "group"])
        object.set("bads.a.k8s.io", at: ["metadata", "name"])
        #expect(
            Self.violations(object).first?.hasPrefix(
                "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups"
            ) == true
        )
        object.set("https://github.com/x/pull/1", at: ["metadata", "annotations", "api-approved.kubernetes.io"])
        #expect(Self.violations(object).isEmpty)
        object.set("yes", at: ["metadata", "annotations", "api-approved.kubernetes.io"])
        #expect(Self.violations(object).count == 1)
    }

    @Test("a definition whose names are free is accepted and established")
    func accepted() throws {
        var object = try Self.definition()
        let status = try #require(CustomResources.status(of: object, among: [], now: Date(timeIntervalSince1970: 0)))
        #expect(
            status == [
                "acceptedNames": ["kind": "Bad", "listKind": "BadList", "plural": "bads", "singular": "bad"],
                "conditions": [
                    [
                        "lastTransitionTime": "1970-01-01T00:00:00Z", "message": "no conflicts found",
                        "reason": "NoConflicts", "status": "True", "type": "NamesAccepted",
                    ],
                    [
                        "lastTransitionTime": "1970-01-01T00:00:00Z", "message": "the initial names have been accepted",
                        "reason": "InitialNamesAccepted", "status": "True", "type": "Established",
                    ],
                ],
                "storedVersions": ["v1"],
            ]
        )
        object["status"] = status
        #expect(CustomResources.isEstablished(object))
        #expect(CustomResources.status(of: object, among: [], now: Date(timeIntervalSince1970: 9)) == nil)
    }

    @Test(
        "names that another definition of the group has are refused",
        arguments: [
            ("kind: Other, plural: others, shortNames: [bads]", "ShortNamesConflict", "\"bads\" is already in use"),
            ("kind: Bad, plural: others, listKind: Others", "KindConflict", "\"Bad\" is already in use"),
            ("kind: Other, plural: others, singular: bad", "SingularConflict", "\"bad\" is already in use"),
        ]
    )
    func conflicts(names: String, reason: String, message: String) throws {
        var first = try Self.definition()
        first["status"] = CustomResources.status(of: first, among: [], now: Date(timeIntervalSince1970: 0))
        let second = try Self.definition("others", names)
        let status = try #require(
            CustomResources.status(of: second, among: [first, second], now: Date(timeIntervalSince1970: 0))
        )
        let conditions = status["conditions"]?.arrayValue ?? []
        #expect(
            conditions.first?["reason"]?.stringValue == reason && conditions.first?["message"]?.stringValue == message
        )
        #expect(conditions.last?["reason"] == "NotAccepted" && conditions.last?["status"] == "False")
        var other = first
        other.set("y.io", at: ["spec", "group"])
        let free = CustomResources.status(of: second, among: [other], now: Date(timeIntervalSince1970: 0))
        #expect(free?["conditions"]?[index: 0]?["status"] == "True")
    }

    @Test("the author is warned of what has no effect")
    func warnings() throws {
        var object = try Self.definition()
        let schema =
            "{type: object, properties: {spec: {type: object, x-kubernetes-validations: [{rule: 'true'}], properties: {a: {type: string, format: foo}, b: {type: integer, format: int32}}}}}"
        object.set(
            try Self.yaml("[{name: v1, served: true, storage: true, schema: {openAPIV3Schema: \(schema)}}]"),
            at: ["spec", "versions"]
        )
        #expect(
            CustomResources.warnings(for: object) == [
                "unrecognized format \"foo\"",
                "this server keeps the rules in x-kubernetes-validations but does not run them",
            ]
        )
        #expect(CustomResources.warnings(for: try Self.definition()).isEmpty)
    }

    @Test("versions are served in Kubernetes' order")
    func order() {
        let names = [
            "foo10", "v1alpha1", "v2", "v10", "v1", "v11beta2", "v10beta3", "v3beta1", "foo1", "v0", "v12alpha1",
        ]
        let sorted = names.sorted(by: APIVersionOrder.precedes)
        #expect(
            sorted == [
                "v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v1alpha1", "foo1", "foo10", "v0",
            ]
        )
    }

    @Test("an object without a spec defines nothing")
    func nothing() {
        #expect(throws: APIFailure.self) { try CustomResources.definition(of: ["metadata": ["name": "x"]]) }
    }
}
