import CPosix
import Glibc

/// The one call of `posix_spawnp`.
enum Spawn {
    /// Starts `command` with its output going to two descriptors.
    ///
    /// - Returns: 0 and the process, or the error code of what failed.
    static func run(_ command: Command, output: Int32, errors: Int32) -> (code: Int32, process: pid_t) {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        let prepared = unsafe [
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
            posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO),
            posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO),
            // Descriptors that others in this process opened without CLOEXEC must not leak into the plug-in.
            cposix_spawn_close_from(&actions, STDERR_FILENO + 1),
            resetSignals(&attributes),
        ]
        if let code = prepared.first(where: { $0 != 0 }) { return (code, -1) }
        var process: pid_t = -1
        let environment = command.environment.map { "\($0.key)=\($0.value)" }
        let code = unsafe withCStrings([command.program] + command.arguments) { arguments in
            unsafe withCStrings(environment) { environment in
                unsafe posix_spawnp(&process, command.program, &actions, &attributes, arguments, environment)
            }
        }
        return (code, process)
    }

    /// Gives the child a group of its own, an empty signal mask and the default action for every signal: this process
    /// ignores some.
    private static func resetSignals(_ attributes: inout posix_spawnattr_t) -> Int32 {
        var all = sigset_t()
        var none = sigset_t()
        unsafe sigfillset(&all)
        unsafe sigemptyset(&none)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        let codes = unsafe [
            posix_spawnattr_setsigdefault(&attributes, &all),
            posix_spawnattr_setsigmask(&attributes, &none),
            posix_spawnattr_setpgroup(&attributes, 0),
            posix_spawnattr_setflags(&attributes, Int16(flags)),
        ]
        return codes.first { $0 != 0 } ?? 0
    }

    /// Lends `strings` as the null-terminated array of C strings that exec calls take.
    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = unsafe strings.map { unsafe strdup($0) }
        defer {
            for index in unsafe copies.indices { unsafe free(copies[index]) }
        }
        return unsafe body(copies + [nil])
    }
}
