import JSON
import Testing

@testable import SandboxServer

@Suite("StrategicMergePatch")
struct StrategicMergePatchTests {
    /// Lists of objects by `name`, of scalars merged and replaced, and a union.
    private let schema = Schema(
        openAPI: [
            "type": "object",
            "properties": [
                "items": [
                    "type": "array", "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name",
                    "items": [
                        "type": "object",
                        "properties": [
                            "name": ["type": "string"], "value": ["type": "string"],
                            "tags": [
                                "type": "array", "x-kubernetes-patch-strategy": "merge", "items": ["type": "string"],
                            ],
                        ],
                    ],
                ],
                "tags": [
                    "type": "array", "x-kubernetes-patch-strategy": "merge", "items": ["type": "string"],
                ],
                "keyless": [
                    "type": "array", "x-kubernetes-patch-strategy": "merge", "items": ["type": "object"],
                ],
                "list": ["type": "array", "items": ["type": "string"]],
                "union": ["type": "object", "x-kubernetes-patch-strategy": "retainKeys"],
                "map": ["type": "object", "additionalProperties": ["type": "string"]],
            ],
        ]
    )

    private func apply(_ patch: String, to object: String) throws -> JSONValue {
        try PatchDocument.apply(
            JSONValue(parsing: patch),
            type: .strategicMerge,
            to: JSONValue(parsing: object),
            schema: schema
        )
    }

