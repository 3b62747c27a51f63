import JSON
import Testing

struct JSONNumberTests {
    private func number(_ text: String) throws -> JSONNumber {
        guard case .number(let number) = try JSONValue(parsing: text) else { throw NoNumber() }
        return number
    }

    private struct NoNumber: Error {}

    @Test(
        "Numbers are equal when their values are",
        arguments: [
            ("1", "1.0", true), ("1", "1e0", true), ("100", "1E2", true), ("0", "-0", true), ("0.5", "5e-1", true),
            ("1", "2", false), ("0.1", "0.2", false), ("1.5", "1", false),
            // Beyond 64 bits, and where doubles lose digits, only the text counts.
            ("18446744073709551615", "18446744073709551614", false),
            ("18446744073709551615", "18446744073709551615", true),
            ("9007199254740993", "9007199254740992", false), ("1e400", "1e500", false), ("1e400", "1e400", true),
        ]
    )
    func equality(left: String, right: String, isEqual: Bool) throws {
        let (left, right) = (try number(left), try number(right))
        #expect((left == right) == isEqual)
        if isEqual { #expect(left.hashValue == right.hashValue) }
    }

    @Test(
        "A number that is whole and fits has an integer value",
        arguments: [
            ("0", 0), ("-0", 0), ("7.0", 7), ("1e3", 1000), ("-2.50e1", -25),
            ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("1.5", nil), ("1e400", nil), ("1e19", nil),
            // The nearest double of this one is another whole number.
            ("9007199254740993.0", nil),
        ] as [(String, Int64?)]
    )
    func integers(text: String, value: Int64?) throws {
        #expect(try number(text).int64 == value)
        #expect(try JSONValue(parsing: text).intValue == value)
    }

    @Test(
        "A double becomes the shortest text that reads back the same",
        arguments: [
            (0, "0"), (-3, "-3"), (0.1, "0.1"), (1e21, "1e+21"), (1.5e-9, "1.5e-09"),
            (9_007_199_254_740_992, "9007199254740992.0"),
            (.infinity, nil), (-.infinity, nil), (.nan, nil),
        ] as [(Double, String?)]
    )
    func doubles(value: Double, text: String?) throws {
        let result = JSONNumber(value)
        #expect(result?.literal == text)
        guard let result else { return }
        #expect(try number(result.literal).double == value)
    }
}
