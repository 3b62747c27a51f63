import JSON
import Testing

/// What the parser accepts, what it refuses, and where its errors point.
struct JSONParsingTests {
    @Test(
        "A valid document is read as RFC 8259 says",
        arguments: [
            ("null", .null), ("true", true), (" false\n", false), ("0", 0), ("-12", -12), ("\"\"", ""), ("[]", []),
            ("{}", [:]), ("\t[1 , 2\r\n]", [1, 2]), ("[[[]]]", [[[]]]), (#"{"a":{"b":[null]}}"#, ["a": ["b": [.null]]]),
            (#"{ "a" : 1 , "b" : 2 }"#, ["a": 1, "b": 2]), (#"{"b":1,"a":2}"#, ["a": 2, "b": 1]),
            (#"{"a":1,"a":2}"#, ["a": 2]), (#"{"":0}"#, ["": 0]),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\uD83D\ude00\u0000""#, "Aé😀\u{0}"),
            ("\"é😀\u{7F}\u{2028}\"", "é😀\u{7F}\u{2028}"),
            (#""plain text that is long, then \u0041""#, "plain text that is long, then A"),
            (#""😀 and \n an escape é""#, "😀 and \n an escape é"),
        ] as [(String, JSONValue)]
    )
    func valid(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
    }

    @Test(
        "A number keeps its text",
        arguments: [
            "0", "-0", "1.0", "1.50", "1e3", "1E+3", "1.5e-07", "12345678901234567890123", "0.1", "-1e400",
            "9007199254740993", "18446744073709551615",
        ]
    )
    func numberText(text: String) throws {
        guard case .number(let number) = try JSONValue(parsing: text) else {
            Issue.record("no number")
            return
        }
        #expect(number.literal == text)
        #expect(try JSONValue(parsing: "[\(text)]").text == "[\(text)]")
    }

    @Test(
        "An error says what is wrong and at which byte",
        arguments: [
            ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2),
            ("[1,", .unexpectedEnd, 3), (#"{"a""#, .unexpectedEnd, 4), (#"{"a":"#, .unexpectedEnd, 5),
            (#"{"a":1"#, .unexpectedEnd, 6), (#""abc"#, .unexpectedEnd, 4), (#""abc\"#, .unexpectedEnd, 5),
            (#""\u00"#, .unexpectedEnd, 5), ("tru", .unexpectedEnd, 3), ("-", .unexpectedEnd, 1),
            ("1.", .unexpectedEnd, 2), ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3),
            ("x", .unexpectedByte, 0), ("truE", .unexpectedByte, 3), ("nul!", .unexpectedByte, 3),
            ("[1 2]", .unexpectedByte, 3), ("[1,]", .unexpectedByte, 3), ("[,]", .unexpectedByte, 1),
            ("{,}", .unexpectedByte, 1), ("{1:2}", .unexpectedByte, 1), (#"{"a" 1}"#, .unexpectedByte, 5),
            (#"{"a":1,}"#, .unexpectedByte, 7), (#"{"a":1]"#, .unexpectedByte, 6), ("[1}", .unexpectedByte, 2),
            ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0), ("NaN", .unexpectedByte, 0),
            ("\u{FEFF}1", .unexpectedByte, 0), ("'a'", .unexpectedByte, 0), ("[\u{A0}1]", .unexpectedByte, 1),
            ("01", .invalidNumber, 0), ("-01", .invalidNumber, 1), ("-x", .invalidNumber, 1),
            ("1.x", .invalidNumber, 2), ("1ex", .invalidNumber, 2), ("[1e-]", .invalidNumber, 4),
            ("\"a\nb\"", .controlCharacter, 2), ("\"\u{0}\"", .controlCharacter, 1),
            ("\"long enough for words \u{1F}\"", .controlCharacter, 23),
            (#""\x""#, .invalidEscape, 1), (#""\u12G4""#, .invalidEscape, 5), (#""\uD800""#, .invalidEscape, 1),
            (#""\uDC00""#, .invalidEscape, 1), (#""ab\uD800\uD800""#, .invalidEscape, 3),
            (#""\uD800\n""#, .invalidEscape, 1), (#""\uD800x""#, .invalidEscape, 1),
            ("1 2", .trailingContent, 2), ("{}x", .trailingContent, 2), ("[]]", .trailingContent, 2),
            ("null\u{0}", .trailingContent, 4),
        ] as [(String, JSONError.Kind, Int)]
    )
    func invalid(text: String, kind: JSONError.Kind, offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.kind == kind)
        #expect(error?.offset == offset)
    }

    @Test(
        "Bytes that are no UTF-8 are refused where they stand",
        arguments: [
            // A stray continuation, overlong forms, a surrogate, beyond Unicode, a cut sequence.
            [0x80], [0xFF], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]]
    )
    func invalidUTF8(bytes: [UInt8]) {
        for prefix in ["", "abc", "a longer prefix, more than a word ", #"\n"#, "é"] {
            for suffix in ["", "x", "another word or two", #"\t"#] {
                let document = Array("[\"\(prefix)".utf8) + bytes + Array("\(suffix)\"]".utf8)
                let error = #expect(throws: JSONError.self) { try JSONValue(parsing: document) }
                #expect(error?.kind == .invalidUTF8)
                #expect(error?.offset == 2 + prefix.utf8.count)
                #expect(throws: JSONError.self) {
                    try JSONValue(parsing: Array("{\"".utf8) + bytes + Array("\":1}".utf8))
                }
            }
        }
    }

    @Test func `The limits are exact`() throws {
        let limits = JSONLimits(maxDepth: 3, maxBytes: 12)
        #expect(try JSONValue(parsing: "[[{\"a\":1}]] ", limits: limits) == [[["a": 1]]])
        let deep = #expect(throws: JSONError.self) { try JSONValue(parsing: "[[[[]]]]", limits: limits) }
        #expect(deep?.kind == .tooDeep && deep?.offset == 3)
        let large = #expect(throws: JSONError.self) { try JSONValue(parsing: "\"12345678901\"", limits: limits) }
        #expect(large?.kind == .tooLarge && large?.offset == 12)
    }

    @Test(
        "No depth limit lets a document exhaust the stack",
        arguments: ["[", "{\"a\":", "[{\"a\":["]
    )
    func depth(open: String) {
        let text = String(repeating: open, count: 200_000)
        let limits = JSONLimits(maxDepth: .max)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text, limits: limits) }
        #expect(error?.kind == .tooDeep)
        let skipped = #expect(throws: JSONError.self) {
            try JSONValue(parsing: "{\"x\":" + text, projection: .all.dropping("x"), limits: limits)
        }
        #expect(skipped?.kind == .tooDeep)
    }

    @Test func `Any collection of bytes can be parsed`() throws {
        let bytes = Array("x[1,2]y".utf8)
        #expect(try JSONValue(parsing: bytes[1..<6]) == [1, 2])
        #expect(try JSONValue(parsing: "[1,2]".utf8) == [1, 2])
        #expect(throws: JSONError.self) { try JSONValue(parsing: [UInt8]()) }
    }

    @Test func `A string is found whole wherever it lies between words`() throws {
        for length in 0..<40 {
            for (index, special) in ["", "\"", "\\", "é", "\n"].enumerated() {
                let text = String(repeating: "x", count: length) + special + String(repeating: "y", count: index * 3)
                let value: JSONValue = [.string(text), [text: .string(text)]]
                #expect(try JSONValue(parsing: value.serialized()) == value)
            }
        }
    }

    @Test func `The description names the offset and no content`() {
        let error = JSONError(kind: .unexpectedByte, offset: 7, message: "expected a colon")
        #expect(error.description == "invalid JSON at byte 7: expected a colon")
    }
}
