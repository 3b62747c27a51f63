import Glibc
import Synchronization
import Timekeeping

/// Turns signals of the operating system into calls: the first asks to stop, the second insists.
///
/// ```swift
/// SignalTrap.ignoreBrokenPipes()
/// try SignalTrap.catchSignals { _ in manager.stop() }
/// ```
///
/// Install it first thing in `main`. It does not block signals, so threads that exist already, and programs that are
/// started later, are not affected; the handler itself only writes the signal's number into a pipe, and a thread of
/// its own reads it and makes the calls.
public enum SignalTrap {
    /// A signal or a pipe could not be set up.
    public struct SetupError: Error, Sendable, Hashable, CustomStringConvertible {
        /// The function that failed.
        public let function: String
        /// Its errno.
        public let code: Int32

        /// The function and the code.
        public var description: String { "\(function) failed with errno \(code)" }
    }

    /// What to do for a signal.
    private struct Trap: Sendable {
        var count = 0
        let first: @Sendable (Int32) -> Void
        let again: @Sendable (Int32) -> Void
    }

    /// The group of signals that share one count.
    private struct Traps: Sendable {
        var traps: [Trap] = []
        var bySignal: [Int32: Int] = [:]
        /// Kept for ever: the process's signals have no end.
        var thread: OwnedThread?
    }

    private static let traps = Mutex(Traps())

    /// Ignores SIGPIPE, so that writing to a connection the other side has closed is an error and not the end.
    public static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// The signals that ask a program to end.
    public static let terminating: [Int32] = [SIGTERM, SIGINT]

    /// Ends the process with status 1 at once, without any handlers.
    public static func endProcess(_ signal: Int32) {
        _exit(1)
    }

    /// Calls `first` for the first of these signals and `again` for each later one, on a thread of its own.
    ///
    /// - Parameters:
    ///   - signals: Their numbers; each signal belongs to the call that named it last.
    ///   - again: By default the process ends with status 1.
    ///   - first: Asks the program to stop.
    /// - Throws: ``SetupError``.
    public static func catchSignals(
        _ signals: [Int32] = SignalTrap.terminating,
        again: @escaping @Sendable (Int32) -> Void = SignalTrap.endProcess,
        first: @escaping @Sendable (Int32) -> Void
    ) throws(SetupError) {
        try traps.withLock { traps throws(SetupError) in
            try startThread(&traps)
            traps.traps.append(Trap(first: first, again: again))
            for signal in signals { traps.bySignal[signal] = traps.traps.count - 1 }
        }
        for signal in signals {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = noteSignal
            action.sa_flags = SA_RESTART
            guard unsafe sigaction(signal, &action, nil) == 0 else {
                throw SetupError(function: "sigaction", code: errno)
            }
        }
    }

    /// Makes the pipe and the thread that reads it, once in a process.
    private static func startThread(_ traps: inout Traps) throws(SetupError) {
        guard traps.thread == nil else { return }
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SetupError(function: "pipe", code: errno) }
        // Not for child processes. And the handler must never wait; a full pipe holds more than two signals anyway.
        let isSetUp =
            ends.allSatisfy { fcntl($0, F_SETFD, FD_CLOEXEC) == 0 } && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0
        guard isSetUp else { throw SetupError(function: "fcntl", code: errno) }
        signalPipe.store(ends[1], ordering: .sequentiallyConsistent)
        let readEnd = ends[0]
        // A thread and not a task: it must run when the program's tasks are stuck.
        do throws(OwnedThread.StartError) {
            traps.thread = try OwnedThread { deliver(from: readEnd) }
        } catch {
            throw SetupError(function: "OwnedThread", code: error.code)
        }
    }

    /// The body of the thread: one call for each byte in the pipe, for ever.
    private static func deliver(from readEnd: Int32) {
        while true {
            var byte: UInt8 = 0
            let count = unsafe read(readEnd, &byte, 1)
            if count == 1 { deliver(Int32(byte)) } else if count == 0 || errno != EINTR { return }
        }
    }

    /// Makes the call for one signal.
    private static func deliver(_ signal: Int32) {
        let call: (@Sendable (Int32) -> Void)? = traps.withLock { traps in
            guard let index = traps.bySignal[signal] else { return nil }
            traps.traps[index].count += 1
            let trap = traps.traps[index]
            return trap.count == 1 ? trap.first : trap.again
        }
        call?(signal)
    }
}

/// The end of the pipe that the handler writes to; -1 before it is made.
private let signalPipe = Atomic<Int32>(-1)

/// The handler: only what is safe inside of one (signal-safety(7)).
private func noteSignal(_ signal: Int32) {
    let saved = errno
    var byte = UInt8(truncatingIfNeeded: signal)
    _ = unsafe write(signalPipe.load(ordering: .sequentiallyConsistent), &byte, 1)
    errno = saved
}
