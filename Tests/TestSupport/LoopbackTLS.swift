import Glibc

/// The TLS server side of a ``LoopbackConnection``.
///
/// OpenSSL is in the process already, because libcurl brings it; its headers need not be installed, so the few
/// functions are looked up by name.
@safe
final class LoopbackTLS: Sendable {
    private typealias Make = @convention(c) () -> OpaquePointer?
    private typealias MakeFrom = @convention(c) (OpaquePointer?) -> OpaquePointer?
    private typealias UseFile = @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32
    private typealias UseChain = @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> Int32
    private typealias SetVerify = @convention(c) (OpaquePointer?, Int32, OpaquePointer?) -> Void
    private typealias SetDescriptor = @convention(c) (OpaquePointer?, Int32) -> Int32
    private typealias Act = @convention(c) (OpaquePointer?) -> Int32

    /// An SSL_CTX; OpenSSL counts its references atomically and it is not changed after init.
    nonisolated(unsafe) private let context: OpaquePointer?

    init(identity: TestIdentity, clientAuthority: [UInt8]?) throws {
        let directory = try TemporaryDirectory()
        let certificate = try directory.write(identity.certificate, as: "certificate.pem")
        let key = try directory.write(identity.key, as: "key.pem")
        let method = try unsafe symbol("TLS_server_method", as: Make.self)()
        unsafe context = try unsafe symbol("SSL_CTX_new", as: MakeFrom.self)(method)
        let isReady =
            try unsafe symbol("SSL_CTX_use_certificate_chain_file", as: UseChain.self)(context, certificate) == 1
            && symbol("SSL_CTX_use_PrivateKey_file", as: UseFile.self)(context, key, 1) == 1
        guard isReady else { throw LoopbackError(message: "OpenSSL refuses the test certificate") }
        guard let clientAuthority else { return }
        let authority = try directory.write(clientAuthority, as: "client-ca.pem")
        let useAuthority = try unsafe symbol(
            "SSL_CTX_load_verify_locations",
            as: (@convention(c) (OpaquePointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Int32).self
        )
        guard unsafe useAuthority(context, authority, nil) == 1 else {
            throw LoopbackError(message: "OpenSSL refuses the test authority")
        }
        try unsafe symbol("SSL_CTX_set_verify", as: SetVerify.self)(context, 1, nil)
        // Without an id, OpenSSL refuses to resume a session of a client that it verified.
        let setID = try unsafe symbol(
            "SSL_CTX_set_session_id_context",
            as: (@convention(c) (OpaquePointer?, UnsafePointer<CChar>?, UInt32) -> Int32).self
        )
        _ = unsafe setID(context, "test", 4)
    }

    deinit {
        if let free = try? unsafe symbol("SSL_CTX_free", as: (@convention(c) (OpaquePointer?) -> Void).self) {
            unsafe free(context)
        }
    }

    /// Does the handshake; nil when it fails.
    func accept(_ descriptor: Int32) -> Session? {
        guard
            let session = try? unsafe symbol("SSL_new", as: MakeFrom.self)(context),
            let setDescriptor = try? unsafe symbol("SSL_set_fd", as: SetDescriptor.self),
            let accept = try? unsafe symbol("SSL_accept", as: Act.self)
        else { return nil }
        guard unsafe setDescriptor(session, descriptor) == 1, unsafe accept(session) == 1 else {
            if let free = try? unsafe symbol("SSL_free", as: (@convention(c) (OpaquePointer?) -> Void).self) {
                unsafe free(session)
            }
            return nil
        }
        return unsafe Session(session)
    }

    /// One connection's TLS, used by its thread only.
    @safe
    struct Session {
        private typealias ReadBytes = @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, Int32) -> Int32
        private typealias WriteBytes = @convention(c) (OpaquePointer?, UnsafeRawPointer?, Int32) -> Int32

        /// The client's subject as OpenSSL prints it.
        let clientSubject: String?
        /// The name asked for by SNI.
        let serverName: String?
        nonisolated(unsafe) private let session: OpaquePointer
        private let readBytes: ReadBytes?
        private let writeBytes: WriteBytes?

        init(_ session: OpaquePointer) {
            unsafe self.session = session
            unsafe readBytes = try? unsafe symbol("SSL_read", as: ReadBytes.self)
            unsafe writeBytes = try? unsafe symbol("SSL_write", as: WriteBytes.self)
            clientSubject = unsafe Self.subject(session)
            let name = try? unsafe symbol(
                "SSL_get_servername",
                as: (@convention(c) (OpaquePointer?, Int32) -> UnsafePointer<CChar>?).self
            )
            serverName = unsafe name?(session, 0).map { unsafe String(cString: $0) }
        }

        func read(_ bytes: inout [UInt8]) -> Int {
            guard let readBytes = unsafe readBytes else { return -1 }
            return unsafe Int(readBytes(session, &bytes, Int32(bytes.count)))
        }

        func write(_ bytes: [UInt8]) -> Int {
            guard let writeBytes = unsafe writeBytes else { return -1 }
            return unsafe Int(writeBytes(session, bytes, Int32(bytes.count)))
        }

        func close() {
            if let shutdown = try? unsafe symbol("SSL_shutdown", as: Act.self) { _ = unsafe shutdown(session) }
            if let free = try? unsafe symbol("SSL_free", as: (@convention(c) (OpaquePointer?) -> Void).self) {
                unsafe free(session)
            }
        }

        private static func subject(_ session: OpaquePointer) -> String? {
            typealias Line =
                @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int32) -> UnsafeMutablePointer<CChar>?
            guard
                let certificate = try? unsafe symbol("SSL_get0_peer_certificate", as: MakeFrom.self)(session),
                let name = try? unsafe symbol("X509_get_subject_name", as: MakeFrom.self)(certificate),
                let line = try? unsafe symbol("X509_NAME_oneline", as: Line.self)
            else { return nil }
            var text = [CChar](repeating: 0, count: 256)
            guard unsafe line(name, &text, 256) != nil else { return nil }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}

/// A function of a library that is in the process.
private func symbol<Function>(_ name: String, as type: Function.Type) throws -> Function {
    // RTLD_DEFAULT is a null pointer.
    guard let address = unsafe dlsym(nil, name) else { throw LoopbackError(message: "no \(name) in this process") }
    return unsafe unsafeBitCast(address, to: type)
}
