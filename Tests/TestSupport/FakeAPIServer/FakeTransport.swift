public import HTTPTransport

/// The connection of one client to a ``FakeAPIServer``.
public final class FakeTransport: HTTPTransport {
    /// Who the server's log says it is.
    public let identity: String
    private let server: FakeAPIServer

    init(server: FakeAPIServer, identity: String) {
        self.server = server
        self.identity = identity
    }

    /// Sends a request and reads the whole answer.
    public func perform(_ request: HTTPRequest) async throws -> HTTPResponse {
        let stream = try await stream(request)
        let body = try await stream.body.collect(upTo: request.maxResponseBytes)
        return HTTPResponse(status: stream.status, headers: stream.headers, body: body)
    }

    /// Sends a request.
    public func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        try Task.checkCancellation()
        return try await server.serve(request, identity: identity)
    }

    /// Does nothing.
    public func closeIdleConnections() async {}
}
