import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("Custom resources")
struct CustomResourceObjectTests {
    private static func yaml(_ text: String) throws -> JSONValue {
        try YAMLDocument.parse(Array(text.utf8), source: "test")
    }

    private static func version(rules: String = "") throws -> ResourceDefinition.Version {
        let crd = try yaml(
            """
            spec:
              group: x.io
              scope: Namespaced
              names: {kind: Good, plural: goods}
              versions:
              - name: v1
                served: true
                storage: true
                subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}}
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      spec:
                        type: object
                        \(rules)
                        required: [must]
                        properties:
                          must: {type: string}
                          replicas: {type: integer}
                          set: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                          map: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a], items: {type: object, required: [a], properties: {a: {type: string}}}}
                          two: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a, b], items: {type: object, required: [a], properties: {a: {type: string}, b: {type: integer, default: 1}}}}
                          inner: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
                      status:
                        type: object
                        properties: {replicas: {type: integer}, state: {type: string}, selector: {type: string}}
            """
        )
        return try #require(try CustomResources.definition(of: crd).version("v1"))
    }

    private static func violations(
        _ object: String,
        old: String? = nil,
        subresource: String = "",
        rules: String = ""
    ) throws -> [String] {
        let causes = CustomResources.violations(
            by: try yaml(object),
            old: try old.map(yaml),
            in: try version(rules: rules),
            subresource: subresource
        )
        return causes.map { "\($0.field): \($0.message)" }
    }

    @Test(
        "says what the server says",
        arguments: [
            ("{spec: {must: x}}", []),
            ("{}", []),
            (
                "{spec: {must: x, replicas: -1}}",
                [".spec.replicas: Invalid value: -1: should be a non-negative integer"]
            ),
            (
                "{spec: {must: x, replicas: 3000000000}}",
                [".spec.replicas: Invalid value: 3000000000: should be less than or equal to 2147483647"]
            ),
            (
                "{spec: {must: x, set: [a, a, b, b, b]}}",
                ["spec.set[1]: Duplicate value: \"a\"", "spec.set[3]: Duplicate value: \"b\""]
            ),
            ("{spec: {must: x, map: [{a: x}, {a: x}]}}", ["spec.map[1]: Duplicate value: {\"a\":\"x\"}"]),
            (
                "{spec: {must: x, two: [{a: x, b: 1}, {a: x, b: 1}, {a: x}]}}",
                ["spec.two[1]: Duplicate value: {\"a\":\"x\",\"b\":1}"]
            ),
            (
                "{spec: {must: x, inner: {metadata: {}}}}",
                ["spec.inner.apiVersion: Required value", "spec.inner.kind: Required value"]
            ),
            (
                "{spec: {must: x, inner: {apiVersion: a/b/c, kind: a_b, metadata: {name: A/b}}}}",
                [
                    "spec.inner.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
                    "spec.inner.kind: Invalid value: \"a_b\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
                    "spec.inner.metadata.name: Invalid value: \"A/b\": may not contain '/'",
                ]
            ),
            ("{spec: []}", ["spec: Invalid value: \"array\": spec in body must be of type object: \"array\""]),
        ] as [(String, [String])]
    )
    func wording(object: String, expected: [String]) throws {
        #expect(try Self.violations(object) == expected)
    }

    @Test("lists that were wrong before may stay so")
    func oldLists() throws {
        #expect(try Self.violations("{spec: {must: y, set: [a, a]}}", old: "{spec: {must: x, set: [b, b]}}").isEmpty)
        #expect(try Self.violations("{spec: {must: y, set: [a, a]}}", old: "{spec: {must: x, set: [b]}}").count == 1)
    }

    @Test("a write to status answers for the status alone")
    func status() throws {
        let object = "{spec: {replicas: -1}, status: {state: 5}}"
        #expect(
            try Self.violations(object, old: "{}", subresource: "status") == [
                "status.state: Invalid value: \"integer\": state in body must be of type string: \"integer\""
            ]
        )
        #expect(
            try Self.violations("{status: {replicas: -1}}", old: "{}", subresource: "status") == [
                ".status.replicas: Invalid value: -1: should be a non-negative integer"
            ]
        )
    }

    @Test("where the server could not run CEL rules it says so")
    func rules() throws {
        let rules = "x-kubernetes-validations: [{rule: 'true'}]"
        let note =
            "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
        #expect(try Self.violations("{spec: {}}", rules: rules) == ["spec.must: Required value", note])
        #expect(try Self.violations("{spec: {must: x}}", rules: rules).isEmpty)
    }

    @Test(
        "the definitions of this project load, are valid, and take what they default",
        arguments: [
            "memberclusters", "migrations", "recoveries", "placements", "recoverypolicies", "recoveryapprovals",
        ]
    )
    func ownDefinitions(plural: String) throws {
        var crd = try SchemaFixtures.definition(plural)
        CustomResources.rules.setDefaults(&crd)
        CustomResources.rules.complete(&crd, nil)
        #expect(CustomResources.rules.validate(crd, nil) == [])
        let definition = try CustomResources.definition(of: crd)
        #expect(definition.id.plural == plural && !definition.versions.isEmpty)
        for version in definition.versions {
            var object: JSONValue = [
                "apiVersion": .string(definition.apiVersion(version.name)), "kind": .string(definition.kind),
                "metadata": ["name": "x"], "spec": [:],
            ]
            #expect(version.schema.prune(&object) == [])
            version.schema.applyDefaults(to: &object)
            let causes = CustomResources.violations(by: object, old: nil, in: version)
            // Nothing but what has to be there is missing.
            #expect(causes.allSatisfy { $0.reason == "FieldValueRequired" || $0.field == "<nil>" }, "\(causes)")
            #expect(version.columns.count > 1)
        }
    }

    @Test("a policy gets its defaults, inside of lists too")
    func policy() throws {
        let version = try #require(
            try CustomResources.definition(of: SchemaFixtures.definition("recoverypolicies")).version("v1alpha1")
        )
        var object = try Self.yaml(
            "{spec: {detection: {conditions: [{apiVersion: v1, kind: Node, type: Ready, errorType: Down, nope: 1}], workloads: {}}}}"
        )
        #expect(version.schema.prune(&object) == ["spec.detection.conditions[0].nope"])
        version.schema.applyDefaults(to: &object)
        let condition = object["spec"]?["detection"]?["conditions"]?[index: 0]
        #expect(condition?["status"] == "False" && condition?["forSeconds"] == 60 && condition?["severity"] == "Medium")
        #expect(object["spec"]?["mode"] == "Observe" && object["spec"]?["detection"]?["workloads"]?["enabled"] == true)
        #expect(CustomResources.violations(by: object, old: nil, in: version) == [])
        object.set("Never", at: ["spec", "mode"])
        #expect(
            CustomResources.violations(by: object, old: nil, in: version).first?.message
                == "Unsupported value: \"Never\": supported values: \"Observe\", \"Approve\", \"Auto\""
        )
    }
}
