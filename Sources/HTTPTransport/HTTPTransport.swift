/// Sends HTTP requests: ``CurlTransport`` over the network, fakes in tests.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and waits for the whole answer; any status is an answer.
    ///
    /// - Throws: ``HTTPTransportError``; `CancellationError` as soon as the task is cancelled, with the transfer ended.
    func perform(_ request: HTTPRequest) async throws -> HTTPResponse

    /// Sends `request` and returns when the header of the answer is there; any status is an answer.
    ///
    /// - Throws: ``HTTPTransportError``; `CancellationError` as soon as the task is cancelled, with the transfer ended.
    func stream(_ request: HTTPRequest) async throws -> HTTPStream

    /// Closes kept connections that carry nothing, and lets those in use close when they are done.
    func closeIdleConnections() async
}
