import JSON
import KubernetesCore

/// Where events are written to.
protocol EventSink: Sendable {
    /// Makes an event.
    ///
    /// - Throws: ``EventSinkError``, or `CancellationError`.
    func create(_ event: JSONValue, _ key: ObjectKey) async throws
    /// Applies a merge patch to an event.
    ///
    /// - Throws: ``EventSinkError``, or `CancellationError`.
    func patch(_ patch: JSONValue, _ key: ObjectKey) async throws
}

/// Why an event was not written, as far as the recorder cares.
enum EventSinkError: Error, Sendable {
    /// The event to be patched is gone.
    case missing
    /// The server has it already, or its namespace is on its way out: not worth a word.
    case pointless
    /// The server, or our own configuration, says no; asking again does not help.
    case refused(any Error)
    /// The server did not answer.
    case unreachable(any Error)
}
