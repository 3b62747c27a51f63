internal import Synchronization
package import Telemetry
package import Timekeeping

/// The bearer token that senders of alerts have to show, in a file that somebody, such as the kubelet, may replace.
///
/// It is read again at most once a minute, and only when somebody asks; while it cannot be read the last one stays.
package final class ReceiverToken: Sendable {
    private struct State: Sendable {
        var token: String
        var readAt: MonotonicInstant
    }

    private static let lifetime = Duration.seconds(60)

    private let read: @Sendable () throws -> [UInt8]
    private let timeSource: any TimeSource
    private let logger: Logger
    private let state: Mutex<State>

    /// The file holds no token.
    package struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is wrong.
        package var description: String { "the file has to hold one token, without blanks" }
    }

    /// Reads the token for the first time.
    ///
    /// - Parameters:
    ///   - timeSource: when to read again.
    ///   - logger: hears of a file that cannot be read any more.
    ///   - read: the file's content.
    /// - Throws: ``Malformed``, or what `read` throws.
    package init(
        timeSource: any TimeSource,
        logger: Logger,
        read: @escaping @Sendable () throws -> [UInt8]
    ) throws {
        self.read = read
        self.timeSource = timeSource
        self.logger = logger
        state = Mutex(State(token: try Self.token(in: try read()), readAt: timeSource.now()))
    }

    /// The token.
    package var current: String {
        let now = timeSource.now()
        return state.withLock { state in
            guard state.readAt.duration(to: now) >= Self.lifetime else { return state.token }
            state.readAt = now
            do {
                state.token = try Self.token(in: try read())
            } catch {
                logger.warning(
                    "the token of the alert receiver cannot be read; the last one stays",
                    ["error": "\(error)"]
                )
            }
            return state.token
        }
    }

    private static func token(in bytes: [UInt8]) throws(Malformed) -> String {
        let blanks = Set(" \t\r\n".utf8)
        let trimmed = bytes.drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed()
        guard !trimmed.isEmpty, trimmed.allSatisfy({ (0x21...0x7e).contains($0) }) else { throw Malformed() }
        return String(decoding: Array(trimmed), as: UTF8.self)
    }
}