    @Test(
        "merges objects, and lists by what the schema says",
        arguments: [
            (#"{"map":{"a":null,"b":"2"}}"#, #"{"map":{"a":"1","c":"3"}}"#, #"{"map":{"b":"2","c":"3"}}"#),
            (#"{"map":{"a":null,"b":"2"}}"#, "{}", #"{"map":{"b":"2"}}"#),
            (#"{"map":null}"#, #"{"map":{"a":"1"}}"#, "{}"),
            (#"{"list":["b"]}"#, #"{"list":["a"]}"#, #"{"list":["b"]}"#),
            (#"{"tags":["b","c"]}"#, #"{"tags":["a","b"]}"#, #"{"tags":["a","b","c"]}"#),
            (#"{"tags":["c"]}"#, #"{"tags":["a","b"]}"#, #"{"tags":["c","a","b"]}"#),
            (#"{"tags":[]}"#, #"{"tags":[]}"#, #"{"tags":[]}"#),
            (
                #"{"items":[{"name":"b","value":"2"},{"name":"c"}]}"#,
                #"{"items":[{"name":"a"},{"name":"b","tags":["x"]}]}"#,
                #"{"items":[{"name":"a"},{"name":"b","tags":["x"],"value":"2"},{"name":"c"}]}"#
            ),
            (
                #"{"items":[{"name":"b","tags":["y"],"value":null}]}"#,
                #"{"items":[{"name":"b","tags":["x"],"value":"1"}]}"#,
                #"{"items":[{"name":"b","tags":["y","x"]}]}"#
            ),
        ]
    )
    func merging(_ patch: String, _ object: String, _ expected: String) throws {
        #expect(try apply(patch, to: object) == (try JSONValue(parsing: expected)))
    }

    @Test(
        "follows directives",
        arguments: [
            (#"{"map":{"$patch":"replace","b":"2"}}"#, #"{"map":{"a":"1"}}"#, #"{"map":{"b":"2"}}"#),
            (#"{"map":{"$patch":"delete","b":"2"}}"#, #"{"map":{"a":"1"}}"#, #"{"map":{}}"#),
            (#"{"map":{"$patch":"delete"}}"#, "{}", "{}"),
            (#"{"$patch":"replace","map":{}}"#, #"{"tags":["a"]}"#, #"{"map":{}}"#),
            (
                #"{"items":[{"$patch":"delete","name":"a"}]}"#, #"{"items":[{"name":"a"},{"name":"b"}]}"#,
                #"{"items":[{"name":"b"}]}"#
            ),
            (
                #"{"items":[{"$patch":"replace"},{"name":"c"}]}"#, #"{"items":[{"name":"a"},{"name":"b"}]}"#,
                #"{"items":[{"name":"c"}]}"#
            ),
            (#"{"items":[{"$patch":"delete","name":"a"},{"name":"b"}]}"#, "{}", #"{"items":[{"name":"b"}]}"#),
            (#"{"$deleteFromPrimitiveList/tags":["a","x"]}"#, #"{"tags":["a","b"]}"#, #"{"tags":["b"]}"#),
            (
                #"{"$deleteFromPrimitiveList/tags":["a"],"tags":["c"]}"#, #"{"tags":["a","b"]}"#,
                #"{"tags":["c","b"]}"#
            ),
            (#"{"$deleteFromPrimitiveList/tags":["a"]}"#, "{}", "{}"),
            (
                #"{"union":{"$retainKeys":["type"],"type":"B"}}"#, #"{"union":{"type":"A","a":{"x":1}}}"#,
                #"{"union":{"type":"B"}}"#
            ),
            (
                #"{"$setElementOrder/tags":["c","a"],"tags":["c"]}"#, #"{"tags":["a","b"]}"#,
                #"{"tags":["c","a","b"]}"#
            ),
            (
                #"{"$setElementOrder/items":[{"name":"b"},{"name":"a"}]}"#,
                #"{"items":[{"name":"a"},{"name":"s"},{"name":"b"}]}"#,
                #"{"items":[{"name":"s"},{"name":"b"},{"name":"a"}]}"#
            ),
            (
                #"{"$setElementOrder/items":[{"name":"n"},{"name":"a"}],"items":[{"name":"n"}]}"#, "{}",
                #"{"items":[{"name":"n"}]}"#
            ),
            (#"{"$setElementOrder/items":[{"name":"n"}]}"#, "{}", "{}"),
        ]
    )
    func directives(_ patch: String, _ object: String, _ expected: String) throws {
        #expect(try apply(patch, to: object) == (try JSONValue(parsing: expected)))
    }

    @Test(
        "is refused when it makes no sense",
        arguments: [
            (#"{"map":{"$patch":"merge"}}"#, 500, "unknown patch type: merge in map: map[$patch:merge]"),
            (#"{"items":[{"$patch":"merge","name":"a"}]}"#, 500, "merging lists cannot yet be specified in the patch"),
            (#"{"items":[{"value":"a"}]}"#, 500, "map: map[value:a] does not contain declared merge key: name"),
            (#"{"items":["a"]}"#, 500, "list element types are not identical: [[map[name:a]] [a]]"),
            (#"{"keyless":[{"a":1}]}"#, 500, "cannot merge lists without merge key for struct"),
            (#"{"tags":[["a"]]}"#, 422, "the server rejected our request due to an error in our request"),
            (#"{"union":{"$retainKeys":["a"],"b":1}}"#, 400, "invalid patch format of retainKeys"),
            (#"{"union":{"$retainKeys":"a"}}"#, 400, "invalid patch format of retainKeys"),
            (#"{"$deleteFromPrimitiveList":["a"]}"#, 400, "invalid patch format of primitive list"),
            (#"{"$setElementOrder":["a"]}"#, 400, "invalid patch format of setElementOrder list"),
            (#"{"$setElementOrder/tags":"a"}"#, 500, "expected a []interface {}, but received a string"),
            (
                #"{"$setElementOrder/tags":["a","b"],"tags":["b","a"]}"#, 500,
                "The order in patch list:\n[b a]\n doesn't match $setElementOrder list:\n[a b]\n"
            ),
        ]
    )
    func refusals(_ patch: String, _ code: Int, _ message: String) throws {
        let failure = #expect(throws: APIFailure.self) {
            try apply(patch, to: #"{"items":[{"name":"a"}],"tags":["t"],"keyless":[{"a":2}],"union":{"c":1},"map":{}}"#)
        }
        #expect(failure?.code == code)
        #expect(failure?.message == message)
    }
}
