import HTTPTransport
import KubernetesCore
import Synchronization
import Telemetry
import Timekeeping

/// What a client trusts and which certificate it shows; files are read again every five minutes.
///
/// A file that has become unreadable, empty or something else than PEM is reported, and what it held before stays in
/// use. A failed handshake makes the next request look at the files again, at most every 10 s.
final class TLSMaterial: Sendable {
    private static let period = Duration.seconds(300)
    private static let periodAfterFailure = Duration.seconds(10)

    private struct State {
        var authority: [UInt8]?
        var pair: CertificatePair?
        var lastRead: MonotonicInstant?
        var isSuspect = false
    }

    private let configuration: ClientConfiguration
    private let context: CredentialContext
    private let state = Mutex(State())

    init(configuration: ClientConfiguration, context: CredentialContext) {
        self.configuration = configuration
        self.context = context
    }

    /// The security of a connection opened now.
    func current() throws(CredentialError) -> ConnectionSecurity {
        let now = context.timeSource.now()
        return try state.withLock { state throws(CredentialError) in
            if isDue(state, now) { try reload(&state, now) }
            return ConnectionSecurity(
                certificateAuthority: state.authority,
                clientCertificate: state.pair?.certificate,
                clientKey: state.pair?.key,
                verifiesPeer: !configuration.insecureSkipTLSVerify,
                serverName: configuration.tlsServerName,
                proxyURL: configuration.proxyURL
            )
        }
    }

    /// Notes that a handshake has failed: the files may have changed.
    func noteHandshakeFailure() {
        state.withLock { $0.isSuspect = true }
    }

    private func isDue(_ state: State, _ now: MonotonicInstant) -> Bool {
        guard let lastRead = state.lastRead else { return true }
        return lastRead.advanced(by: state.isSuspect ? Self.periodAfterFailure : Self.period) <= now
    }

    private func reload(_ state: inout State, _ now: MonotonicInstant) throws(CredentialError) {
        if let source = configuration.certificateAuthority {
            state.authority = try refresh(source, old: state.authority, isAuthority: true)
        }
        if let client = configuration.clientCertificate {
            let certificate = try refresh(client.certificate, old: state.pair?.certificate, isAuthority: false)
            let key = try refresh(client.key, old: state.pair?.key, isAuthority: false)
            state.pair = CertificatePair(certificate: certificate, key: key)
        }
        state.lastRead = now
        state.isSuspect = false
    }

    /// The bytes of `source`; those that were read before when it is a file that cannot be used now.
    private func refresh(
        _ source: CredentialSource,
        old: [UInt8]?,
        isAuthority: Bool
    ) throws(CredentialError) -> [UInt8] {
        let path: String
        switch source {
        case .data(let bytes): return bytes.value
        case .file(let file): path = file
        }
        do {
            let bytes = try readPEM(path)
            if isAuthority, let old {
                context.metrics?.recordAuthorityReload(
                    result: "success",
                    reason: bytes == old ? "unchanged" : "changed"
                )
            }
            return bytes
        } catch {
            guard let old else { throw error }
            if isAuthority { context.metrics?.recordAuthorityReload(result: "failure", reason: "unreadable") }
            context.logger.warning("a certificate file cannot be used; the last content stays", ["error": "\(error)"])
            return old
        }
    }

    private func readPEM(_ path: String) throws(CredentialError) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try context.readFile(path)
        } catch {
            throw CredentialError(source: path, message: error.message)
        }
        guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN ") else {
            throw CredentialError(source: path, message: bytes.isEmpty ? "the file is empty" : "the file is not PEM")
        }
        return bytes
    }
}
