import JSON
import Testing
import YAML

/// What is refused, and where the error points.
struct YAMLErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var line: Int
        var column: Int
        var path: String
        /// A part of the message.
        var message: String
        var testDescription: String { text.debugDescription }

        init(_ text: String, _ line: Int, _ column: Int, _ path: String, _ message: String) {
            self.text = text
            self.line = line
            self.column = column
            self.path = path
            self.message = message
        }
    }

    @Test("Each value's line is told by its path, for messages about the content")
    func lines() throws {
        let text = "# comment\na:\n- b: 1\n  c: &x\n    d: 2\n- {e: [3,\n  4]}\nf: *x\n"
        let (value, lines) = try YAMLDocument.parseWithLines(Array(text.utf8), source: "f.yaml")
        #expect(try value == YAMLDocument.parse(Array(text.utf8), source: "f.yaml"))
        let expected = [
            "": 2, "a": 3, "a[0]": 3, "a[0].b": 3, "a[0].c": 4, "a[0].c.d": 5, "a[1]": 6, "a[1].e": 6, "a[1].e[0]": 6,
            "a[1].e[1]": 7, "f": 8,
        ]
        #expect(lines == expected)
    }

    @Test(
        "An error names the line, the column and the field",
        arguments: [
            Case("a: 1\na: 2\n", 2, 1, "a", "twice"),
            Case("users:\n- name: x\n  user: {t: 1, t: 2}\n", 3, 16, "users[0].user.t", "twice"),
            Case("1: a\n'1': b\n", 2, 1, "1", "twice"),
            Case("<<: {a: 1}\n<<: {b: 1}\n", 2, 1, "<<", "twice"),
            Case("a: *nobody\n", 1, 4, "a", "unknown alias"),
            Case("a: &x [*x]\n", 1, 8, "a[0]", "unknown alias"),
            Case("a: !secret x\n", 1, 4, "a", "tag"),
            Case("a: !!binary aGk=\n", 1, 4, "a", "tag"),
            Case("a: !!map [1]\n", 1, 4, "a", "tag"),
            Case("a: !!seq {b: 1}\n", 1, 4, "a", "tag"),
            Case("a: !<tag:example.com,2000:int> 1\n", 1, 4, "a", "tag"),
            Case("a: !!int x\n", 1, 4, "a", "does not fit"),
            Case("a: !!int 1.5\n", 1, 4, "a", "does not fit"),
            Case("a: !!bool yes\n", 1, 4, "a", "does not fit"),
            Case("a: !!null 0\n", 1, 4, "a", "does not fit"),
            Case("a: .inf\n", 1, 4, "a", "infinities"),
            Case("a: -.INF\n", 1, 4, "a", "infinities"),
            Case("a: .nan\n", 1, 4, "a", "infinities"),
            Case("{[1]: x}\n", 1, 2, "", "key must be a string"),
            Case("? {a: 1}\n: x\n", 1, 3, "", "key must be a string"),
            Case("~: x\n", 1, 1, "", "key must be a string"),
            Case("a: {<<: 3}\n", 1, 9, "a.<<", "only mappings"),
            Case("a: {<<: [{}, 1]}\n", 1, 9, "a.<<", "only mappings"),
            Case("a: 1\n---\nb: 2\n", 3, 1, "", "second document"),
            Case("a: [1, 2\n", 2, 1, "a", "did not find expected"),
            Case("a: b: c\n", 1, 5, "", "mapping values are not allowed"),
            Case("a:\n\t- b\n", 2, 1, "a", "cannot start any token"),
            Case("a: 'x\n", 2, 1, "a", "unexpected end of stream"),
        ]
    )
    func located(_ row: Case) {
        let error = #expect(throws: YAMLError.self) {
            try YAMLDocument.parse(Array(row.text.utf8), source: "test.yaml")
        }
        guard let error else { return }
        #expect(error.source == "test.yaml")
        #expect(error.line == row.line)
        #expect(error.column == row.column)
        #expect(error.path == row.path)
        #expect(error.message.contains(row.message), "\(error.message)")
    }

    @Test func `Bytes that are no UTF-8 are located by line and column`() {
        let error = #expect(throws: YAMLError.self) {
            try YAMLDocument.parse(Array("a: 1\nb: x".utf8) + [0xFF], source: "test.yaml")
        }
        #expect(error?.line == 2)
        #expect(error?.column == 5)
    }

    @Test func `The description reads like a compiler's`() {
        let error = YAMLError(source: "config", line: 3, column: 7, path: "users[0]", message: "no")
        #expect(error.description == "config:3:7: users[0]: no")
        #expect(YAMLError(source: "c", line: 1, column: 1, path: "", message: "no").description == "c:1:1: no")
    }

    @Test func `A message never shows the text of the document`() {
        for text in ["token: !x s3cr3t\n", "s: [s3cr3t\n", "s: !!int s3cr3t\n", "s: 's3cr3t\n", "s: *s3cr3t\n"] {
            let error = #expect(throws: YAMLError.self) {
                try YAMLDocument.parse(Array(text.utf8), source: "test.yaml")
            }
            #expect(error?.description.contains("s3cr3t") == false)
        }
    }

    @Test(
        "Each limit is exact",
        arguments: [
            // A text, the limits that just hold it, and those one below.
            ("[[[1]]]", YAMLLimits(maxDepth: 3), YAMLLimits(maxDepth: 2), "nested deeper than 2"),
            ("{a: {b: 1}}", YAMLLimits(maxDepth: 2), YAMLLimits(maxDepth: 1), "nested deeper than 1"),
            ("[1, 2, {a: b}]", YAMLLimits(maxNodes: 6), YAMLLimits(maxNodes: 5), "more than 5 values"),
            ("[&a [1], *a]", YAMLLimits(maxNodes: 5), YAMLLimits(maxNodes: 4), "more than 4 values"),
            ("abcdef", YAMLLimits(maxBytes: 6), YAMLLimits(maxBytes: 5), "larger than 5 bytes"),
        ]
    )
    func limits(text: String, holding: YAMLLimits, refusing: YAMLLimits, message: String) {
        #expect(throws: Never.self) {
            try YAMLDocument.parse(Array(text.utf8), source: "test.yaml", limits: holding)
        }
        let error = #expect(throws: YAMLError.self) {
            try YAMLDocument.parse(Array(text.utf8), source: "test.yaml", limits: refusing)
        }
        #expect(error?.message.contains(message) == true)
    }

    @Test func `No depth limit lets a text exhaust the stack`() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: YAMLError.self) {
            try YAMLDocument.parse(
                Array(text.utf8),
                source: "test.yaml",
                limits: YAMLLimits(maxDepth: .max, maxNodes: .max)
            )
        }
    }

    @Test func `Damaged texts give an error or a value, never a crash`() {
        var random = SeededGenerator(seed: 7)
        let seeds = [
            "a: &x {b: [1, 'two', \"three\"], c: |\n    text\n  }\nd: *x\n", YAMLParsingTests.laughs(levels: 3),
            "apiVersion: v1\nkind: Config\nusers:\n- name: x\n  user:\n    token: abc\n# end\n",
        ].map { Array($0.utf8) }
        for round in 0..<3_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(#"{}[]&*!|>'":-?, "#.utf8.randomElement(using: &random) ?? 0, at: place)
                }
            }
            do {
                let value = try YAMLDocument.parseAll(bytes, source: "fuzz")
                #expect(value.count <= bytes.count)
            } catch {
                #expect(error.line >= 1 && error.column >= 1)
            }
        }
    }
}

/// A small random source that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
