import JSON
import Testing

@testable import SandboxServer

@Suite("RegularExpression")
struct RegularExpressionTests {
    /// What Go's `regexp` package says to patterns and texts: written by hand, and made at random.
    private static let golden: (texts: [String], cases: [Case]) = {
        do {
            let document = try SchemaFixtures.json("regular-expressions.json")
            let cases = (document["patterns"]?.arrayValue ?? []).map { entry in
                Case(
                    pattern: entry["pattern"]?.stringValue ?? "",
                    error: entry["error"]?.stringValue,
                    matches: (entry["matches"]?.arrayValue ?? []).compactMap { $0.intValue.map(Int.init) }
                )
            }
            return ((document["texts"]?.arrayValue ?? []).compactMap(\.stringValue), cases)
        } catch {
            Issue.record(error)
            return ([], [])
        }
    }()

    struct Case: Sendable {
        var pattern: String
        var error: String?
        var matches: [Int]
    }

    @Test("finds what Go finds, and refuses what Go refuses")
    func golden() {
        let (texts, cases) = Self.golden
        #expect(cases.count > 300 && texts.count > 20)
        for entry in cases {
            do throws(PatternError) {
                let expression = try RegularExpression(entry.pattern)
                #expect(entry.error == nil, "\(entry.pattern) is accepted")
                let matches = texts.indices.filter { expression.matches(texts[$0]) }
                #expect(matches == entry.matches, "\(entry.pattern)")
            } catch {
                #expect(entry.error == error.description, "\(entry.pattern)")
            }
        }
    }

    @Test("hostile patterns take no more time than others", .timeLimit(.minutes(1)))
    func hostile() throws {
        let text = String(repeating: "a", count: 5000) + "!"
        for pattern in ["(a+)+$", "(a|aa)+$", "(.*)*x", "(a*)*b", "^(a?){50}a{50}b", "(((a*)*)*)*x"] {
            #expect(try !RegularExpression(pattern).matches(text), "\(pattern)")
        }
    }

    @Test(
        "patterns beyond the limits are refused",
        arguments: [
            "((a{1000}){1000}){1000}", String(repeating: "(", count: 100_000) + "a",
            String(repeating: "(", count: 300) + "a" + String(repeating: ")", count: 300),
            String(repeating: "a", count: 100_000),
        ]
    )
    func limits(pattern: String) {
        #expect(throws: PatternError.self) { try RegularExpression(pattern) }
    }

    @Test("groups have names in both notations")
    func names() throws {
        #expect(try RegularExpression("(?<n>a)(?P<m>b)").matches("ab"))
        #expect(throws: PatternError.self) { try RegularExpression("\\x{110000}") }
    }

    @Test("any text is a pattern or an error")
    func anyText() {
        var state: UInt64 = 1
        let alphabet = Array("ab(|)*+?{}[]^$\\.-:,01pPdxQE<>=!i".unicodeScalars)
        for _ in 0..<20_000 {
            var pattern = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                pattern.unicodeScalars.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            if case .success(let expression) = Result(catching: { try RegularExpression(pattern) }) {
                _ = expression.matches("ab01-pd")
            }
        }
    }
}
