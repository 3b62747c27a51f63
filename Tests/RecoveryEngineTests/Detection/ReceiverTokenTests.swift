import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import RecoveryEngine

/// The token of the alert receiver, in a file that may be replaced.
@Suite("ReceiverToken")
struct ReceiverTokenTests {
    private struct Unreadable: Error {}

    @Test("a file without exactly one token is refused", arguments: ["", " \n", "two words", "umläut", "a\nb"])
    func malformed(text: String) {
        #expect(throws: ReceiverToken.Malformed.self) {
            try ReceiverToken(timeSource: ManualTimeSource(), logger: .disabled) { Array(text.utf8) }
        }
        #expect(throws: Unreadable.self) {
            try ReceiverToken(timeSource: ManualTimeSource(), logger: .disabled) { throw Unreadable() }
        }
    }

    @Test("a replaced file is noticed after a minute; while it cannot be read the last token stays")
    func replaces() throws {
        let time = ManualTimeSource()
        let file = FileBox()
        let token = try ReceiverToken(timeSource: time, logger: .disabled) { try file.read() }
        #expect(token.current == "one")
        file.content.withLock { $0 = "two" }
        time.advance(by: .seconds(59))
        #expect(token.current == "one")
        time.advance(by: .seconds(1))
        #expect(token.current == "two")
        file.content.withLock { $0 = nil }
        time.advance(by: .seconds(60))
        #expect(token.current == "two")
    }

    private final class FileBox: Sendable {
        let content = Mutex<String?>("one\n")

        func read() throws -> [UInt8] {
            guard let text = content.withLock({ $0 }) else { throw Unreadable() }
            return Array(text.utf8)
        }
    }
}
