/// A part of a program with a life of its own, run by a ``Manager``.
public struct Runnable: Sendable {
    /// What it is called in logs and errors.
    public let name: String
    let run: @Sendable () async throws -> Void
    let stop: (@Sendable () -> Void)?

    /// Makes a runnable.
    ///
    /// - Parameters:
    ///   - name: What it is called in logs and errors.
    ///   - stop: Asks it to end well; it is cancelled only when the graceful time is over. Nil when it ends well on
    ///     cancellation.
    ///   - run: Runs until it is stopped or cancelled. Returning early is allowed; an error stops the manager.
    public init(name: String, stop: (@Sendable () -> Void)? = nil, run: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.stop = stop
        self.run = run
    }
}

/// Why a ``Manager`` ended other than as asked.
public enum ManagerError: Error, Sendable, CustomStringConvertible {
    /// A runnable threw.
    case failed(name: String, any Error)
    /// Caches had not synced in time: their kinds, sorted. Most often a missing right to list them.
    case cachesNotSynced([String])
    /// Runnables had not ended when the graceful time was over: their names, sorted.
    case notStopped([String])
    /// ``Manager/run()`` was called twice.
    case alreadyRun

    /// One sentence for people.
    public var description: String {
        switch self {
        case .failed(let name, let error): "\(name) failed: \(error)"
        case .cachesNotSynced(let kinds):
            "caches did not sync in time: \(kinds.joined(separator: ", ")); may this controller list and watch them?"
        case .notStopped(let names): "not stopped in time: \(names.joined(separator: ", "))"
        case .alreadyRun: "a manager runs only once"
        }
    }
}
