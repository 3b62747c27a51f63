import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct PromiseTests {
    private struct Failure: Error, Equatable {}

    @Test func `A value that is there before the wait is returned at once, again and again`() async throws {
        let promise = Promise<Int>()
        #expect(!promise.isFulfilled)
        #expect(promise.fulfil(.success(1)))
        #expect(promise.isFulfilled)
        #expect(try await promise.value() == 1)
        #expect(try await promise.value() == 1)
    }

    @Test func `Only the first settlement counts`() async throws {
        let promise = Promise<Int>()
        #expect(promise.fulfil(.success(1)))
        #expect(!promise.fulfil(.success(2)))
        #expect(!promise.fulfil(.failure(Failure())))
        #expect(try await promise.value() == 1)
    }

    @Test func `A failure is thrown`() async {
        let promise = Promise<Int>()
        promise.fulfil(.failure(Failure()))
        await #expect(throws: Failure.self) { try await promise.value() }
    }

    @Test func `A waiter is resumed by a later settlement`() async throws {
        let promise = Promise<Int>()
        async let value = promise.value()
        await Task.yield()
        promise.fulfil(.success(7))
        #expect(try await value == 7)
    }

    @Test func `A cancelled waiter throws and nobody can fulfil any more`() async throws {
        let promise = Promise<Int>()
        await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await promise.value() }
            await Task.yield()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(promise.isFulfilled)
        #expect(!promise.fulfil(.success(1)))
    }

    @Test func `A task that was cancelled before it waits still gets a value that is there`() async throws {
        let fulfilled = Promise<Int>()
        fulfilled.fulfil(.success(3))
        let pending = Promise<Int>()
        let gate = Latch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancellation ends this wait; from then on the task is a cancelled one.
                await #expect(throws: CancellationError.self) { try await gate.wait() }
                let value = try await fulfilled.value()
                #expect(value == 3)
                await #expect(throws: CancellationError.self) { try await pending.value() }
            }
            await Task.yield()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `Settlement and cancellation may race, the waiter is resumed once and they agree`() async {
        for round in 0..<500 {
            let promise = Promise<Int>()
            await withTaskGroup(of: Bool.self) { group in
                let fulfilled = Latch()
                group.addTask {
                    do {
                        return try await promise.value() == round
                    } catch {
                        return false
                    }
                }
                if round.isMultiple(of: 3) { await Task.yield() }
                async let isDelivered = {
                    defer { fulfilled.open() }
                    return promise.fulfil(.success(round))
                }()
                if round.isMultiple(of: 2) { await Task.yield() }
                group.cancelAll()
                let wasReceived = await group.next()
                #expect(await wasReceived == isDelivered)
                #expect(fulfilled.isOpen)
            }
        }
    }
}
