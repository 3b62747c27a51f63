import Foundation
import Glibc
internal import Timekeeping

/// Why a command of a test failed.
public struct ShellError: Error, CustomStringConvertible {
    /// What was run.
    public let command: String
    /// How it ended.
    public let status: Int32
    /// All that it printed.
    public let output: String

    /// Describes the end of a command.
    public init(command: String, status: Int32, output: String) {
        self.command = command
        self.status = status
        self.output = output
    }

    /// The command, its end and its output.
    public var description: String { "\(command)\nended with \(status):\n\(output)" }
}

/// Runs commands as a person would type them.
public enum Shell {
    /// Runs `command` with bash, off the cooperative pool; returns what it printed.
    ///
    /// - Throws: `ShellError` when it does not end with 0.
    @discardableResult
    public static func run(_ command: String) async throws -> String {
        let (status, output) = await result(of: command)
        guard status == 0 else { throw ShellError(command: command, status: status, output: output) }
        return output
    }

    /// The exit status and all output of a command.
    public static func result(of command: String) async -> (status: Int32, output: String) {
        let done = Promise<(Int32, String)>()
        // A thread of its own: reading a pipe blocks.
        let thread = Thread {
            done.fulfil(.success(runBlocking(command)))
        }
        thread.start()
        do {
            return try await done.value()
        } catch {
            return (-1, "cancelled")
        }
    }

    private static func runBlocking(_ command: String) -> (Int32, String) {
        let quoted = command.replacingOccurrences(of: "'", with: "'\\''")
        guard let pipe = unsafe popen("bash -c 'set -o pipefail; \(quoted)' 2>&1", "r") else {
            return (-1, "popen failed")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, pipe)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        let status = unsafe pclose(pipe)
        return (status >= 256 ? status >> 8 : status, String(decoding: bytes, as: UTF8.self))
    }
}
