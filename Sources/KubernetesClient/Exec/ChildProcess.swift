import CPosix
import Glibc
import Timekeeping

/// One running child; used by one thread, which it may block.
struct ChildProcess {
    private let command: Command
    private let time = SystemTimeSource()
    private let deadline: MonotonicInstant
    private let process: pid_t
    private var output: PipeReader
    private var errors: PipeReader

    /// Starts the program.
    init(_ command: Command) throws(CommandError) {
        func fail(_ function: String, _ code: Int32) -> CommandError {
            .notStarted(program: command.program, function: function, errno: code)
        }
        self.command = command
        deadline = time.now().advanced(by: command.timeout)
        guard let outputPipe = PipePair(), let errorPipe = PipePair() else { throw fail("pipe2", errno) }
        let (code, process) = Spawn.run(command, output: outputPipe.writeEnd, errors: errorPipe.writeEnd)
        // The child has its own copies; as long as ours are open, the pipes never end.
        outputPipe.closeWriteEnd()
        errorPipe.closeWriteEnd()
        guard code == 0 else { throw fail("posix_spawn", code) }
        self.process = process
        output = PipeReader(outputPipe, limit: ProcessCommandRunner.maxOutputBytes)
        errors = PipeReader(errorPipe, limit: ProcessCommandRunner.maxErrorBytes)
    }

    /// Reads what it writes until it has exited; a grandchild that keeps the pipes open is not waited for.
    mutating func waitForEnd() throws(CommandError) -> CommandOutput {
        while true {
            let exitCode = reap(WNOHANG)
            collect(milliseconds: exitCode == nil ? 20 : 0)
            if let exitCode {
                return CommandOutput(
                    exitCode: exitCode,
                    standardOutput: output.bytes,
                    standardError: errors.bytes
                )
            }
            if output.isOverLimit {
                kill()
                throw .outputTooLarge(program: command.program, limit: ProcessCommandRunner.maxOutputBytes)
            }
            if time.now() >= deadline {
                kill()
                let text = String(decoding: errors.bytes, as: UTF8.self)
                throw .timedOut(program: command.program, after: command.timeout, standardError: text)
            }
        }
    }

    /// Takes what the pipes hold; waits up to `milliseconds` for the first byte.
    private mutating func collect(milliseconds: Int32) {
        var wait = milliseconds
        while true {
            var entries = [output.pollEntry, errors.pollEntry]
            let ready = unsafe poll(&entries, nfds_t(entries.count), wait)
            guard ready > 0 else { return }
            if entries[0].revents != 0 { output.read() }
            if entries[1].revents != 0 { errors.read() }
            if output.isOverLimit { return }
            wait = 0
        }
    }

    /// Ends the whole process group and reaps the child.
    private func kill() {
        Glibc.kill(-process, SIGKILL)
        _ = reap(0)
    }

    /// The exit code once the child has ended; nil while it runs and `flags` says not to wait.
    private func reap(_ flags: Int32) -> Int32? {
        var status: Int32 = 0
        while true {
            let result = unsafe waitpid(process, &status, flags)
            if result == 0 { return nil }
            if result < 0 {
                if errno == EINTR { continue }
                // Somebody else reaped it: the exit code is lost, which is as good as a failure.
                return 255
            }
            // The wait macros are not imported: the low 7 bits hold the signal, the next byte the code.
            let signal = status & 0x7f
            return signal == 0 ? (status >> 8) & 0xff : 128 + signal
        }
    }
}

/// Both ends of a pipe that no child inherits by accident; closes what is left open.
private final class PipePair {
    let readEnd: Int32
    private(set) var writeEnd: Int32

    init?() {
        var ends: [Int32] = [-1, -1]
        guard unsafe cposix_pipe(&ends) == 0 else { return nil }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    deinit {
        closeWriteEnd()
        close(readEnd)
    }
}

/// Collects the bytes of one pipe up to a limit.
private struct PipeReader {
    private(set) var bytes: [UInt8] = []
    private(set) var isOverLimit = false
    private var isOpen = true
    private let pipe: PipePair
    private let limit: Int

    init(_ pipe: PipePair, limit: Int) {
        self.pipe = pipe
        self.limit = limit
    }

    /// What `poll` should watch; a negative descriptor, which it skips, after the end.
    var pollEntry: pollfd { pollfd(fd: isOpen ? pipe.readEnd : -1, events: Int16(POLLIN), revents: 0) }

    /// Reads once; `poll` has said that this does not block.
    mutating func read() {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let descriptor = pipe.readEnd
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { return }
        guard count > 0 else {
            isOpen = false
            return
        }
        let room = limit - bytes.count
        bytes += chunk.prefix(min(count, room))
        if count > room { isOverLimit = true }
    }
}
