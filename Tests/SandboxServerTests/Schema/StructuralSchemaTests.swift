import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("StructuralSchema")
struct StructuralSchemaTests {
    /// What is wrong with a schema of `spec.x`, paths without what is in front of it.
    private static func causes(_ schema: String, root: String = "") throws -> [String] {
        let text = "{type: object, \(root) properties: {spec: {type: object, properties: {x: \(schema)}}}}"
        let document = try YAMLDocument.parse(Array(text.utf8), source: "test")
        let prefix = StructuralSchema.sharedPath + ".properties[spec].properties[x]"
        return StructuralSchema.parse(document).1.map { cause in
            let field = cause.field.hasPrefix(prefix) ? String(cause.field.dropFirst(prefix.count)) : cause.field
            return "\(field): \(cause.message)"
        }
    }

    @Test(
        "says what the server says",
        arguments: [
            (
                "{type: strin}",
                [
                    ".type: Unsupported value: \"strin\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\""
                ]
            ),
            ("{type: array}", [".items: Required value: must be specified"]),
            ("{}", [".type: Required value: must not be empty for specified object fields"]),
            ("{type: array, items: {}}", [".items.type: Required value: must not be empty for specified array items"]),
            (
                "{type: string, pattern: 'a('}",
                [
                    ".pattern: Invalid value: \"a(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `a(`"
                ]
            ),
            (
                "{type: object, properties: {h: {type: string}}, oneOf: [{properties: {h: {type: string}}}]}",
                [".oneOf[0].properties[h].type: Forbidden: must be empty to be structural"]
            ),
            (
                "{type: string, anyOf: [{pattern: a, default: x, nullable: true, description: z, title: t}]}",
                [
                    ".anyOf[0].default: Forbidden: must be undefined to be structural",
                    ".anyOf[0].description: Forbidden: must be empty to be structural",
                    ".anyOf[0].nullable: Forbidden: must be false to be structural",
                    ".anyOf[0].title: Forbidden: must be empty to be structural",
                ]
            ),
            (
                "{type: object, x-kubernetes-embedded-resource: true}",
                [
                    ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
                ]
            ),
            (
                "{x-kubernetes-int-or-string: true, x-kubernetes-preserve-unknown-fields: true}",
                [
                    ".x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true"
                ]
            ),
            (
                "{type: object, additionalProperties: {type: string}, properties: {k: {type: string}}}",
                [".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"]
            ),
            (
                "{type: array, items: {type: string}, uniqueItems: true}",
                [
                    ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
                ]
            ),
            (
                "{type: object, x-kubernetes-preserve-unknown-fields: false}",
                [".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"]
            ),
            ("{type: object, $ref: a}", [".$ref: Forbidden: $ref is not supported"]),
            (
                "{type: array, items: {type: object}, x-kubernetes-map-type: atomic}",
                [".type: Invalid value: \"array\": must be object if x-kubernetes-map-type is specified"]
            ),
            (
                "{type: array, items: {type: object}, x-kubernetes-list-type: set}",
                [
                    ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set"
                ]
            ),
            (
                "{type: array, items: {type: string}, x-kubernetes-list-type: bag}",
                [".x-kubernetes-list-type: Unsupported value: \"bag\": supported values: \"atomic\", \"set\", \"map\""]
            ),
            (
                "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [m, z], items: {type: object, properties: {m: {type: string}}}}",
                [
                    ".x-kubernetes-list-map-keys: Invalid value: [\"m\",\"z\"]: entries must all be names of item properties",
                    ".items.properties[m].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
                ]
            ),
            (
                "{type: array, x-kubernetes-list-type: map, items: {type: object}}",
                [".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"]
            ),
            (
                "{type: string, x-kubernetes-validations: [{rule: ' '}, {rule: a, reason: Foo}]}",
                [
                    ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
                    ".x-kubernetes-validations[1].reason: Unsupported value: \"Foo\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
                ]
            ),
            // Defaults.
            (
                "{type: string, default: 5}",
                [".default: Invalid value: \"integer\":  in body must be of type string: \"integer\""]
            ),
            (
                "{type: object, properties: {c: {type: string}}, default: {d: 1}}",
                [".default: Invalid value: {\"d\":1}: must not have unknown fields"]
            ),
            (
                "{type: integer, enum: [1, 2], default: 3}",
                [".default: Unsupported value: 3: supported values: \"1\", \"2\""]
            ),
            (
                "{type: object, properties: {s: {type: string}}, default: {s: 4}}",
                [".default.s: Invalid value: \"integer\": s in body must be of type string: \"integer\""]
            ),
            (
                "{type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true, default: {}}",
                [".default.apiVersion: Required value", ".default.kind: Required value"]
            ),
            // Nothing wrong.
            ("{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}", []),
            (
                "{x-kubernetes-int-or-string: true, allOf: [{anyOf: [{type: integer}, {type: string}]}, {pattern: a}]}",
                []
            ),
            ("{type: object, additionalProperties: {type: string, default: x}}", []),
            ("{type: object, properties: {a: {type: string}}, not: {properties: {a: {pattern: b}}}}", []),
        ] as [(String, [String])]
    )
    func wording(schema: String, expected: [String]) throws {
        #expect(try Self.causes(schema) == expected)
    }

    @Test("the root is an object without surprises")
    func root() throws {
        func causes(_ text: String) throws -> [String] {
            let document = try YAMLDocument.parse(Array(text.utf8), source: "test")
            return StructuralSchema.parse(document, at: "s").1.map { "\($0.field): \($0.message)" }
        }
        #expect(try causes("{type: string}") == ["s.type: Invalid value: \"string\": must be object at the root"])
        #expect(try causes("{}") == ["s.type: Required value: must not be empty at the root"])
        #expect(
            try causes("{type: object, additionalProperties: {type: string}}").first
                == "s.additionalProperties: Forbidden: must not be used at the root"
        )
        let combined = "{type: object, oneOf: [{properties: {h: {pattern: a}}}]}"
        #expect(
            try causes(combined) == [
                "s.properties[h]: Required value: because it is defined in s.oneOf[0].properties[h]"
            ]
        )
        let name = "properties: {name: {type: string, maxLength: 5, default: x}}"
        #expect(
            try causes("{type: object, properties: {metadata: {type: object, \(name)}}}") == [
                "s.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata"
            ]
        )
        #expect(
            try causes("{type: object, properties: {metadata: {type: object, properties: {labels: {type: object}}}}}")
                == [
                    "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"
                ]
        )
        #expect(
            try causes("{type: object, properties: {kind: {type: integer}}}") == [
                "s.properties[kind].type: Invalid value: \"integer\": must be string"
            ]
        )
    }

    @Test(
        "documents that make no sense do no harm",
        arguments: ["5", "[]", "{type: 5, properties: [], items: a}", "{properties: {a: 5}, enum: 5, required: {}}"]
    )
    func nonsense(text: String) throws {
        let document = try YAMLDocument.parse(Array(text.utf8), source: "test")
        let (schema, causes) = StructuralSchema.parse(document)
        #expect(!causes.isEmpty)
        _ = schema.validate(["a": [1, ["b": .null]]])
    }
}
