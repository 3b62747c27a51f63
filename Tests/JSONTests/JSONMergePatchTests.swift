import JSON
import Testing

struct JSONMergePatchTests {
    @Test(
        "The examples of RFC 7386, appendix A",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
            (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
            (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"{"e":null}"#, #"{"a":1}"#, #"{"a":1,"e":null}"#), ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ]
    )
    func apply(target: String, patch: String, result: String) throws {
        let patched = JSONMergePatch.apply(try JSONValue(parsing: patch), to: try JSONValue(parsing: target))
        #expect(patched.text == result)
    }

    @Test(
        "A difference names only what changes",
        arguments: [
            ("{}", "{}", "{}"), (#"{"a":1}"#, #"{"a":1}"#, "{}"), (#"{"a":1}"#, #"{"a":1.0}"#, "{}"),
            (#"{"a":1,"b":2}"#, #"{"a":1,"b":3}"#, #"{"b":3}"#),
            (#"{"a":1,"b":2}"#, #"{"a":1}"#, #"{"b":null}"#),
            (#"{"a":{"x":1,"y":2}}"#, #"{"a":{"x":1,"y":3}}"#, #"{"a":{"y":3}}"#),
            (#"{"a":[1,2]}"#, #"{"a":[1,3]}"#, #"{"a":[1,3]}"#), (#"{"a":{"x":1}}"#, #"{"a":2}"#, #"{"a":2}"#),
            (#"{"a":2}"#, #"{"a":{"x":1}}"#, #"{"a":{"x":1}}"#), ("[1]", "{}", "{}"), ("{}", "[1]", "[1]"),
            ("{}", #"{"a":{}}"#, #"{"a":{}}"#),
            // A patch cannot set null: the member is removed, or not added.
            (#"{"a":1}"#, #"{"a":null}"#, #"{"a":null}"#), ("{}", #"{"a":null}"#, "{}"),
            ("{}", #"{"a":{"b":null}}"#, #"{"a":{}}"#),
        ]
    )
    func diff(old: String, new: String, patch: String) throws {
        #expect(JSONMergePatch.diff(from: try JSONValue(parsing: old), to: try JSONValue(parsing: new)).text == patch)
    }

    @Test func `Applying the difference gives the new document`() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            let old = JSONValue.random(depth: 4, using: &random).withoutNullMembers
            let new = JSONValue.random(depth: 4, using: &random).withoutNullMembers
            let patch = JSONMergePatch.diff(from: old, to: new)
            #expect(JSONMergePatch.apply(patch, to: old) == new)
        }
    }
}

extension JSONValue {
    /// The same without members that are null, which no merge patch can express.
    fileprivate var withoutNullMembers: JSONValue {
        switch self {
        case .object(let members): .object(members.filter { !$0.value.isNull }.mapValues { $0.withoutNullMembers })
        case .array(let elements): .array(elements.map(\.withoutNullMembers))
        default: self
        }
    }
}
