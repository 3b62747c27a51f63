import JSON
import Testing

struct JSONSplitterTests {
    /// What comes out of a stream that arrives in these chunks.
    private func split(_ chunks: [[UInt8]], limits: JSONLimits = .standard) throws -> [String] {
        var splitter = JSONSplitter(limits: limits)
        var values: [[UInt8]] = []
        for chunk in chunks {
            values += try splitter.append(chunk)
        }
        if let last = try splitter.finish() { values.append(last) }
        return values.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A stream cut into chunks of one size.
    private func chunks(_ text: String, of size: Int) -> [[UInt8]] {
        let bytes = Array(text.utf8)
        return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
    }

    @Test(
        "Values are cut the same way for every size of chunk",
        arguments: [
            ("", []), (" \r\n\t ", []), ("{}", ["{}"]), ("{}{}", ["{}", "{}"]), ("{}\n{}\n", ["{}", "{}"]),
            (
                #"{"type":"ADDED","object":{"a":[1,{}]}}\#n{"type":"BOOKMARK"}"#,
                [#"{"type":"ADDED","object":{"a":[1,{}]}}"#, #"{"type":"BOOKMARK"}"#]
            ),
            (#"{"a":"}{][\"\\"}[]"#, [#"{"a":"}{][\"\\"}"#, "[]"]),
            (#"{"k":"\\\\\""}"#, [#"{"k":"\\\\\""}"#]),
            (#""a""b\"""#, [#""a""#, #""b\"""#]),
            ("1 2.5e-3 true", ["1", "2.5e-3", "true"]), ("1{}null[]", ["1", "{}", "null", "[]"]),
            (#"{ "a" : 1 }  [ 2 ]"#, [#"{ "a" : 1 }"#, "[ 2 ]"]),
            (
                #"{"é":"😀 long enough to span several words of eight bytes \" end"}"#,
                [#"{"é":"😀 long enough to span several words of eight bytes \" end"}"#]
            ),
        ]
    )
    func framing(text: String, expected: [String]) throws {
        for size in 1...(max(1, text.utf8.count)) {
            #expect(try split(chunks(text, of: size)) == expected, "chunks of \(size)")
        }
    }

    @Test func `A value is handed out with the chunk that completes it`() throws {
        var splitter = JSONSplitter()
        #expect(try splitter.append(Array(#"{"a":"#.utf8)).isEmpty)
        #expect(try splitter.append([]).isEmpty)
        #expect(try splitter.append(Array("1}{".utf8)) == [Array(#"{"a":1}"#.utf8)])
        #expect(throws: JSONError.self) { try splitter.finish() }
    }

    @Test(
        "An error counts its offset from the start of the stream",
        arguments: [
            ("{}x", .unexpectedByte, 2), ("{} }", .unexpectedByte, 3), ("{},{}", .unexpectedByte, 2),
            (":", .unexpectedByte, 0),
            ("{} {", .unexpectedEnd, 4), ("\"a", .unexpectedEnd, 2), ("{}[[[[", .tooDeep, 5),
            ("{}[1234567890]", .tooLarge, 12),
        ] as [(String, JSONError.Kind, Int)]
    )
    func errors(text: String, kind: JSONError.Kind, offset: Int) {
        for size in 1...text.utf8.count {
            let error = #expect(throws: JSONError.self) {
                try split(chunks(text, of: size), limits: JSONLimits(maxDepth: 3, maxBytes: 10))
            }
            #expect(error?.kind == kind)
            #expect(error?.offset == offset)
        }
    }

    @Test func `The size limit holds for each value, not for the stream`() throws {
        let text = String(repeating: "[12345678]\n", count: 50)
        #expect(try split(chunks(text, of: 7), limits: JSONLimits(maxBytes: 10)).count == 50)
    }

    @Test func `Random values come through random chunks unchanged`() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            let values = (0..<5).map { _ in JSONValue.random(depth: 4, using: &random) }
            let stream = Array(values.map(\.text).joined(separator: "\n").utf8)
            let parts = try split(stream.randomChunks(upTo: 9, using: &random))
            #expect(try parts.map { try JSONValue(parsing: $0) } == values)
        }
    }
}
