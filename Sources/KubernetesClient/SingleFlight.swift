import Synchronization
import Timekeeping

/// Lets one of several callers do the work whose result all of them get.
///
/// The work runs in the task of the first caller. When that one is cancelled, the next waiter does it anew.
final class SingleFlight<Value: Sendable>: Sendable {
    /// Work under way.
    private final class Flight: Sendable {
        let end = Latch()
        let result = Mutex<Result<Value, any Error>?>(nil)
    }

    private enum Role {
        case leader(Flight)
        case follower(Flight)
    }

    private let current = Mutex<Flight?>(nil)

    /// The result of `work`, or of the same work that another caller has begun.
    func value(_ work: () async throws -> Value) async throws -> Value {
        while true {
            switch join() {
            case .leader(let flight):
                return try await lead(flight, work).get()
            case .follower(let flight):
                try await flight.end.wait()
                let result = flight.result.withLock { $0 }
                if case .failure(let error)? = result, error is CancellationError { continue }
                if let result { return try result.get() }
            }
        }
    }

    private func join() -> Role {
        current.withLock { current in
            if let flight = current { return .follower(flight) }
            let flight = Flight()
            current = flight
            return .leader(flight)
        }
    }

    private func lead(_ flight: Flight, _ work: () async throws -> Value) async -> Result<Value, any Error> {
        let result: Result<Value, any Error>
        do {
            result = .success(try await work())
        } catch {
            result = .failure(error)
        }
        flight.result.withLock { $0 = result }
        current.withLock { $0 = nil }
        flight.end.open()
        return result
    }
}
