/// One header line.
public struct HTTPServerHeader: Sendable, Hashable {
    /// The name as written.
    public var name: String
    /// The value without surrounding blanks.
    public var value: String

    /// Makes a header line.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A whole request, body included.
public struct HTTPServerRequest: Sendable {
    /// The method as sent.
    public var method: String
    /// The path, percent-decoded; it starts with "/".
    public var path: String
    /// The query, percent-decoded, in order; a name without "=" has an empty value.
    public var query: [(name: String, value: String)]
    /// The header lines in order.
    public var headers: [HTTPServerHeader]
    /// The body; empty when there is none.
    public var body: [UInt8]

    /// Makes a request; tests of handlers use it.
    public init(
        method: String = "GET",
        path: String,
        query: [(name: String, value: String)] = [],
        headers: [HTTPServerHeader] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }
}

/// An answer: with its body, or with a stream that makes the body as it goes.
public struct HTTPServerResponse: Sendable {
    /// The status code.
    public var status: Int
    /// Header lines; Content-Length, Date and Connection are the server's own.
    public var headers: [HTTPServerHeader]
    /// The body; HEAD gets its length only.
    public var body: [UInt8]
    /// What makes the body instead of `body`; a closed one closes the connection without any answer.
    public var stream: HTTPServerStream?

    /// Makes an answer.
    public init(status: Int, headers: [HTTPServerHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Makes an answer whose body goes out as it is written to a stream.
    public init(status: Int, headers: [HTTPServerHeader] = [], stream: HTTPServerStream) {
        self.init(status: status, headers: headers)
        self.stream = stream
    }

    /// No answer at all: the connection is reset.
    public static var none: HTTPServerResponse {
        let stream = HTTPServerStream()
        stream.close()
        return HTTPServerResponse(status: 503, stream: stream)
    }

    /// A plain text answer, not to be sniffed for another type.
    public static func text(_ text: String, status: Int = 200) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status,
            headers: [
                HTTPServerHeader(name: "Content-Type", value: "text/plain; charset=utf-8"),
                HTTPServerHeader(name: "X-Content-Type-Options", value: "nosniff"),
            ],
            body: Array(text.utf8)
        )
    }
}
