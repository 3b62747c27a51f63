import Synchronization
internal import Timekeeping

/// Hands commands from any thread to the loop's thread and wakes it.
final class TransferQueue: Sendable {
    enum Command {
        /// Begin the transfer.
        case start(TransferJob)
        /// End the transfer; it may be over, or not have begun.
        case cancel(TransferJob)
        /// The reader has caught up: go on with a transfer whose buffer was full.
        case resume(TransferJob)
        /// Let go of all kept connections.
        case closeIdle(Promise<Void>)
        /// End everything and leave the thread.
        case stop
    }

    private struct State {
        var commands: [Command] = []
        var isOpen = true
        /// Whether a wake-up is under way for the commands that wait; further ones need none.
        var isWoken = false
    }

    private let state = Mutex(State())
    private let multi: MultiHandle

    init(multi: MultiHandle) {
        self.multi = multi
    }

    /// Hands a command over; false when the loop has ended.
    @discardableResult
    func submit(_ command: Command) -> Bool {
        let (isAccepted, mustWake) = state.withLock { state in
            guard state.isOpen else { return (false, false) }
            state.commands.append(command)
            defer { state.isWoken = true }
            return (true, !state.isWoken)
        }
        // Should it fail, the command waits for the next wake-up, which the next command then tries again.
        if mustWake, !multi.wakeUp() {
            state.withLock { $0.isWoken = false }
        }
        return isAccepted
    }

    /// The commands that wait, in order.
    func take() -> [Command] {
        state.withLock { state in
            state.isWoken = false
            // Swapping would lose the storage; most of the time there is nothing, or one.
            guard !state.commands.isEmpty else { return [] }
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Takes no more commands and returns those that wait.
    func close() -> [Command] {
        state.withLock { state in
            state.isOpen = false
            defer { state.commands = [] }
            return state.commands
        }
    }
}
