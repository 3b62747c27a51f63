import JSON
import Testing

struct JSONValueTests {
    private let pod: JSONValue = [
        "metadata": ["name": "web", "labels": ["app": "x"]], "spec": ["replicas": 3, "ratio": 0.5, "on": true],
        "list": [1, "two", .null],
    ]

    @Test func `Each accessor reads its own kind only`() {
        let values: [JSONValue] = [.null, true, 1, 1.5, "x", [], [:]]
        #expect(values.map(\.isNull) == [true, false, false, false, false, false, false])
        #expect(values.map(\.boolValue) == [nil, true, nil, nil, nil, nil, nil])
        #expect(values.map(\.intValue) == [nil, nil, 1, nil, nil, nil, nil])
        #expect(values.map(\.doubleValue) == [nil, nil, 1, 1.5, nil, nil, nil])
        #expect(values.map(\.stringValue) == [nil, nil, nil, nil, "x", nil, nil])
        #expect(values.map(\.arrayValue) == [nil, nil, nil, nil, nil, [], nil])
        #expect(values.map(\.objectValue) == [nil, nil, nil, nil, nil, nil, [:]])
    }

    @Test func `Members, elements and paths that are missing are nil`() {
        #expect(pod["metadata"]?["name"] == "web")
        #expect(pod["nothing"] == nil)
        #expect(pod["list"]?[index: 1] == "two")
        #expect(pod["list"]?[index: 2] == .null)
        for index in [-1, 3, .max, .min] {
            #expect(pod["list"]?[index: index] == nil)
        }
        #expect(pod[index: 0] == nil)
        #expect(pod["list"]?["0"] == nil)
        #expect(pod.value(at: ["metadata", "labels", "app"]) == "x")
        #expect(pod.value(at: ["metadata", "name", "x"]) == nil)
        #expect(pod.value(at: ["list", "0"]) == nil)
        #expect(pod.value(at: []) == pod)
    }

    @Test(
        "Setting a member makes objects only out of null",
        arguments: [
            ([:], 1, ["k": 1]), (["k": 0, "l": 2], 1, ["k": 1, "l": 2]), (.null, 1, ["k": 1]), (.null, nil, .null),
            (["k": 0], nil, [:]), ([:], nil, [:]), ("text", 1, "text"), ([1], 1, [1]),
        ] as [(JSONValue, JSONValue?, JSONValue)]
    )
    func subscriptSet(before: JSONValue, member: JSONValue?, after: JSONValue) {
        var value = before
        value["k"] = member
        #expect(value == after)
    }

    @Test(
        "Setting at a path makes what is missing and leaves alone what is in the way",
        arguments: [
            ([:], ["a"], 1, ["a": 1], true), ([:], ["a", "b", "c"], 1, ["a": ["b": ["c": 1]]], true),
            (.null, ["a", "b"], 1, ["a": ["b": 1]], true), (["a": .null], ["a", "b"], 1, ["a": ["b": 1]], true),
            (["a": ["x": 0]], ["a", "b"], 1, ["a": ["b": 1, "x": 0]], true),
            (["a": "text"], ["a", "b"], 1, ["a": "text"], false), (["a": [1]], ["a", "b", "c"], 1, ["a": [1]], false),
            ("text", ["a"], 1, "text", false), (["a": 0], [], 1, 1, true), (["a": 0], [], nil, .null, true),
            (["a": ["b": 1, "c": 2]], ["a", "b"], nil, ["a": ["c": 2]], true),
            ([:], ["a", "b"], nil, [:], true), (.null, ["a", "b"], nil, .null, true),
            (["a": .null], ["a", "b"], nil, ["a": .null], true), (["a": 1], ["a", "b"], nil, ["a": 1], false),
        ] as [(JSONValue, [String], JSONValue?, JSONValue, Bool)]
    )
    func setAtPath(before: JSONValue, path: [String], member: JSONValue?, after: JSONValue, isSet: Bool) {
        var value = before
        #expect(value.set(member, at: path) == isSet)
        #expect(value == after)
    }

    @Test func `A copy does not change with the original`() {
        var changed = pod
        changed.set("new", at: ["metadata", "labels", "app"])
        changed["list"] = nil
        #expect(pod.value(at: ["metadata", "labels", "app"]) == "x")
        #expect(pod["list"]?.arrayValue?.count == 3)
        #expect(changed.value(at: ["metadata", "labels", "app"]) == "new")
    }

    @Test func `Strings and numbers have short spellings`() {
        #expect(JSONValue.strings(["a": "b"]) == ["a": "b"])
        #expect(JSONValue.number(Int(3)) == 3)
        #expect(JSONValue.number(Int64(3)) == 3)
        #expect(JSONValue.object(["a": 1] as [String: JSONValue]) == ["a": 1])
        #expect("n\(1)" as JSONValue == "n1")
        #expect(JSONValue(floatLiteral: .infinity) == .null)
        #expect((["a": "b"] as JSONValue).stringDictionary == ["a": "b"])
        #expect((["a": 1] as JSONValue).stringDictionary == nil)
        #expect((["a"] as JSONValue).stringDictionary == nil)
    }
}
