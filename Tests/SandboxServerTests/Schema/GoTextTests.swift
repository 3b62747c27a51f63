import JSON
import Testing

@testable import SandboxServer

@Suite("Values as Go prints them")
struct GoTextTests {
    @Test(
        "numbers",
        arguments: [
            (0.0, "0"), (1.5, "1.5"), (-2.25, "-2.25"), (0.0001, "0.0001"), (0.00001, "1e-05"), (100_000, "100000"),
            (1_000_000, "1e+06"), (123_456_789, "1.23456789e+08"), (1e100, "1e+100"),
            (.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"), (0.1, "0.1"), (-0.0, "-0"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)]
    )
    func numbers(value: Double, text: String) {
        #expect(value.goText == text)
    }

    @Test(
        "strings",
        arguments: [
            ("a", #""a""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\t\r\u{07}\u{08}\u{0B}\u{0C}", #""\n\t\r\a\b\v\f""#),
            ("\u{01}\u{7F}", #""\x01\x7f""#), ("ü→", #""ü→""#), ("\u{A0}\u{200B}", #""\u00a0\u200b""#),
            ("\u{1F600}\u{E0001}", "\"\u{1F600}\\U000e0001\""),
        ]
    )
    func strings(value: String, text: String) {
        #expect(value.goQuoted == text)
    }

    @Test("values")
    func values() {
        #expect(JSONValue.string("a").goText == "\"a\"")
        #expect(JSONValue.null.goText == "null")
        #expect(JSONValue.bool(true).goText == "true")
        #expect((["b": [1, 1.5], "a": "<&>"] as JSONValue).goText == #"{"a":"\u003c\u0026\u003e","b":[1,1.5]}"#)
    }
}
