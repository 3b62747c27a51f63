import Glibc
import Synchronization

/// A gate that blocked threads wait at; the counterpart of `Latch` for the threads of a test server.
///
/// The gate is a pipe: opening it closes one end, which every poll on the other end sees.
public final class Gate: Sendable {
    private let readEnd: Int32
    private let writeEnd: Mutex<Int32?>

    /// Makes a closed gate.
    public init() {
        var ends: [Int32] = [-1, -1]
        precondition(unsafe pipe(&ends) == 0, "no descriptors for a test gate")
        readEnd = ends[0]
        writeEnd = Mutex(ends[1])
    }

    deinit {
        open()
        close(readEnd)
    }

    /// Opens the gate for good.
    public func open() {
        writeEnd.withLock { end in
            if let end { close(end) }
            end = nil
        }
    }

    /// Blocks the calling thread until the gate, or `other`, is open; true when it was this gate.
    @discardableResult
    func wait(or other: Gate) -> Bool {
        var ends = [pollfd(fd: readEnd, events: 0, revents: 0), pollfd(fd: other.readEnd, events: 0, revents: 0)]
        while unsafe poll(&ends, 2, -1) < 0, errno == EINTR {}
        return ends[0].revents != 0
    }
}
