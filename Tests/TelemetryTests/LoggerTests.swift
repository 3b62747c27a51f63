import FoundationEssentials
import JSON
import Synchronization
import Telemetry
import Testing
import Timekeeping

/// A clock that always says 2026-01-02T15:04:05.5Z.
private struct FixedTime: TimeSource {
    func now() -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
    func wallTime() -> Date { Date(timeIntervalSince1970: 1_767_366_245.5) }
    func sleep(until deadline: MonotonicInstant) async throws {}
}

/// A sink that keeps what it gets, one entry for each write.
private final class Lines: Sendable {
    private let kept = Mutex<[String]>([])

    var all: [String] { kept.withLock { $0 } }

    func add(_ line: [UInt8]) {
        kept.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
    }
}

@Suite("Logger")
struct LoggerTests {
    private let lines = Lines()

    private func logger(_ level: LogLevel = .debug, _ format: LogFormat = .text) -> Logger {
        Logger(level: level, format: format, timeSource: FixedTime(), sink: lines.add)
    }

    @Test func `a text line holds time, level, message and fields in order`() {
        logger().info("attempt started", ["strategy": "Generic", "attempt": "1"])
        #expect(lines.all == ["2026-01-02T15:04:05.500Z INFO attempt started strategy=Generic attempt=1\n"])
    }

    @Test func `a JSON line is one object with the same content`() {
        logger(.debug, .json).error("it \"broke\"\n", ["path": "C:\\x", "bell": "\u{7}"])
        #expect(
            lines.all == [
                #"{"ts":"2026-01-02T15:04:05.500Z","level":"error","msg":"it \"broke\"\n","path":"C:\\x","bell":"\u0007"}"#
                    + "\n"
            ]
        )
    }

    @Test(arguments: [
        ("two words", #""two words""#), ("", #""""#), ("a=b", #""a=b""#), ("say \"x\"", #""say \"x\"""#),
        ("line\nbreak", #""line\nbreak""#), ("default/web", "default/web"), ("größe", "größe"),
    ])
    func `a text value is quoted when its end would not be clear`(value: String, expected: String) {
        logger().info("m", ["k": value])
        #expect(lines.all == ["2026-01-02T15:04:05.500Z INFO m k=\(expected)\n"])
    }

    @Test func `a message cannot forge a second line`() {
        logger().info("first\r\n2026 INFO second")
        #expect(lines.all.first?.filter(\.isNewline).count == 1)
        #expect(lines.all.first?.hasSuffix(#""first\r\n2026 INFO second""# + "\n") == true)
    }

    @Test(arguments: LogLevel.allCases)
    func `lines below the level are neither written nor built`(level: LogLevel) {
        let log = logger(level)
        let built = Mutex(0)
        func build() -> String {
            built.withLock { $0 += 1 }
            return "m"
        }
        log.debug(build())
        log.info(build())
        log.warning(build())
        log.error(build())
        let expected = LogLevel.allCases.filter { $0 >= level }.count
        #expect(lines.all.count == expected)
        #expect(built.withLock { $0 } == expected)
        #expect(LogLevel.allCases.filter(log.isEnabled).count == expected)
    }

    @Test func `fields handed down are on every line, and the nearest value wins`() {
        let log = logger().with(["recovery": "default/web", "attempt": "1"]).with(["attempt": "2"])
        log.info("m", ["gate": "open", "recovery": "default/db"])
        log.info("n")
        #expect(
            lines.all.map { String($0.dropFirst(25)) } == [
                "INFO m recovery=default/db attempt=2 gate=open\n", "INFO n recovery=default/web attempt=2\n",
            ]
        )
    }

    @Test func `a field cannot replace the line's own names in JSON`() {
        logger(.debug, .json).info("m", ["msg": "x", "level": "y"])
        #expect(lines.all.first?.contains(#""msg":"m","field.msg":"x","field.level":"y"}"#) == true)
    }

    @Test(arguments: ["", "\u{0}\u{1B}[2J\u{9B}1m\u{7F}", "\\\"/\t\r\n", "größe \u{1F600}", "\u{2028}"])
    func `any text survives JSON, and no control character reaches a terminal`(text: String) throws {
        logger(.debug, .json).info(text, [text: text])
        logger().info(text, ["k": text])
        let line = try JSONValue(parsing: Array(lines.all[0].utf8))
        #expect(line["msg"] == .string(text))
        #expect(line[text] == .string(text))
        let controls = lines.all.joined().unicodeScalars.filter { $0.properties.generalCategory == .control }
        #expect(controls.allSatisfy { $0 == "\n" } && controls.count == 2)
    }

    @Test func `the disabled logger writes and builds nothing`() {
        let built = Mutex(0)
        Logger.disabled.with(["a": "b"]).error("\(built.withLock { $0 += 1 })")
        #expect(built.withLock { $0 } == 0)
        #expect(!Logger.disabled.isEnabled(.error))
    }
}
