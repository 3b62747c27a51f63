import Glibc
import Synchronization
public import Timekeeping

/// Ends the process when a deadline that should move forward stands still, from a thread of its own.
///
/// A leader whose tasks are all stuck cannot notice that its lease has run out. The thread needs none of them: it
/// sleeps in the kernel until the deadline (CLOCK_BOOTTIME, so it also fires when a machine wakes up too late), looks
/// whether the deadline has moved, and acts when it has not.
///
/// The instants must be those of ``Timekeeping/SystemTimeSource``; do not use it with virtual time.
public final class Watchdog: Sendable {
    /// What the thread does when it is awake.
    enum Next: Sendable, Hashable {
        /// End: nobody needs it now.
        case end
        /// The deadline has passed.
        case act
        /// Look again at this time.
        case sleep(MonotonicInstant)
    }

    /// The deadline, and whether there is a thread to watch it.
    struct State: Sendable {
        var deadline: MonotonicInstant?
        var thread: OwnedThread?

        /// Decides what the thread does; after acting it is not armed any more.
        mutating func next(now: MonotonicInstant) -> Next {
            guard let deadline else { return .end }
            guard now >= deadline else { return .sleep(deadline) }
            self.deadline = nil
            return .act
        }
    }

    private let state = Mutex(State())
    private let timeSource = SystemTimeSource()
    private let action: @Sendable () -> Void

    /// Makes a watchdog that is not armed.
    ///
    /// - Parameter action: What to do when the deadline passes; called once, on the watchdog's thread.
    public init(action: @escaping @Sendable () -> Void = Watchdog.endProcess) {
        self.action = action
    }

    /// Ends the process with status 1 at once: no handlers, no locks, no flushing.
    public static func endProcess() {
        // One raw write: a lock of the logger may be what is stuck.
        let note = Array("leader election watchdog: the lease was not renewed in time; ending the process\n".utf8)
        _ = unsafe note.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(1)
    }

    /// When it will act; nil while it is not armed.
    var deadline: MonotonicInstant? { state.withLock { $0.deadline } }

    /// Sets the deadline; each call replaces the last one, and deadlines only move forward.
    public func arm(until deadline: MonotonicInstant) {
        let isWatched = state.withLock { state in
            state.deadline = deadline
            if state.thread == nil { state.thread = makeThread() }
            return state.thread != nil
        }
        // A watchdog without its thread would be a promise that nobody keeps.
        if !isWatched { action() }
    }

    /// Takes the deadline away.
    public func disarm() {
        state.withLock { $0.deadline = nil }
    }

    /// Sleeps from deadline to deadline; ends when it wakes up and is not armed.
    private func watch() {
        while true {
            let (next, thread) = state.withLock { state in
                let next = state.next(now: timeSource.now())
                guard case .end = next else { return (next, nil as OwnedThread?) }
                defer { state.thread = nil }
                return (next, state.thread)
            }
            switch next {
            case .end:
                // From the thread itself: nobody else waits for it.
                thread?.join()
                return
            case .act:
                action()
            case .sleep(let deadline):
                sleep(until: deadline)
            }
        }
    }

    private func sleep(until deadline: MonotonicInstant) {
        var time = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
            tv_nsec: Int(deadline.nanoseconds % 1_000_000_000)
        )
        // Interrupted or not, the caller looks at the clock again.
        unsafe clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, nil)
    }

    /// Starts the thread, which is no task since it must run when no task can; it keeps the watchdog alive.
    ///
    /// Called with the state locked, so the thread does nothing before it is known.
    private func makeThread() -> OwnedThread? {
        do throws(OwnedThread.StartError) {
            return try OwnedThread { [self] in watch() }
        } catch {
            return nil
        }
    }
}
