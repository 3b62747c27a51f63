import JSON
import Testing
import YAML

struct YAMLEmitterTests {
    @Test func `An object reads as people write it`() {
        let value: JSONValue = [
            "status": ["phase": "Running", "count": 3, "ratio": 0.5, "ready": true, "reason": .null],
            "spec": ["args": ["-v", "a b"], "script": "one\ntwo\n", "empty": [:], "none": []],
            "metadata": ["name": "web", "labels": ["on": "yes", "version": "1.10"]],
            "kind": "Example", "data": ["z": "last"], "apiVersion": "v1",
        ]
        #expect(
            YAMLDocument.emit(value) == """
                apiVersion: v1
                kind: Example
                metadata:
                  labels:
                    "on": "yes"
                    version: "1.10"
                  name: web
                spec:
                  args:
                  - -v
                  - a b
                  empty: {}
                  none: []
                  script: |
                    one
                    two
                status:
                  count: 3
                  phase: Running
                  ratio: 0.5
                  ready: true
                  reason: null
                data:
                  z: last

                """
        )
    }

    @Test(
        "A string that looks like something else is quoted",
        arguments: [
            "true", "False", "null", "~", "", "yes", "No", "ON", "off", "y", "N", "12", "-3", "+1", "1.5", ".5", "1e3",
            "0x1f", "0o17", "017", "1_000", "2026-01-01", "2026-01-01T00:00:00Z", "10:30:00", ".inf", "-.INF", ".NaN",
            "<<", "=", "-", "- a", "a: b", "#x", "*a", "&a", "!x", "%x", "@x", "`x", "{", "[", "'", "\"", "?", "a #b",
            " x", "x ", ",",
        ]
    )
    func quoted(text: String) throws {
        let line = YAMLDocument.emit(["k": .string(text)])
        #expect(line.hasPrefix("k: \"") || line.hasPrefix("k: '"), "\(line)")
        #expect(try reparse(line) == ["k": .string(text)])
        #expect(try reparse(YAMLDocument.emit([text: 1])) == [text: 1])
    }

    @Test(
        "A harmless string stays plain",
        arguments: ["web-1", "a b", "nginx:1.25", "registry/x@sha256:abc", "-v", "--flag=x", "2nd", "v1.2", "é"]
    )
    func plain(text: String) {
        #expect(YAMLDocument.emit(["k": .string(text)]) == "k: \(text)\n")
    }

    @Test(
        "Text with line breaks survives as a block or escaped",
        arguments: [
            "a\nb", "a\nb\n", "a\n\n", "\n", "\na", "  a\nb", "a\n  b\n", "a \nb", "a\tb\nc", "a\r\nb", "\u{0}\n",
            "a\u{7F}\n", "trailing \n", "\u{2028}\n", "é\n😀\n", "#c\n", "---\n", "a: b\n- c\n", "\t\n",
        ]
    )
    func multiline(text: String) throws {
        let value: JSONValue = ["outer": ["k": .string(text), "l": [.string(text)]]]
        #expect(try reparse(YAMLDocument.emit(value)) == value)
    }

    @Test func `Long lines are not folded`() {
        let text = String(repeating: "word ", count: 100) + "end"
        #expect(YAMLDocument.emit(["k": .string(text)]) == "k: \(text)\n")
    }

    @Test(
        "A document can be any value",
        arguments: [.null, true, 1, "x", [], [:], [1, [2, [3]]], ["a": [["b": 1], ["c": [:]]]]] as [JSONValue]
    )
    func roots(value: JSONValue) throws {
        #expect(try reparse(YAMLDocument.emit(value)) == value)
    }

    @Test func `Whatever is emitted reads back the same`() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            let value = Self.randomValue(depth: 4, &random)
            #expect(try reparse(YAMLDocument.emit(value)) == value)
        }
    }

    private func reparse(_ text: String) throws -> JSONValue {
        try YAMLDocument.parse(Array(text.utf8), source: "emitted")
    }

    private static func randomValue(depth: Int, _ random: inout SeededGenerator) -> JSONValue {
        let count = Int.random(in: 0..<4, using: &random)
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(Int64.random(in: .min ... .max, using: &random))
        case 3, 4: return .string(randomText(&random))
        case 5: return .array((0..<count).map { _ in randomValue(depth: depth - 1, &random) })
        default:
            let members = (0..<count).map { _ in (randomText(&random), randomValue(depth: depth - 1, &random)) }
            return .object(Dictionary(members) { $1 })
        }
    }

    private static func randomText(_ random: inout SeededGenerator) -> String {
        let pieces = [
            "a", "b", " ", "\n", ":", "-", "#", "'", "\"", "\\", "0", "1", ".", "é", "\t", "{", "|", "yes", "~",
        ]
        return (0..<Int.random(in: 0..<7, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
    }
}
