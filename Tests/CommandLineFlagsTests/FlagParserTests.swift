import Testing

@testable import CommandLineFlags

struct FlagParserTests {
    private enum Level: String, CaseIterable {
        case low, high
    }

    private static let flags: [FlagParser.Flag] = [
        .init("file", "FILE", "A file."), .init("count", "N", "How many."), .init("level", "LEVEL", "How much."),
        .init("dry", nil, "A switch."),
    ]

    private func parsed(_ arguments: String...) throws -> FlagParser {
        try FlagParser(arguments, flags: Self.flags)
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `without arguments nothing is set`() throws {
        let flags = try parsed()
        #expect(flags.text("file") == nil && flags.texts("file").isEmpty)
        #expect(try !flags.isOn("dry"))
        #expect(try flags.number("count", in: 0...9) == nil)
        #expect(try flags.choice("level", default: Level.high) == .high)
    }

    @Test(arguments: [["--file", "a=b"], ["--file=a=b"], ["-file", "a=b"], ["--file", "x", "--file=a=b"]])
    func `a value follows its flag or an equals sign, and the last one counts`(arguments: [String]) throws {
        #expect(try FlagParser(arguments, flags: Self.flags).text("file") == "a=b")
    }

    @Test func `repeated values are all there, in order`() throws {
        #expect(try parsed("--file=a", "--dry", "--file", "--b").texts("file") == ["a", "--b"])
    }

    @Test func `an empty value is none`() throws {
        #expect(try parsed("--file=").text("file") == nil)
        #expect(try parsed("--file", "").text("file") == nil)
    }

    @Test(arguments: [
        ("--dry", true), ("--dry=true", true), ("--dry=1", true), ("--dry=false", false), ("--dry=0", false),
    ])
    func `a switch stands alone or says yes or no`(argument: String, isOn: Bool) throws {
        #expect(try parsed(argument).isOn("dry") == isOn)
    }

    @Test(arguments: [
        (["file"], "unexpected argument 'file'; flags start with --"),
        (["-"], "unexpected argument '-'; flags start with --"),
        (["--"], "unknown flag '--'"), (["--fil", "x"], "unknown flag '--fil'"),
        (["--=x"], "unknown flag '--'"), (["--file"], "--file needs a value: --file=FILE"),
    ])
    func `what is no flag is named`(arguments: [String], message: String) {
        #expect(refusal { _ = try FlagParser(arguments, flags: Self.flags) } == message)
    }

    @Test(arguments: ["", "x", "1.5", "-1", "10", "99999999999999999999"])
    func `a number that is none, or out of its range, is refused with the range`(text: String) throws {
        let flags = try parsed("--count=\(text)")
        let message = refusal { _ = try flags.number("count", in: 0...9) }
        #expect(message == "--count is a whole number from 0 to 9, not '\(text)'")
    }

    @Test func `the bounds of a range belong to it`() throws {
        #expect(try parsed("--count", "0").number("count", in: 0...9) == 0)
        #expect(try parsed("--count=9").number("count", in: 0...9) == 9)
    }

    @Test func `words are those of the choice`() throws {
        #expect(try parsed("--level=low").choice("level", default: Level.high) == .low)
        let flags = try parsed("--level", "Low")
        #expect(
            refusal { _ = try flags.choice("level", default: Level.high) } == "--level is one of low, high, not 'Low'"
        )
        let odd = try parsed("--dry=maybe")
        #expect(refusal { _ = try odd.isOn("dry") } == "--dry is true or false, not 'maybe'")
    }

    @Test func `the help names every flag with its value`() {
        let help = FlagParser.help(Array(Self.flags.suffix(2)))
        #expect(help == "  --level LEVEL\n        How much.\n  --dry\n        A switch.")
    }
}
