import JSON
import KubernetesCore
import Testing

struct JSONPatchTests {
    @Test func `has the wire form of RFC 6902`() {
        let patch = JSONPatch([
            .test(["metadata", "uid"], "42"), .add(["metadata", "annotations", "a.b/c~d"], "x"), .remove(["a"]),
            .replace(["b"], 1), .move(from: ["c"], to: ["d"]), .copy(from: ["e"], to: ["f", "-"]), .replace([], .null),
        ])
        #expect(
            patch.jsonValue == [
                ["op": "test", "path": "/metadata/uid", "value": "42"],
                ["op": "add", "path": "/metadata/annotations/a.b~1c~0d", "value": "x"],
                ["op": "remove", "path": "/a"], ["op": "replace", "path": "/b", "value": 1],
                ["op": "move", "from": "/c", "path": "/d"], ["op": "copy", "from": "/e", "path": "/f/-"],
                ["op": "replace", "path": "", "value": .null],
            ]
        )
    }

    // The examples of RFC 6902, appendix A, and the edges of its sections 4.1 to 4.6.
    @Test(
        arguments: [
            (["foo": "bar"], .add(["baz"], "qux"), ["baz": "qux", "foo": "bar"]),
            (["foo": ["bar", "baz"]], .add(["foo", "1"], "qux"), ["foo": ["bar", "qux", "baz"]]),
            (["foo": ["bar"]], .add(["foo", "-"], ["abc"]), ["foo": ["bar", ["abc"]]]),
            (["foo": ["bar"]], .add(["foo", "1"], "end"), ["foo": ["bar", "end"]]),
            (["foo": 1], .add(["foo"], 2), ["foo": 2]),
            (["foo": 1], .add([], 2), 2),
            (["foo": "bar", "baz": "qux"], .remove(["baz"]), ["foo": "bar"]),
            (["foo": ["bar", "qux", "baz"]], .remove(["foo", "1"]), ["foo": ["bar", "baz"]]),
            (["foo": "bar"], .replace(["foo"], "boo"), ["foo": "boo"]),
            (["foo": [1, 2]], .replace(["foo", "0"], 3), ["foo": [3, 2]]),
            (["a": ["b": 1], "c": [:]], .move(from: ["a", "b"], to: ["c", "d"]), ["a": [:], "c": ["d": 1]]),
            (["a": [1, 2, 3]], .move(from: ["a", "0"], to: ["a", "2"]), ["a": [2, 3, 1]]),
            (["a": 1], .move(from: ["a"], to: ["a"]), ["a": 1]),
            (["a": [1]], .copy(from: ["a"], to: ["b"]), ["a": [1], "b": [1]]),
            (["a": ["b": [1, 2]]], .test(["a", "b", "1"], 2), ["a": ["b": [1, 2]]]),
            (["": 1], .replace([""], 2), ["": 2]),
        ] as [(JSONValue, JSONPatch.Operation, JSONValue)]
    )
    func `applies an operation`(target: JSONValue, operation: JSONPatch.Operation, result: JSONValue) throws {
        #expect(try JSONPatch([operation]).apply(to: target) == result)
    }

    @Test(
        arguments: [
            ([:], .remove(["a"])), ([:], .replace(["a"], 1)), ([:], .add(["a", "b"], 1)), (1, .add(["a"], 1)),
            (["a": [1]], .add(["a", "2"], 1)), (["a": [1]], .add(["a", "01"], 1)), (["a": [1]], .add(["a", "x"], 1)),
            (["a": [1]], .remove(["a", "-"])), (["a": [1]], .remove(["a", "1"])),
            (["a": [1]], .replace(["a", "9"], 1)),
            (["a": [1]], .add(["a", "99999999999999999999"], 1)), (["a": 1], .test(["a"], 2)),
            ([:], .test(["a"], .null)),
            ([:], .move(from: ["a"], to: ["b"])), ([:], .copy(from: ["a"], to: ["b"])),
            (["a": ["b": 1]], .move(from: ["a"], to: ["a", "b"])), (["a": [[1]]], .test(["a", "0", "5"], 1)),
        ] as [(JSONValue, JSONPatch.Operation)]
    )
    func `refuses what cannot be done and names the operation`(target: JSONValue, operation: JSONPatch.Operation) {
        let error = #expect(throws: JSONPatchError.self) {
            try JSONPatch([.add([], target), operation]).apply(to: .null)
        }
        #expect(error?.index == 1)
        #expect(error?.description.hasPrefix("operation 1: ") == true)
    }

    @Test func `errors hold no values`() {
        let error = #expect(throws: JSONPatchError.self) {
            try JSONPatch([.test(["token"], "guess")]).apply(to: ["token": "hunter2"])
        }
        #expect(error?.description == "operation 0: test failed at /token")
    }
}
