import Foundation
import Glibc
import TestSupport

/// Somebody else's program that serves while a test runs.
struct BackgroundProcess: Sendable {
    let pid: Int32
    let log: String

    /// Starts a command and waits until it answers at a URL.
    ///
    /// - Throws: `ShellError` with the end of its log when it does not within half a minute.
    static func start(_ command: String, log: String, readyAt url: String) async throws -> BackgroundProcess {
        let output = try await Shell.run("setsid \(command) >\(log) 2>&1 </dev/null & echo $!")
        guard let pid = Int32(output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw ShellError(command: command, status: 0, output: output)
        }
        let process = BackgroundProcess(pid: pid, log: log)
        do {
            try await Shell.run(
                """
                for i in $(seq 300); do
                    curl -sf --max-time 2 \(url) >/dev/null && exit 0
                    [[ -d /proc/\(pid) ]] || break
                    sleep 0.1
                done
                tail -n 30 \(log); exit 1
                """
            )
        } catch {
            process.stop()
            throw error
        }
        return process
    }

    /// Ends it.
    func stop() {
        kill(pid, SIGKILL)
    }
}
