import FoundationEssentials
import JSON
import Testing

struct RFC3339Tests {
    @Test(
        "A text names a moment",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2026-01-01t00:00:00z", 1_767_225_600),
            ("2026-01-01T02:00:00+02:00", 1_767_225_600), ("2025-12-31T14:30:00-09:30", 1_767_225_600),
            ("1969-12-31T23:59:59Z", -1), ("2000-02-29T12:00:00Z", 951_825_600),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("0000-01-01T00:00:00Z", -62_167_219_200), ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("1970-01-01T00:00:00.5Z", 0.5), ("1970-01-01T00:00:01.250000Z", 1.25),
            ("1970-01-01T00:00:00.000001Z", 0.000001),
            ("1970-01-01T00:00:00.123456789Z", 0.123456), ("1969-12-31T23:59:59.500Z", -0.5),
        ]
    )
    func parsing(text: String, seconds: Double) {
        let found = RFC3339.date(from: text)?.timeIntervalSince1970 ?? .nan
        // A double counts microseconds of our time to a quarter of one.
        #expect((found - seconds).magnitude < 0.25e-6)
    }

    @Test(
        "Anything else is refused",
        arguments: [
            "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-1-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60", "2026-01-01T00:00:00+0000",
            "2026-01-01T00:00:00+00",
            "2026-01-01T00:00:00Zx", " 2026-01-01T00:00:00Z", "+026-01-01T00:00:00Z", "2026-01-01T00:00:00.5",
            "２026-01-01T00:00:00Z",
        ]
    )
    func refused(text: String) {
        #expect(RFC3339.date(from: text) == nil)
    }

    @Test(
        "A moment has a text for each number of digits",
        arguments: [
            (0, 0, "1970-01-01T00:00:00Z"), (1_767_225_600.999999, 0, "2026-01-01T00:00:00Z"),
            (1_767_225_600.5, 6, "2026-01-01T00:00:00.500000Z"),
            (1_767_225_600.123456, 6, "2026-01-01T00:00:00.123456Z"),
            (1_767_225_600.123456, 3, "2026-01-01T00:00:00.123Z"),
            (-0.25, 6, "1969-12-31T23:59:59.750000Z"), (-1, 0, "1969-12-31T23:59:59Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59Z"), (-62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            (253_402_300_800, 0, nil), (-62_167_219_201, 0, nil), (1e30, 0, nil), (.infinity, 0, nil), (.nan, 0, nil),
        ] as [(Double, Int, String?)]
    )
    func formatting(seconds: Double, digits: Int, text: String?) {
        #expect(RFC3339.string(from: Date(timeIntervalSince1970: seconds), fractionDigits: digits) == text)
    }

    @Test func `Every day from 1890 to 2110 reads back and follows the one before`() {
        var day = -80 * 365 * 86_400.0
        var previous = ""
        while day <= 140 * 365.25 * 86_400.0 {
            let date = Date(timeIntervalSince1970: day)
            let text = RFC3339.string(from: date) ?? ""
            #expect(RFC3339.date(from: text) == date && text > previous)
            previous = text
            day += 86_400
        }
    }

    @Test func `Microseconds survive from 1930 to 2069`() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<5_000 {
            let seconds = Double.random(in: -1_200_000_000...3_100_000_000, using: &random).rounded()
            let start = RFC3339.string(from: Date(timeIntervalSince1970: seconds)) ?? ""
            let micros = String(Int.random(in: 1_000_000...1_999_999, using: &random)).dropFirst()
            let text: String = start.dropLast() + ".\(micros)Z"
            #expect(RFC3339.date(from: text).flatMap { RFC3339.string(from: $0, fractionDigits: 6) } == text)
        }
    }
}
