/// A complete answer.
public struct HTTPResponse: Sendable {
    /// The status code.
    public var status: Int
    /// The header lines in order of arrival.
    public var headers: [HTTPHeader]
    /// The whole body, decompressed when compression was asked for.
    public var body: [UInt8]
    /// Where the time went.
    public var timings: HTTPTimings

    /// Makes an answer; fakes use it.
    public init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = [], timings: HTTPTimings = HTTPTimings()) {
        self.status = status
        self.headers = headers
        self.body = body
        self.timings = timings
    }

    /// The value of the first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first(named: name)
    }
}

extension [HTTPHeader] {
    /// The value of the first header of that name, whatever its case.
    public func first(named name: String) -> String? {
        first { $0.name.utf8.elementsEqual(name.utf8, by: { asciiLowercase($0) == asciiLowercase($1) }) }?.value
    }
}

private func asciiLowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

/// Where the time of a request went; each value counts from the start of the request, zero when the step did not happen.
public struct HTTPTimings: Sendable, Hashable {
    /// The name was resolved.
    public var dns: Duration
    /// TCP (to the server or the proxy) was connected.
    public var connect: Duration
    /// The TLS handshake was done.
    public var tls: Duration
    /// The first byte of the answer was there.
    public var firstByte: Duration
    /// The last byte was there.
    public var total: Duration
    /// Whether a kept connection carried the request.
    public var isReusedConnection: Bool
    /// Whether libcurl sent the request again after a kept connection had died.
    public var wasResent: Bool

    /// Makes timings; all zero by default.
    public init(
        dns: Duration = .zero,
        connect: Duration = .zero,
        tls: Duration = .zero,
        firstByte: Duration = .zero,
        total: Duration = .zero,
        isReusedConnection: Bool = false,
        wasResent: Bool = false
    ) {
        self.dns = dns
        self.connect = connect
        self.tls = tls
        self.firstByte = firstByte
        self.total = total
        self.isReusedConnection = isReusedConnection
        self.wasResent = wasResent
    }
}

/// An answer whose body is still arriving.
public struct HTTPStream: Sendable {
    /// The status code.
    public var status: Int
    /// The header lines in order of arrival.
    public var headers: [HTTPHeader]
    /// The body; dropping it ends the transfer.
    public var body: HTTPBody

    /// Makes a stream; fakes use it.
    public init(status: Int, headers: [HTTPHeader] = [], body: HTTPBody) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of the first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first(named: name)
    }
}
