import TestSupport
import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    private struct Failure: Error {}

    private let time = ManualTimeSource()

    private var inTenSeconds: MonotonicInstant { time.now().advanced(by: .seconds(10)) }

    @Test func `An operation that ends in time gives its value and leaves no sleeper`() async throws {
        #expect(try await withDeadline(inTenSeconds, time) { 42 } == 42)
        #expect(time.sleepers().isEmpty)
    }

    @Test func `An operation that fails in time throws its own error`() async {
        await #expect(throws: Failure.self) { try await withDeadline(inTenSeconds, time) { throw Failure() } }
        #expect(time.sleepers().isEmpty)
    }

    /// Runs an operation for ten seconds, passes the deadline and returns what it threw.
    private func exceedDeadline(_ operation: @escaping @Sendable () async throws -> Int) async throws -> (any Error)? {
        let (time, deadline) = (time, inTenSeconds)
        return try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await withDeadline(deadline, time, operation) }
            try await time.waitForSleepers(1)
            time.advance(by: .seconds(9))
            #expect(time.sleepers() == [deadline])
            time.advance(by: .seconds(1))
            do {
                _ = try await group.next()
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func `An operation that takes too long is cancelled`() async throws {
        let deadline = inTenSeconds
        let never = Promise<Int>()
        let error = try await exceedDeadline { try await never.value() }
        #expect(error as? DeadlineExceeded == DeadlineExceeded(deadline: deadline))
        // The cancellation of its waiter settled it.
        #expect(!never.fulfil(.success(1)))
    }

    @Test func `A value that comes after the deadline is not returned`() async throws {
        let wasCancelled = Latch()
        let error = try await exceedDeadline {
            // Ignores its cancellation.
            do { try await Promise<Void>().value() } catch { wasCancelled.open() }
            return 1
        }
        #expect(error is DeadlineExceeded && wasCancelled.isOpen)
    }

    @Test func `After the deadline nothing is started`() async {
        let started = Latch()
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(time.now(), time) { started.open() }
        }
        #expect(!started.isOpen)
    }

    @Test func `Cancelling the caller cancels the operation and is no deadline`() async throws {
        let never = Promise<Int>()
        let (time, deadline) = (time, inTenSeconds)
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await withDeadline(deadline, time) { try await never.value() } }
            try await time.waitForSleepers(1)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(time.sleepers().isEmpty)
    }
}
