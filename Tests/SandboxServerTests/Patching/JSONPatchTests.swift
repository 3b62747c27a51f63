import JSON
import Testing

@testable import SandboxServer

@Suite("JSONPatch")
struct JSONPatchTests {
    private func apply(_ patch: JSONValue, to document: JSONValue) throws -> JSONValue {
        try JSONPatch(patch).applied(to: document)
    }

    @Test(
        "changes a document",
        arguments: [
            (#"[{"op":"add","path":"/b","value":1}]"#, #"{"a":[1,2]}"#, #"{"a":[1,2],"b":1}"#),
            (#"[{"op":"add","path":"/a/0","value":0}]"#, #"{"a":[1,2]}"#, #"{"a":[0,1,2]}"#),
            (#"[{"op":"add","path":"/a/-","value":3}]"#, #"{"a":[1,2]}"#, #"{"a":[1,2,3]}"#),
            (#"[{"op":"add","path":"/a/2","value":3}]"#, #"{"a":[1,2]}"#, #"{"a":[1,2,3]}"#),
            (#"[{"op":"add","path":"/a/-1","value":3}]"#, #"{"a":[1,2]}"#, #"{"a":[1,2,3]}"#),
            (#"[{"op":"add","path":"/a"}]"#, #"{"a":1}"#, #"{"a":null}"#),
            (#"[{"op":"remove","path":"/a/-1"}]"#, #"{"a":[1,2]}"#, #"{"a":[1]}"#),
            (#"[{"op":"remove","path":"/x~1y/z~0"}]"#, #"{"x/y":{"z~":1}}"#, #"{"x/y":{}}"#),
            (#"[{"op":"replace","path":"/a","value":{"b":1}}]"#, #"{}"#, #"{"a":{"b":1}}"#),
            (#"[{"op":"replace","path":"","value":{"b":1}}]"#, #"{"a":1}"#, #"{"b":1}"#),
            (#"[{"op":"move","from":"/a","path":"/b/c"}]"#, #"{"a":1,"b":{}}"#, #"{"b":{"c":1}}"#),
            (#"[{"op":"move","from":"/a/0","path":"/a/1"}]"#, #"{"a":[1,2]}"#, #"{"a":[2,1]}"#),
            (#"[{"op":"copy","from":"/a","path":"/b"}]"#, #"{"a":[1]}"#, #"{"a":[1],"b":[1]}"#),
            (#"[{"op":"copy","from":"/x","path":"/b"}]"#, #"{}"#, #"{"b":null}"#),
            (#"[{"op":"test","path":"/a","value":1.0}]"#, #"{"a":1}"#, #"{"a":1}"#),
            (#"[{"op":"test","path":"/x","value":null}]"#, #"{}"#, #"{}"#),
            (#"[{"op":"test","path":"","value":{}}]"#, #"{}"#, #"{}"#),
            ("[]", #"{"a":1}"#, #"{"a":1}"#), ("null", #"{"a":1}"#, #"{"a":1}"#),
        ]
    )
    func changes(_ patch: String, _ document: String, _ expected: String) throws {
        let result = try apply(JSONValue(parsing: patch), to: JSONValue(parsing: document))
        #expect(result == (try JSONValue(parsing: expected)))
    }

    @Test(
        "is refused with 422 when it cannot be carried out",
        arguments: [
            #"[{"op":"add","path":"/x/y","value":1}]"#, #"[{"op":"add","path":"","value":{}}]"#,
            #"[{"op":"add","path":"a","value":{}}]"#, #"[{"op":"add","path":"/a/3","value":1}]"#,
            #"[{"op":"add","path":"/a/x","value":1}]"#, #"[{"op":"add","path":"/a/-4","value":1}]"#,
            #"[{"op":"add","path":"/s/0","value":1}]"#, #"[{"op":"add","value":1}]"#,
            #"[{"op":"remove","path":"/x"}]"#, #"[{"op":"remove","path":"/a/2"}]"#,
            #"[{"op":"remove","path":"/a/9223372036854775808"}]"#, #"[{"op":"remove","path":""}]"#,
            #"[{"op":"replace","path":"/a/2","value":1}]"#, #"[{"op":"replace","path":"/x/y","value":1}]"#,
            #"[{"op":"move","from":"/x","path":"/y"}]"#, #"[{"op":"move","path":"/y"}]"#,
            #"[{"op":"copy","from":"/x/y","path":"/y"}]"#, #"[{"op":"test","path":"/a/0","value":2}]"#,
            #"[{"op":"test","path":"/x","value":1}]"#, #"[{"op":"jump","path":"/a"}]"#, #"[{"path":"/a"}]"#,
        ]
    )
    func refusals(_ patch: String) throws {
        let failure = #expect(throws: APIFailure.self) {
            try apply(JSONValue(parsing: patch), to: ["a": [1, 2], "s": "text"])
        }
        #expect(failure?.code == 422)
        #expect(failure?.reason == "Invalid")
    }

    @Test(
        "is refused with 400 when it is no patch at all",
        arguments: [
            ("{}", "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
            (#""a""#, "json: cannot unmarshal string into Go value of type []handlers.jsonPatchOp"),
            ("[1]", "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
            (
                #"[{"op":"add","path":1}]"#,
                "json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string"
            ),
        ]
    )
    func malformed(_ patch: String, _ message: String) throws {
        let failure = #expect(throws: APIFailure.self) { try apply(JSONValue(parsing: patch), to: [:]) }
        #expect(failure?.code == 400)
        #expect(failure?.message == "error decoding patch: " + message)
    }

    @Test("has a limit of operations")
    func limit() throws {
        let operation: JSONValue = ["op": "test", "path": "/a", "value": 1]
        let most = JSONValue.array(Array(repeating: operation, count: 10_000))
        #expect(try apply(most, to: ["a": 1]) == ["a": 1])
        let failure = #expect(throws: APIFailure.self) {
            try JSONPatch(.array(Array(repeating: operation, count: 10_001)))
        }
        #expect(failure?.code == 413)
        #expect(failure?.message.hasSuffix("operations in a JSON patch is 10000, got 10001") == true)
    }

    @Test("of another type than an object is no merge patch", arguments: [PatchType.merge, .strategicMerge])
    func notAnObject(_ type: PatchType) throws {
        for patch: JSONValue in [[], "a", .null] {
            let failure = #expect(throws: APIFailure.self) {
                try PatchDocument.apply(patch, type: type, to: [:], schema: .anything)
            }
            #expect(failure?.code == 400)
        }
    }
}
