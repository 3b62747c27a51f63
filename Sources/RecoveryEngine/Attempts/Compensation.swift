internal import RecoveryAPI
internal import RecoveryDecision

/// Takes back what an attempt has changed, last action first, each exactly once: when the attempt failed, when its target
/// did not stay healthy, or when its Recovery was cancelled or deleted.
///
/// It goes through the attempt's journal like every change: an inverse is recorded as the action `Undo<name>`, so after a
/// crash it is neither forgotten nor done twice. Actions that recorded no inverse stay as they are.
package struct Compensation: Sendable {
    let attempt: Attempt
    let strategy: any RecoveryStrategy

    /// Makes the compensation of an attempt.
    package init(_ attempt: Attempt, _ strategy: any RecoveryStrategy) {
        self.attempt = attempt
        self.strategy = strategy
    }

    /// Whether it was begun before an interruption: then the attempt must not go on with its own actions.
    package var hasBegun: Bool {
        attempt.journal.actions.contains { $0.name.hasPrefix(RecoveryExecution.undoPrefix) }
    }

    /// Whether there is anything that can be taken back.
    var hasWork: Bool { !attempt.journal.actions.standingChanges.isEmpty }

    /// Undoes everything that is not undone yet.
    ///
    /// - Returns: what was undone, for the attempt's message; empty when there was nothing.
    /// - Throws: what the strategy's `undo` throws; the rest is left as it is then.
    package func run() async throws -> String {
        var words: [String] = []
        // Started ones too: whether they were done is open, and an inverse that finds nothing to undo does nothing.
        for action in attempt.journal.actions.reversed() where action.inverse != nil {
            guard !action.name.hasPrefix(RecoveryExecution.undoPrefix) else { continue }
            let undo = RecoveryExecution.name(ofUndoing: action.name)
            try await attempt.mutate(undo) { try await strategy.undo(action, attempt) }
            if let message = attempt.recorded(undo)?.message { words.append(message) }
        }
        return words.joined(separator: "; ")
    }
}
