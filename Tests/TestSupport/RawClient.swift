import Glibc
internal import Timekeeping

/// A TCP client for what no HTTP client would send.
public final class RawClient: Sendable {
    private let descriptor: Int32

    /// Connects to a loopback port.
    public init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw LoopbackError(message: "cannot connect to port \(port): errno \(errno)")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends text as it is.
    public func send(_ text: String) {
        send(Array(text.utf8))
    }

    /// Sends bytes as they are; an error of the socket ends it silently.
    public func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends FIN; receiving goes on.
    public func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Reads until `end` has come, or to the end of the stream, on a thread of its own.
    public func receive(until end: String? = nil) async throws -> String {
        let text = Promise<String>()
        let thread = try OwnedThread { text.fulfil(.success(self.receiveBlocking(until: end))) }
        let received = try await text.value()
        thread.join()
        return received
    }

    private func receiveBlocking(until end: String?) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            if let end, String(decoding: bytes, as: UTF8.self).contains(end) { break }
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk.prefix(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
