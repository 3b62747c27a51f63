import Glibc
import Synchronization

/// The process's standard error as a place for whole lines.
public enum StandardError {
    /// One writer at a time: a line longer than a pipe's atomic size would otherwise mix with another's.
    private static let turn = Mutex<Void>(())

    /// Writes `line`; what the other end refuses is dropped, since nobody is left to tell.
    public static func write(_ line: [UInt8]) {
        turn.withLock { _ in
            var rest = line[...]
            while !rest.isEmpty {
                let written = unsafe rest.withUnsafeBytes {
                    unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
                }
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if !(written < 0 && errno == EINTR) {
                    return
                }
            }
        }
    }
}
