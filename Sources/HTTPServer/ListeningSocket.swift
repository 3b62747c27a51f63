import Glibc

/// A bound, listening TCP socket; closed when nobody holds it any more.
final class ListeningSocket: Sendable {
    let descriptor: Int32
    let port: Int

    private static let backlog: Int32 = 256

    /// Binds "host:port"; an empty host is all addresses, of both kinds where the machine has IPv6.
    init(address: String) throws(HTTPServerError) {
        let (host, port) = try Self.split(address)
        let candidates = host.isEmpty ? ["::", "0.0.0.0"] : [host]
        var failure = HTTPServerError(function: "getaddrinfo", code: 0, message: "no address")
        for candidate in candidates {
            do {
                (descriptor, self.port) = try Self.listen(host: candidate, port: port, address: address)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    deinit {
        close(descriptor)
    }

    /// "host:port", ":port" or "[address]:port".
    static func split(_ address: String) throws(HTTPServerError) -> (host: String, port: String) {
        guard let colon = address.lastIndex(of: ":") else {
            throw HTTPServerError(function: "parse", code: 0, message: "\"\(address)\" is not host:port")
        }
        var host = address[..<colon]
        let port = address[address.index(after: colon)...]
        let isBracketed = host.first == "[" && host.last == "]" && host.count > 2
        guard UInt16(port) != nil, isBracketed || !host.contains(where: { "[]:".contains($0) }) else {
            throw HTTPServerError(function: "parse", code: 0, message: "\"\(address)\" is not host:port")
        }
        if isBracketed { host = host.dropFirst().dropLast() }
        return (String(host), String(port))
    }

    private static func listen(
        host: String,
        port: String,
        address: String
    ) throws(HTTPServerError) -> (descriptor: Int32, port: Int) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, port, &hints, &found)
        guard code == 0, let first = unsafe found else {
            let text = unsafe String(cString: gai_strerror(code))
            throw HTTPServerError(function: "getaddrinfo", code: code, message: "\(address): \(text)")
        }
        defer { unsafe freeaddrinfo(found) }
        let info = unsafe first.pointee
        let descriptor = unsafe socket(info.ai_family, info.ai_socktype, info.ai_protocol)
        guard descriptor >= 0 else { throw HTTPServerError.last("socket", address) }
        do {
            return (descriptor, try unsafe bind(descriptor, to: info, address: address))
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func bind(_ descriptor: Int32, to info: addrinfo, address: String) throws(HTTPServerError) -> Int {
        setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if unsafe info.ai_family == AF_INET6 { setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        guard unsafe Glibc.bind(descriptor, info.ai_addr, info.ai_addrlen) == 0 else {
            throw HTTPServerError.last("bind", address)
        }
        guard Glibc.listen(descriptor, backlog) == 0 else { throw HTTPServerError.last("listen", address) }
        guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { throw HTTPServerError.last("fcntl", address) }
        return try boundPort(descriptor, address)
    }

    private static func boundPort(_ descriptor: Int32, _ address: String) throws(HTTPServerError) -> Int {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let code = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe getsockname(descriptor, pointer, &length)
            }
        }
        guard code == 0 else { throw HTTPServerError.last("getsockname", address) }
        // The port lies at the same place for IPv4 and IPv6.
        return Int(UInt16(bigEndian: storage.sin6_port))
    }
}

/// Sets an option whose failure only costs convenience or speed.
func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
}

/// Makes the kernel find out within two minutes that a peer has vanished without a word.
///
/// Nothing else would while a stream has nothing to send.
func keepAlive(_ descriptor: Int32) {
    setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, 60)
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, 15)
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 4)
}

/// Makes closing the socket reset the connection instead of ending it politely.
func resetOnClose(_ descriptor: Int32) {
    var value = linger(l_onoff: 1, l_linger: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
}

extension HTTPServerError {
    /// The error of the call that just failed.
    static func last(_ function: String, _ subject: String) -> HTTPServerError {
        let code = errno
        var text = [CChar](repeating: 0, count: 128)
        let isNamed = unsafe strerror_r(code, &text, text.count) == 0
        let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return HTTPServerError(
            function: function,
            code: code,
            message: "\(subject): \(isNamed ? name : "errno \(code)")"
        )
    }
}
