import KubernetesCore
import Timekeeping

extension KubernetesClient {
    /// Runs `operation` again while it ends in a conflict: up to five times, about 10 ms apart, as client-go does.
    ///
    /// The operation must read the object anew each time: with the same resourceVersion it would fail for ever.
    ///
    /// - Throws: what `operation` throws other than a conflict; the last conflict when all tries ended in one.
    public func withRetryOnConflict<Value>(_ operation: () async throws -> Value) async throws -> Value {
        var tries = 1
        while true {
            do {
                return try await operation()
            } catch let error as ClientError where error.disposition == .conflict && tries < 5 {
                tries += 1
                try await session.timeSource.sleep(for: .milliseconds(10) * (1 + session.jitter() / 10))
            }
        }
    }
}
