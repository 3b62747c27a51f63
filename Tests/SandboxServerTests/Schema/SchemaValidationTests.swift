import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("Validation by a schema")
struct SchemaValidationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var schema: String
        var value: String
        var expected: [String]
        var testDescription: String { "\(value) against \(schema)" }
    }

    /// What a schema of `spec.x` says to a value of `spec.x`, as `field: message`.
    private static func violations(_ schema: String, _ value: String, old: String? = nil) throws -> [String] {
        let document = try yaml("{type: object, properties: {spec: {type: object, properties: {x: \(schema)}}}}")
        let (parsed, _) = StructuralSchema.parse(document)
        let before = try old.map { try yaml("{spec: {x: \($0)}}") }
        let causes = parsed.validate(try yaml("{spec: {x: \(value)}}"), old: before)
        return causes.map { "\($0.field): \($0.message)" }
    }

    private static func yaml(_ text: String) throws -> JSONValue {
        try YAMLDocument.parse(Array(text.utf8), source: "test")
    }

    private static let cases = [
        // Types.
        Case(schema: "{type: string}", value: "a", expected: []),
        Case(
            schema: "{type: string}",
            value: "5",
            expected: ["spec.x: Invalid value: \"integer\": spec.x in body must be of type string: \"integer\""]
        ),
        Case(
            schema: "{type: string}",
            value: "1.5",
            expected: ["spec.x: Invalid value: \"number\": spec.x in body must be of type string: \"number\""]
        ),
        Case(
            schema: "{type: string}",
            value: "true",
            expected: ["spec.x: Invalid value: \"boolean\": spec.x in body must be of type string: \"boolean\""]
        ),
        Case(
            schema: "{type: string}",
            value: "[]",
            expected: ["spec.x: Invalid value: \"array\": spec.x in body must be of type string: \"array\""]
        ),
        Case(
            schema: "{type: string}",
            value: "null",
            expected: ["spec.x: Invalid value: \"null\": spec.x in body must be of type string: \"null\""]
        ),
        Case(schema: "{type: string, nullable: true}", value: "null", expected: []),
        Case(
            schema: "{type: boolean}",
            value: "a",
            expected: ["spec.x: Invalid value: \"string\": spec.x in body must be of type boolean: \"string\""]
        ),
        Case(
            schema: "{type: object}",
            value: "[]",
            expected: ["spec.x: Invalid value: \"array\": spec.x in body must be of type object: \"array\""]
        ),
        Case(
            schema: "{type: array, items: {type: string}}",
            value: "{}",
            expected: ["spec.x: Invalid value: \"object\": spec.x in body must be of type array: \"object\""]
        ),
        Case(schema: "{type: integer}", value: "2.0", expected: []),
        Case(
            schema: "{type: integer}",
            value: "1.5",
            expected: ["spec.x: Invalid value: \"number\": spec.x in body must be of type integer: \"number\""]
        ),
        Case(schema: "{type: number}", value: "2", expected: []),
        Case(schema: "{x-kubernetes-int-or-string: true}", value: "2", expected: []),
        Case(schema: "{x-kubernetes-int-or-string: true}", value: "a", expected: []),
        Case(
            schema: "{x-kubernetes-int-or-string: true}",
            value: "5.5",
            expected: ["spec.x: Invalid value: \"number\": spec.x in body must be of type integer,string: \"number\""]
        ),
        Case(
            schema: "{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}], pattern: '^a$'}",
            value: "b",
            expected: ["spec.x: Invalid value: \"b\": spec.x in body should match '^a$'"]
        ),
        Case(schema: "{x-kubernetes-preserve-unknown-fields: true}", value: "[1, a]", expected: []),
        // Numbers.
        Case(
            schema: "{type: integer, minimum: 1, maximum: 3, multipleOf: 2}",
            value: "5",
            expected: [
                "spec.x: Invalid value: 5: spec.x in body should be a multiple of 2",
                "spec.x: Invalid value: 5: spec.x in body should be less than or equal to 3",
            ]
        ),
        Case(
            schema: "{type: integer, minimum: 1, exclusiveMinimum: true}",
            value: "1",
            expected: ["spec.x: Invalid value: 1: spec.x in body should be greater than 1"]
        ),
        Case(
            schema: "{type: integer, minimum: -1}",
            value: "-2",
            expected: ["spec.x: Invalid value: -2: spec.x in body should be greater than or equal to -1"]
        ),
        Case(
            schema: "{type: number, minimum: 1.5, maximum: 3, exclusiveMaximum: true, multipleOf: 0.5}",
            value: "3.25",
            expected: [
                "spec.x: Invalid value: 3.25: spec.x in body should be a multiple of 0.5",
                "spec.x: Invalid value: 3.25: spec.x in body should be less than 3",
            ]
        ),
        Case(
            schema: "{type: number, maximum: 2500000}",
            value: "2500000.5",
            expected: ["spec.x: Invalid value: 2.5000005e+06: spec.x in body should be less than or equal to 2.5e+06"]
        ),
        Case(
            schema: "{type: integer, multipleOf: 0.5}",
            value: "4",
            expected: ["spec.x: Invalid value: 0: factor MultipleOf declared for spec.x must be positive: 0"]
        ),
        Case(
            schema: "{type: integer, format: int32}",
            value: "3000000000",
            expected: ["<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in spec.x"]
        ),
        Case(schema: "{type: integer, maximum: 9223372036854775807}", value: "9223372036854775807", expected: []),
        Case(
            schema: "{type: integer, enum: [1, 2]}",
            value: "3",
            expected: ["spec.x: Unsupported value: 3: supported values: \"1\", \"2\""]
        ),
        // Strings.
        Case(
            schema: "{type: string, minLength: 2}",
            value: "a",
            expected: ["spec.x: Invalid value: \"a\": spec.x in body should be at least 2 chars long"]
        ),
        Case(
            schema: "{type: string, maxLength: 3}",
            value: "aaaa",
            expected: ["spec.x: Too long: may not be more than 3 bytes"]
        ),
        Case(schema: "{type: string, maxLength: 3}", value: "äöü", expected: []),
        Case(
            schema: "{type: string, pattern: '^a+$'}",
            value: "b",
            expected: ["spec.x: Invalid value: \"b\": spec.x in body should match '^a+$'"]
        ),
        Case(
            schema: "{type: string, enum: [a, b]}",
            value: "c",
            expected: ["spec.x: Unsupported value: \"c\": supported values: \"a\", \"b\""]
        ),
        Case(
            schema: "{type: string, format: date-time}",
            value: "x",
            expected: ["spec.x: Invalid value: \"x\": spec.x in body must be of type date-time: \"x\""]
        ),
        Case(
            schema: "{type: string, format: ipv4}",
            value: "true",
            expected: ["spec.x: Invalid value: \"\": spec.x in body must be of type ipv4: \"\""]
        ),
        Case(
            schema: "{type: string, format: no-such}",
            value: "5",
            expected: ["spec.x: Invalid value: \"integer\": spec.x in body must be of type string: \"integer\""]
        ),
        // Arrays and objects.
        Case(
            schema: "{type: array, minItems: 2, items: {type: string}}",
            value: "[a]",
            expected: ["spec.x: Invalid value: 1: spec.x in body should have at least 2 items"]
        ),
        Case(
            schema: "{type: array, maxItems: 2, items: {type: string}}",
            value: "[a, b, 1]",
            expected: [
                "spec.x[2]: Invalid value: \"integer\": spec.x[2] in body must be of type string: \"integer\"",
                "spec.x: Too many: 3: must have at most 2 items",
            ]
        ),
        Case(
            schema: "{type: array, uniqueItems: true, items: {type: string}}",
            value: "[a, a]",
            expected: ["spec.x: Invalid value: \"\": spec.x in body shouldn't contain duplicates"]
        ),
        Case(
            schema: "{type: object, minProperties: 1}",
            value: "{}",
            expected: ["spec.x: Invalid value: 0: spec.x in body should have at least 1 properties"]
        ),
        Case(
            schema: "{type: object, maxProperties: 1, additionalProperties: {type: integer}}",
            value: "{a: 1, b: z}",
            expected: [
                "spec.x: Too many: 2: must have at most 1 item",
                "spec.x.b: Invalid value: \"string\": spec.x.b in body must be of type integer: \"string\"",
            ]
        ),
        Case(schema: "{type: object, required: [a, b]}", value: "{a: null}", expected: ["spec.x.b: Required value"]),
        // Combinators.
        Case(
            schema: "{type: object, oneOf: [{required: [a]}, {required: [b]}]}",
            value: "{a: 1, b: 2}",
            expected: [
                "<nil>: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf). Found 2 valid alternatives"
            ]
        ),
        Case(
            schema: "{type: object, oneOf: [{required: [a]}, {required: [b]}]}",
            value: "{}",
            expected: [
                "<nil>: Invalid value: \"\": \"spec.x\" must validate one and only one schema (oneOf). Found none valid",
                "spec.x.a: Required value",
            ]
        ),
        Case(
            schema: "{type: object, anyOf: [{required: [a]}, {required: [b]}]}",
            value: "{}",
            expected: [
                "<nil>: Invalid value: \"\": \"spec.x\" must validate at least one schema (anyOf)",
                "spec.x.a: Required value",
            ]
        ),
        Case(schema: "{type: object, anyOf: [{required: [a]}, {required: [b]}]}", value: "{b: 1}", expected: []),
        Case(
            schema: "{type: object, allOf: [{required: [a]}, {required: [b]}]}",
            value: "{}",
            expected: [
                "spec.x.a: Required value", "spec.x.b: Required value",
                "<nil>: Invalid value: \"\": \"spec.x\" must validate all the schemas (allOf). None validated",
            ]
        ),
        Case(
            schema: "{type: object, allOf: [{required: [a]}, {required: [b]}]}",
            value: "{a: 1}",
            expected: [
                "spec.x.b: Required value",
                "<nil>: Invalid value: \"\": \"spec.x\" must validate all the schemas (allOf)",
            ]
        ),
        Case(
            schema: "{type: object, not: {required: [a]}}",
            value: "{a: 1}",
            expected: ["<nil>: Invalid value: \"\": \"spec.x\" must not validate the schema (not)"]
        ),
    ]

    @Test("says what the server says", arguments: cases)
    func wording(entry: Case) throws {
        #expect(try Self.violations(entry.schema, entry.value) == entry.expected)
    }

    @Test(
        "formats",
        arguments: [
            ("ipv4", "10.0.0.1", true), ("ipv4", "10.0.0", false), ("ipv4", "::1", false), ("ipv6", "::1", true),
            ("ipv6", "fe80::1%eth0", false), ("ipv6", "1.2.3.4", false), ("ipv6", "::ffff:1.2.3.4", true),
            ("ipv6", "1:2:3:4:5:6:7:8", true), ("ipv6", "1:2:3:4:5:6:7", false), ("ipv6", "1::2::3", false),
            ("cidr", "10.0.0.0/8", true), ("cidr", "10.0.0.0/33", false), ("cidr", "::/0", true),
            ("mac", "00:11:22:33:44:55", true), ("mac", "00:11", false), ("mac", "0011.2233.4455", true),
            ("uuid", "ABCDEF01-2345-6789-abcd-ef0123456789", true), ("uuid", "x", false),
            ("uuid4", "abcdef01-2345-4789-abcd-ef0123456789", true),
            ("uuid4", "abcdef01-2345-3789-abcd-ef0123456789", false),
            ("hostname", "a.example.com", true), ("hostname", "-a", false), ("email", "a@b.c", true),
            ("email", "a", false), ("uri", "http://x/y", true), ("uri", "/path", true), ("uri", "x", false),
            ("byte", "YQ==", true), ("byte", "YQ=", false), ("date", "2026-11-21", true), ("date", "2026-13-01", false),
            ("date-time", "2026-11-21T00:00:00Z", true), ("datetime", "2026-11-21T00:00:00.5+01:00", true),
            ("date-time", "2026-11-21", false), ("duration", "1h30m", true), ("duration", "22 ns", true),
            ("duration", "x", false), ("password", "", true), ("hexcolor", "#FFF", true), ("hexcolor", "#FF", false),
            ("rgbcolor", "rgb(1,2,255)", true), ("rgbcolor", "rgb(1,2,256)", false), ("isbn", "0321751043", true),
            ("isbn13", "978-0321751041", true), ("isbn10", "0321751044", false), ("ssn", "123-45-6789", true),
            ("creditcard", "4111-1111-1111-1111", true), ("creditcard", "4111", false),
            ("bsonobjectid", "507f1f77bcf86cd799439011", true), ("bsonobjectid", "5", false),
            ("k8s-short-name", "a-b", true), ("k8s-short-name", "a.b", false), ("k8s-long-name", "a.b", true),
        ]
    )
    func formats(format: String, value: String, isValid: Bool) throws {
        let violations = try Self.violations("{type: string, format: \(format)}", "'\(value)'")
        #expect(violations.isEmpty == isValid, "\(violations)")
    }

    @Test("what did not change is not held against an update")
    func ratcheting() throws {
        let schema = "{type: object, required: [b], properties: {a: {type: string, maxLength: 1}, b: {type: string}}}"
        #expect(try Self.violations(schema, "{a: long, b: c}", old: "{a: long, b: d}").isEmpty)
        #expect(try Self.violations(schema, "{a: longer, b: c}", old: "{a: long, b: c}").count == 1)
        // A missing member is the object's fault, and the object changed.
        #expect(try Self.violations(schema, "{a: x}", old: "{a: y}") == ["spec.x.b: Required value"])
    }

    @Test("elements of map lists are compared by their keys")
    func ratchetingOfLists() throws {
        let item = "{type: object, properties: {k: {type: string}, v: {type: string, maxLength: 1}}}"
        let map = "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: \(item)}"
        #expect(try Self.violations(map, "[{k: b}, {k: a, v: long}]", old: "[{k: a, v: long}]").isEmpty)
        let atomic = "{type: array, items: \(item)}"
        #expect(try Self.violations(atomic, "[{k: b}, {k: a, v: long}]", old: "[{k: a, v: long}]").count == 1)
    }
}
