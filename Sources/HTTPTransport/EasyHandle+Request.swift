internal import CCurl

extension EasyHandle {
    /// Sets everything that belongs to one request; what an earlier one set is overwritten.
    func prepare(_ request: HTTPRequest, keeping configuration: CurlTransportConfiguration) throws(HTTPTransportError) {
        try request.validate()
        try setTarget(request)
        try setMethod(request)
        try setTimeouts(request.timeouts)
        // A kept connection was not judged by this request's rule, and must not serve one with another rule.
        let isJudged = request.mayConnect != nil
        try set(.freshConnect, request.reuse == .pooled && !isJudged ? 0 : 1)
        try set(.forbidReuse, request.reuse == .dedicated || isJudged ? 1 : 0)
        try set(.maxIdleSeconds, configuration.maxIdle.wholeSeconds)
        try set(.maxLifetimeSeconds, configuration.maxLifetime.wholeSeconds)
        // Only gzip: the one coding that Kubernetes uses, with a bounded window.
        try set(.acceptEncoding, request.acceptsCompression ? "gzip" : nil)
    }

    private func setTarget(_ request: HTTPRequest) throws(HTTPTransportError) {
        var lines = request.headers.map(\.line)
        if request.body != nil {
            // libcurl would call it a form, and wait a second for the server to allow a large one.
            if request.headers.first(named: "Content-Type") == nil { lines.append("Content-Type:") }
            lines.append("Expect:")
        }
        let other = request.security.serverName.flatMap { ServerNameOverride(url: request.url, serverName: $0) }
        if let other {
            if request.headers.first(named: "Host") == nil { lines.append("Host: \(other.hostHeader)") }
            try set(.connectTo, [other.connectTo])
        }
        try set(.targetURL, other?.url ?? request.url)
        if !lines.isEmpty { try set(.header, lines) }
    }

    private func setMethod(_ request: HTTPRequest) throws(HTTPTransportError) {
        try set(.noBody, 0)
        if let body = request.body {
            try setBody(body)
        } else if ["POST", "PUT", "PATCH"].contains(request.method) {
            try setBody([])
        } else if request.method == "HEAD" {
            try set(.noBody, 1)
        } else {
            try set(.get, 1)
        }
        try set(.method, request.method)
    }

    private func setTimeouts(_ timeouts: HTTPTimeouts) throws(HTTPTransportError) {
        try set(.connectTimeoutMilliseconds, Int(timeouts.connect.wholeMilliseconds))
        try set(.timeoutMilliseconds, timeouts.total.map { Int($0.wholeMilliseconds) } ?? 0)
    }
}

extension HTTPRequest {
    /// Refuses what would end a line early and smuggle another one in, and headers that are the transport's own.
    func validate() throws(HTTPTransportError) {
        guard !method.isEmpty, method.utf8.allSatisfy(isTokenByte) else {
            throw HTTPTransportError(layer: .url, message: "the method is not a token")
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            throw HTTPTransportError(layer: .url, message: "the URL holds a blank or a control character")
        }
        for header in headers {
            guard !header.name.isEmpty, header.name.utf8.allSatisfy(isTokenByte) else {
                throw HTTPTransportError(layer: .url, message: "a header name is not a token")
            }
            guard header.value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }) else {
                throw HTTPTransportError(layer: .url, message: "the value of \(header.name) holds a control character")
            }
            guard !header.isFraming else {
                throw HTTPTransportError(layer: .url, message: "\(header.name) is set by the transport")
            }
        }
    }
}

/// Whether RFC 9110 allows the byte in methods and header names.
///
/// Every byte of every header name passes here, hence a bit for each: letters, digits and !#$%&'*+-.^_`|~.
private func isTokenByte(_ byte: UInt8) -> Bool {
    let bits: UInt64 = byte < 64 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe
    return byte < 128 && bits >> UInt64(byte & 63) & 1 == 1
}

extension HTTPHeader {
    /// As libcurl wants it: a semicolon says that the empty value is meant; a colon would remove the header.
    fileprivate var line: String {
        value.isEmpty ? name + ";" : name + ": " + value
    }

    /// Whether the header says where the body ends, which is the transport's business.
    fileprivate var isFraming: Bool {
        // The lengths first: this is asked of every header of every request.
        switch name.utf8.count {
        case 14: name.lowercased() == "content-length"
        case 17: name.lowercased() == "transfer-encoding"
        default: false
        }
    }
}

extension Duration {
    /// Rounded up, at least 1, because zero means "never" to libcurl and poll; bounded by what both take.
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 1 }
        guard seconds < Int64(Int32.max) / 1000 else { return Int32.max }
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(max(seconds * 1000 + rest, 1))
    }

    /// Rounded down, at least 1.
    var wholeSeconds: Int {
        Int(min(max(components.seconds, 1), Int64(Int32.max)))
    }
}
