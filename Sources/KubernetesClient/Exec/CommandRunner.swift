import Glibc

/// A program to run to its end.
struct Command: Sendable {
    /// A path, or a name to look up in `PATH`.
    var program: String
    var arguments: [String]
    var environment: [String: String]
    /// After this long the program and its process group are killed.
    var timeout: Duration
}

/// What a program left behind.
struct CommandOutput: Sendable {
    /// The exit code; 128 plus the number for one that a signal ended, as shells count.
    var exitCode: Int32
    var standardOutput: [UInt8]
    /// The first part of it; the rest is read and dropped.
    var standardError: [UInt8]
}

/// Why a program did not run to its end.
enum CommandError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It could not be started.
    case notStarted(program: String, function: String, errno: Int32)
    /// It was killed at its timeout.
    case timedOut(program: String, after: Duration, standardError: String)
    /// It wrote more than is accepted.
    case outputTooLarge(program: String, limit: Int)

    /// Whether there is no such program.
    var isMissingProgram: Bool {
        if case .notStarted(_, "posix_spawn", ENOENT) = self { true } else { false }
    }

    var description: String {
        switch self {
        case .notStarted(let program, let function, let errno):
            "cannot start \(program): \(function): \(SystemCall.text(errno))"
        case .timedOut(let program, let after, let standardError):
            "\(program) did not end within \(after)" + (standardError.isEmpty ? "" : ": \(standardError)")
        case .outputTooLarge(let program, let limit):
            "\(program) wrote more than \(limit) bytes"
        }
    }
}

/// Runs programs away from the caller's thread.
protocol CommandRunner: Sendable {
    /// Starts `command`; `completion` is called exactly once, on any thread, when it has ended.
    func start(_ command: Command, completion: @escaping @Sendable (Result<CommandOutput, CommandError>) -> Void)
}
