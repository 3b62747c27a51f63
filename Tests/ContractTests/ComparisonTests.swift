import JSON
import Testing

/// The judges have to be right themselves.
struct ComparisonTests {
    private func differences(_ server: JSONValue, _ sandbox: JSONValue, status: Int = 200) -> [String] {
        Comparison.differences(
            scenario: "s",
            server: [Exchange(step: "t", status: 200, headers: [:], body: server)],
            sandbox: [Exchange(step: "t", status: status, headers: [:], body: sandbox)]
        ).map(\.path)
    }

    @Test func `Every field that differs is named once`() {
        #expect(differences(["a": 1, "b": ["c": "x"]], ["a": 1, "b": ["c": "x"]]) == [])
        #expect(
            differences(["a": 1, "b": ["c": "x"]], ["a": 2, "b": [:], "d": .null]) == ["body.a", "body.b.c", "body.d"]
        )
        #expect(differences([1, 2], [1]) == ["body[1]"])
        #expect(differences(["a": 1], ["b": 1], status: 404) == ["answer"])
    }

    @Test func `Elements with names are compared by name and order`() {
        let (a, b): (JSONValue, JSONValue) = (["name": "a", "x": 1], ["name": "b", "x": 1])
        #expect(differences([a, b], [b, a]) == ["body.order"])
        #expect(differences([a, b], [b]) == ["body[a]"])
        #expect(differences([a], [["name": "a", "x": 2]]) == ["body[a].x"])
    }

    @Test func `Events of a watch are compared by position`() {
        let (one, two): (JSONValue, JSONValue) = (
            ["type": "ADDED", "object": ["metadata": ["name": "a"]]],
            ["type": "ADDED", "object": ["metadata": ["name": "b"]]]
        )
        #expect(
            differences([one, two], [two, one]) == ["body[0].object.metadata.name", "body[1].object.metadata.name"]
        )
    }

    @Test func `A missing answer is a difference`() {
        let exchange = Exchange(step: "t", status: 200, headers: [:], body: .null)
        #expect(Comparison.differences(scenario: "s", server: [exchange], sandbox: []).count == 1)
        #expect(Comparison.differences(scenario: "s", server: [], sandbox: [exchange]).count == 1)
    }

    @Test(arguments: [
        ("abc", "abc", true), ("a*", "abc", true), ("*c", "abc", true), ("a*c", "abc", true), ("*", "", true),
        ("a*b*c", "axxbxxc", true), ("a*b", "abc", false), ("ab", "abc", false), ("a*c*c", "abc", false),
    ])
    func `A star stands for any text`(pattern: String, text: String, isMatch: Bool) {
        #expect(Wildcard.matches(pattern, text) == isMatch)
    }

    @Test func `Values of a run get the same names everywhere`() throws {
        let step = try Step(["post": "/x", "body": ["metadata": ["generateName": "gen-"]], "name": "t"])
        var normalizer = Normalizer(Scenario(name: "s", steps: [step], namespace: false))
        let uid = "80f6e0d2-b5c2-48eb-b270-3add5694fd03"
        let body: JSONValue = [
            "metadata": [
                "name": "gen-bcdfg", "uid": .string(uid), "resourceVersion": "7",
                "creationTimestamp": "2026-01-01T00:00:00Z",
            ],
            "message": .string("gen-bcdfg has \(uid)"),
        ]
        let first = normalizer.normalize(Exchange(step: "t", status: 200, headers: [:], body: body))
        #expect(first.body["message"] == "<generated 1> has <uid of <generated>>")
        #expect(first.body.value(at: ["metadata", "resourceVersion"]) == "<version 1>")
        #expect(first.body.value(at: ["metadata", "creationTimestamp"]) == "<time>")
        let again = normalizer.normalize(Exchange(step: "t", status: 200, headers: [:], body: body))
        #expect(again == first)
    }
}
