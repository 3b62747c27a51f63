extension Signal {
    /// Runs what comes, each as a child task of its own, until cancelled or until one of them throws.
    ///
    /// ```swift
    /// try await arrival.runEach(of: { state.withLock { $0.unstarted.takeAll() } }, run: { try await $0.run() })
    /// ```
    ///
    /// - Parameters:
    ///   - newcomers: takes those that have come since; asked at once, and again whenever the signal was sent.
    ///   - run: runs one of them; the others do not wait for it.
    /// - Throws: `CancellationError`; what one of them throws, after the others have been cancelled.
    package func runEach<Part: Sendable>(
        of newcomers: () -> [Part],
        run: @escaping @Sendable (Part) async throws -> Void
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                for part in newcomers() { group.addTask { try await run(part) } }
                try await wait()
            }
        }
    }
}

extension Array {
    /// Empties the array: what was in it is the caller's.
    package mutating func takeAll() -> [Element] {
        defer { self = [] }
        return self
    }
}
