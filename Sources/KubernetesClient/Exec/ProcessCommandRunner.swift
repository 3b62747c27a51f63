import Timekeeping

/// Runs each program with `posix_spawn` and waits for it on a thread of its own.
///
/// Neither `Foundation.Process` (it misses the end of a child whose own child holds a pipe open) nor the cooperative
/// thread pool (it is as wide as the cores) is involved. The child gets `/dev/null` as standard input, no descriptor
/// but the three standard ones, default signals and a process group of its own, so that a timeout ends all of it.
struct ProcessCommandRunner: CommandRunner {
    /// More standard output than any credential needs.
    static let maxOutputBytes = 1 << 20
    /// As much of standard error as is kept for the error text.
    static let maxErrorBytes = 4_096

    func start(_ command: Command, completion: @escaping @Sendable (Result<CommandOutput, CommandError>) -> Void) {
        do throws(OwnedThread.StartError) {
            let thread = try OwnedThread {
                do throws(CommandError) {
                    var child = try ChildProcess(command)
                    completion(.success(try child.waitForEnd()))
                } catch {
                    completion(.failure(error))
                }
            }
            // It lives as long as the program, which has a timeout.
            thread.detach()
        } catch {
            completion(.failure(.notStarted(program: command.program, function: "a thread", errno: error.code)))
        }
    }
}
