import Glibc
import Synchronization

/// A thread of its own for calls that block (poll, curl, waitpid), which the cooperative pool must never run.
///
/// All signals are blocked on it, so that the process's own signal handling always happens elsewhere. The owner ends
/// the body by its own means and then joins.
package final class OwnedThread: Sendable {
    /// Why a thread could not be started: pthread_create's code.
    package struct StartError: Error, Hashable {
        /// The errno value.
        package var code: Int32
    }

    private let id: pthread_t
    private let isJoined = Mutex(false)

    /// Starts the thread.
    package init(body: @escaping @Sendable () -> Void) throws(StartError) {
        let start = unsafe Unmanaged.passRetained(ThreadStart(body: body))
        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        // A new thread inherits the mask; it is set here and not there, so that no signal gets in between.
        unsafe pthread_sigmask(SIG_BLOCK, &all, &previous)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var id = pthread_t()
        // A plain thread, because what it runs blocks and no pool may be held up by that.
        let code = unsafe pthread_create(&id, nil, runThreadStart, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw StartError(code: code)
        }
        self.id = id
    }

    /// Lets go of the thread, whose body ends by itself; it cannot be joined any more.
    package func detach() {
        isJoined.withLock { isJoined in
            guard !isJoined else { return }
            pthread_detach(id)
            isJoined = true
        }
    }

    /// Waits until the body has returned; later calls return when the first one does.
    ///
    /// On the thread itself it only lets go of it: nobody can wait for itself.
    package func join() {
        if pthread_equal(id, pthread_self()) != 0 {
            pthread_detach(id)
            return
        }
        isJoined.withLock { isJoined in
            guard !isJoined else { return }
            pthread_join(id, nil)
            isJoined = true
        }
    }
}

/// What the new thread takes over.
private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}

private func runThreadStart(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let start = unsafe Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
    start.body()
    return nil
}
