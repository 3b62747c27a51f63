import JSON
import Testing
import YAML

/// What texts mean; each row is YAML and the JSON that it stands for.
struct YAMLParsingTests {
    private func parse(_ text: String, limits: YAMLLimits = .standard) throws -> String {
        try YAMLDocument.parse(Array(text.utf8), source: "test.yaml", limits: limits).text
    }

    @Test(
        "A plain scalar has the type that kubectl gives it",
        arguments: [
            ("true", "true"), ("True", "true"), ("FALSE", "false"),
            ("null", "null"), ("~", "null"), ("Null", "null"),
            ("0", "0"), ("42", "42"), ("-7", "-7"), ("+7", "7"), ("1_000", "1000"),
            ("0x1F", "31"), ("-0x1f", "-31"), ("0644", "420"), ("0o17", "15"), ("0b101", "5"),
            ("9223372036854775807", "9223372036854775807"), ("18446744073709551615", "18446744073709551615"),
            ("1.5", "1.5"), ("1.50", "1.50"), ("-1e3", "-1e3"), (".5", "0.5"), ("5.", "5"), ("089", "89"),
            ("+1.25", "1.25"), ("123456789012345678901234567890", "123456789012345678901234567890"),
        ]
    )
    func typedPlainScalars(text: String, json: String) throws {
        #expect(try parse(text) == json)
    }

    @Test(
        "Every other plain scalar is a string",
        arguments: [
            "yes", "no", "on", "off", "y", "n", "tRUE", "2026-01-01", "2026-01-01T00:00:00Z", "10:30", "1.2.3", "0x",
            "0xg", "0b2", "1e", "1e+", "e5", "+", "--1", "+-1", "0x-1", "1__a", "500m", "1Gi", "٣", "v1", ".", "=",
        ]
    )
    func plainStrings(text: String) throws {
        #expect(try parse(text) == JSONValue.string(text).text)
    }

    @Test(
        "Quoted scalars and blocks are strings",
        arguments: [
            (#""true""#, "true"), ("'42'", "42"), (#""a\tbA""#, "a\tbA"), ("'it''s'", "it's"), (#""""#, ""),
            ("|\n  one\n  two\n", "one\ntwo\n"), ("|-\n  42\n", "42"), ("|+\n  a\n\n", "a\n\n"),
            (">\n  one\n  two\n", "one two\n"), ("!!str 42", "42"), ("! 42", "42"), ("!!str null", "null"),
        ]
    )
    func strings(text: String, expected: String) throws {
        #expect(try parse(text) == JSONValue.string(expected).text)
    }

    @Test(
        "Containers, anchors and merge keys",
        arguments: [
            ("", "null"), ("# only a comment\n", "null"), ("---\n", "null"),
            ("a: 1\nb: [x, {y: z}]\n", #"{"a":1,"b":["x",{"y":"z"}]}"#),
            ("- a\n-\n- - b\n", #"["a",null,["b"]]"#),
            ("a:\nb: ''\n", #"{"a":null,"b":""}"#),
            (#"{"json": [1, true, null, "x"]}"#, #"{"json":[1,true,null,"x"]}"#),
            ("1: a\ntrue: b\n1.5: c\n0x10: d\n", #"{"1":"a","1.5":"c","16":"d","true":"b"}"#),
            ("yes: a\n", #"{"yes":"a"}"#),
            ("a: &x [1]\nb: *x\n", #"{"a":[1],"b":[1]}"#),
            ("a: &x 1\nb: &x 2\nc: *x\n", #"{"a":1,"b":2,"c":2}"#),
            ("&k key: 1\nother: *k\n", #"{"key":1,"other":"key"}"#),
            ("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n", #"{"base":{"x":1,"y":2},"use":{"x":1,"y":3}}"#),
            ("use: {y: 3, <<: {x: 1, y: 2}}\n", #"{"use":{"x":1,"y":3}}"#),
            ("<<: [{a: 1}, {a: 2, b: 2}]\n", #"{"a":1,"b":2}"#),
            (#""<<": {a: 1}"# + "\n", #"{"<<":{"a":1}}"#),
            (
                "!!map {a: !!int 1, b: !!float 2, c: !!bool true, d: !!null ~, e: !!seq [] }",
                #"{"a":1,"b":2,"c":true,"d":null,"e":[]}"#
            ),
            (#"{a: !!int "12"}"#, #"{"a":12}"#),
            ("\u{FEFF}a: 1\n", #"{"a":1}"#),
            ("a: é\u{1F600}\n", #"{"a":"é😀"}"#),
            ("a: 1\r\nb: 2\r\n", #"{"a":1,"b":2}"#),
            ("---\na: 1\n---\n", #"{"a":1}"#),
        ]
    )
    func structures(text: String, json: String) throws {
        #expect(try parse(text) == json)
    }

    @Test func `All documents of a text are read and empty ones are left out`() throws {
        let text = "---\na: 1\n---\n# nothing\n---\n- 2\n...\n---\nthree\n"
        let documents = try YAMLDocument.parseAll(Array(text.utf8), source: "test.yaml")
        #expect(documents == [["a": 1], [2], "three"])
    }

    @Test func `An anchor ends with its document`() {
        #expect(throws: YAMLError.self) {
            try YAMLDocument.parseAll(Array("&a 1\n---\n*a\n".utf8), source: "test.yaml")
        }
    }

    @Test func `Aliases that double nine times stay within the limits that count them`() throws {
        #expect(throws: YAMLError.self) { try parse(Self.laughs(levels: 9)) }
        let generous = YAMLLimits(maxNodes: 5_000)
        #expect(throws: Never.self) { try parse(Self.laughs(levels: 3), limits: generous) }
    }

    @Test func `A value through an alias has its own depth and that of its place`() throws {
        let limits = YAMLLimits(maxDepth: 4)
        #expect(throws: Never.self) { try parse("a: &x [[1]]\nb: [*x]\n", limits: limits) }
        #expect(throws: YAMLError.self) { try parse("a: &x [[1]]\nb: [[*x]]\n", limits: limits) }
    }

    /// The "billion laughs": each level holds the one before ten times.
    static func laughs(levels: Int) -> String {
        var text = "l0: &l0 lol\n"
        for level in 1...levels {
            let uses = Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
            text += "l\(level): &l\(level) [\(uses)]\n"
        }
        return text
    }
}
