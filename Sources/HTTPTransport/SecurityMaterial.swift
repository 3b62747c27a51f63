internal import CCurl
import Glibc

/// The PEM of one ``ConnectionSecurity`` at addresses that stay, because libcurl keeps pointers to it.
///
/// Handles hold it and free themselves first. It lives on the loop's thread.
@safe
final class SecurityMaterial {
    let security: ConnectionSecurity
    private let authority: UnsafeMutableRawBufferPointer?
    private let certificate: UnsafeMutableRawBufferPointer?
    private let key: UnsafeMutableRawBufferPointer?

    init(_ security: ConnectionSecurity) {
        self.security = security
        unsafe authority = security.certificateAuthority.map(Self.copy)
        unsafe certificate = security.clientCertificate.map(Self.copy)
        unsafe key = security.clientKey.map(Self.copy)
    }

    deinit {
        if let key = unsafe key, let start = key.baseAddress { unsafe explicit_bzero(start, key.count) }
        unsafe authority?.deallocate()
        unsafe certificate?.deallocate()
        unsafe key?.deallocate()
    }

    /// Sets trust, identity and proxy of a new handle; they never change afterwards.
    func apply(to easy: EasyHandle) throws(HTTPTransportError) {
        try easy.set(.verifyPeer, security.verifiesPeer ? 1 : 0)
        try easy.set(.verifyHost, security.verifiesPeer ? 2 : 0)
        try applyTrust(to: easy)
        try unsafe applyBlob(.certificate, certificate, to: easy)
        try unsafe applyBlob(.key, key, to: easy)
        try easy.set(.proxy, proxy())
    }

    private func applyTrust(to easy: EasyHandle) throws(HTTPTransportError) {
        if let authority = unsafe authority {
            try unsafe applyBlob(.authority, authority, to: easy)
            // The blob replaces the file of the system's certificates, but not their directory.
            try easy.set(.authorityPath, nil)
        } else if let file = easy.systemAuthorityFile, unsafe access(file, R_OK) == 0 {
            // With the file alone libcurl keeps the system's certificates parsed; with the directory it never does.
            try easy.set(.authorityPath, nil)
        }
    }

    private func applyBlob(
        _ option: CCurlBlobOption,
        _ bytes: UnsafeMutableRawBufferPointer?,
        to easy: EasyHandle
    ) throws(HTTPTransportError) {
        guard let bytes = unsafe bytes else { return }
        try unsafe easy.setBlob(option, UnsafeRawBufferPointer(bytes))
    }

    /// What libcurl is to be told; the empty string keeps it from asking the environment.
    private func proxy() throws(HTTPTransportError) -> String {
        guard let url = security.proxyURL, !url.isEmpty else { return "" }
        let scheme = security.proxyScheme ?? ""
        guard ["http", "https", "socks5", "socks5h"].contains(scheme) else {
            throw HTTPTransportError(layer: .proxy, message: "a proxy URL starts with http, https, socks5 or socks5h")
        }
        // As in the other Kubernetes clients, a SOCKS proxy resolves the names: libcurl calls that socks5h.
        return scheme == "socks5" ? "socks5h" + url.dropFirst("socks5".count) : url
    }

    /// A copy with an address even when it is empty: an empty authority trusts nobody, no authority trusts the system's.
    private static func copy(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        unsafe memory.copyBytes(from: bytes)
        return unsafe UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: bytes.count)
    }
}

extension ConnectionSecurity {
    /// The scheme of the proxy's URL in small letters; nil without a proxy.
    var proxyScheme: String? {
        guard let proxyURL, !proxyURL.isEmpty else { return nil }
        return proxyURL.prefix { $0 != ":" }.lowercased()
    }
}
