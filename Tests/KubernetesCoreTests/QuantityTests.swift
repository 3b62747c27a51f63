import JSON
import Testing

@testable import KubernetesCore

struct QuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1000), ("-1", -1000), ("+1", 1000), ("500m", 500), ("1.5", 1500), (".5", 500), ("5.", 5000),
            ("1k", 1_000_000), ("2e3", 2_000_000), ("2E3", 2_000_000), ("1e-3", 1),
            ("1E", 1_000_000_000_000_000_000_000),
            ("1Ki", 1_024_000), ("1.5Gi", 1_610_612_736_000), ("0.5Mi", 524_288_000), ("-1Ki", -1_024_000),
            ("1Ei", 1_152_921_504_606_846_976_000), ("100000000n", 100), ("100000u", 100), ("1M", 1_000_000_000),
            ("1G", 1_000_000_000_000), ("1T", 1_000_000_000_000_000), ("1P", 1_000_000_000_000_000_000),
            ("1Ti", 1_099_511_627_776_000), ("1Pi", 1_125_899_906_842_624_000), ("00012.500", 12_500),
        ] as [(String, Int128)]
    )
    func `reads every suffix exactly`(text: String, milli: Int128) throws {
        let quantity = try #require(Quantity(text))
        #expect(quantity.nanos == milli * 1_000_000)
    }

    @Test(arguments: [
        "", " ", "1 ", " 1", "-", "+", ".", "1x", "1KI", "1ki", "1K", "1mi", "e3", "1e", "1e1.5", "1e99999999999",
        "--1",
        "1..2", "0x10", "1,5", "NaN", "inf", "١", "1Kii", "1 Gi",
    ])
    func `refuses what is no quantity`(text: String) {
        #expect(Quantity(text) == nil)
    }

    @Test(
        arguments: [
            ("0.0000000001", 1), ("-0.0000000001", -1), ("1n", 1), ("1.1n", 2), ("1e-400", 1), ("0e400", 0), ("-0", 0),
            ("0.00000000000000000000000000000000000000000000001Ki", 1), ("0.0Ki", 0),
            // 0.1 Ki = 102.4
            ("0.1Ki", 102_400_000_000),
            ("0.33333333333333333333333333333333333333333333Ki", 341_333_333_334),
        ] as [(String, Int128)]
    )
    func `is exact to the nano and rounds the rest away from zero`(text: String, nanos: Int128) throws {
        #expect(try #require(Quantity(text)).nanos == nanos)
    }

    @Test(arguments: [
        "9223372036854775807", "9223372036854775808", "99999999999999999999999999999999999999999999", "1e400",
        "1e2147483647", "8Ei", "99999999999999999999Ei", "9.3E", "1000000Pi",
    ])
    func `too much ends at the largest amount, on both sides of zero`(text: String) throws {
        #expect(try #require(Quantity(text)).value == .max)
        #expect(try #require(Quantity("-" + text)).value == -.max)
        #expect(try #require(Quantity(text)).milliValue == .max)
        #expect(try #require(Quantity("-" + text)).milliValue == .min)
    }

    @Test(arguments: [
        ("1", "1000m"), ("1Ki", "1024"), ("1.5Gi", "1536Mi"), ("0", "0Ki"), ("1e3", "1k"), ("0", "-0"),
    ])
    func `equal amounts are equal`(left: String, right: String) throws {
        let (left, right) = (try #require(Quantity(left)), try #require(Quantity(right)))
        #expect(left == right && left.hashValue == right.hashValue && !(left < right) && !(right < left))
    }

    @Test func `order goes by amount`() {
        let texts = ["1Gi", "-1", "1m", "0", "999M", "1n", "2"]
        #expect(
            texts.compactMap { Quantity($0) }.sorted().map(\.description) == [
                "-1", "0", "1n", "1m", "2", "999M", "1Gi",
            ]
        )
    }

    @Test(arguments: [
        ("1000m", "1"), ("1500m", "1500m"), ("1.5", "1500m"), ("1000", "1k"), ("1024", "1024"), ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"), ("0.5Ki", "512"), ("1.0001Ki", "1024102400u"), ("0Gi", "0"), ("1e3", "1e3"),
        ("1500e0", "1500"), ("12e4", "120e3"), ("5e-1", "500e-3"), ("-2048Mi", "-2Gi"), ("1n", "1n"),
        ("0.000001", "1u"),
    ])
    func `prints the canonical form, which reads back as the same amount`(text: String, canonical: String) throws {
        let quantity = try #require(Quantity(text))
        #expect(quantity.description == canonical)
        #expect(Quantity(canonical) == quantity)
    }

    @Test func `adds and subtracts in the first format`() throws {
        let (one, half) = (try #require(Quantity("1Gi")), try #require(Quantity("512Mi")))
        #expect((one - half).description == "512Mi")
        #expect((one + half).description == "1536Mi")
        #expect((Quantity.zero + one).description == "1Gi")
        #expect((half - one).description == "-512Mi")
        var sum = try #require(Quantity("8Ei"))
        sum += sum
        #expect(sum.value == .max)
        #expect((Quantity(milli: 250) + Quantity(1)).description == "1250m")
    }

    @Test(arguments: [
        ("1m", 1, 1), ("-1m", -1, -1), ("1500m", 2, 1500), ("-1500m", -2, -1500), ("1u", 1, 1), ("0", 0, 0),
    ])
    func `whole units and thousandths are rounded away from zero`(text: String, units: Int64, milli: Int64) throws {
        let quantity = try #require(Quantity(text))
        #expect(quantity.value == units && quantity.milliValue == milli)
        #expect(quantity.isZero == (units == 0))
    }

    @Test func `is a string on the wire and may be a number`() throws {
        #expect(try JSONValue.string("1.5Gi").decode(Quantity.self) == Quantity("1536Mi"))
        #expect(try JSONValue.number(2).decode(Quantity.self) == Quantity(2))
        #expect(try (0.5 as JSONValue).decode(Quantity.self) == Quantity(milli: 500))
        #expect(try JSONValue(encoding: #require(Quantity("1500m"))) == "1500m")
        for wrong: JSONValue in ["lots", true, .null, [:]] {
            #expect(throws: DecodingError.self) { try wrong.decode(Quantity.self) }
        }
        #expect(Quantity(milli: 1500).doubleValue == 1.5)
    }

    @Test func `random texts of the grammar are exact`() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let milli = Int64.random(in: -1_000_000_000...1_000_000_000, using: &random)
            let (whole, rest) = (abs(milli) / 1000, abs(milli) % 1000)
            let padded = String(repeating: "0", count: 3 - String(rest).count) + String(rest)
            let text = (milli < 0 ? "-" : "") + "\(whole).\(padded)"
            #expect(Quantity(text)?.milliValue == milli, "\(text)")
            #expect(Quantity("\(milli)m") == Quantity(text))
            #expect(Quantity(try #require(Quantity(text)).description) == Quantity(text))
        }
    }
}
