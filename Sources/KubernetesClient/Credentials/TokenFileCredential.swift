import KubernetesCore
import Synchronization
import Telemetry
import Timekeeping

/// A bearer token in a file that somebody, such as the kubelet, replaces from time to time.
///
/// A token counts as good for 60 s after it was read and is read again 10 s before that. When the file cannot be read
/// or is empty, the last good token stays in use and the file is tried again every 10 s.
final class TokenFileCredential: CredentialProvider {
    private static let lifetime = Duration.seconds(60)
    private static let early = Duration.seconds(10)

    private struct State {
        var token: String?
        var nextRead: MonotonicInstant?
    }

    private let path: String
    private let context: CredentialContext
    private let state = Mutex(State())

    init(path: String, context: CredentialContext) {
        self.path = path
        self.context = context
    }

    func current() async throws -> RequestCredential {
        let now = context.timeSource.now()
        let token = try state.withLock { state throws(CredentialError) in
            if let token = state.token, let nextRead = state.nextRead, now < nextRead { return token }
            return try load(&state, now)
        }
        return Self.credential(token)
    }

    func renew(rejected: RequestCredential) async throws -> Bool {
        let now = context.timeSource.now()
        let token = try state.withLock { state throws(CredentialError) in
            // Somebody else's 401 may have brought the new token already.
            if let token = state.token, Self.credential(token) != rejected { return token }
            return try load(&state, now)
        }
        return Self.credential(token) != rejected
    }

    private static func credential(_ token: String) -> RequestCredential {
        RequestCredential(authorization: Sensitive("Bearer \(token)"))
    }

    /// Reads the file; falls back to the last good token.
    private func load(_ state: inout State, _ now: MonotonicInstant) throws(CredentialError) -> String {
        do {
            let token = try read()
            state.token = token
            state.nextRead = now.advanced(by: Self.lifetime - Self.early)
            return token
        } catch {
            guard let token = state.token else { throw error }
            context.logger.warning("the token file cannot be read; the last token stays", ["error": "\(error)"])
            state.nextRead = now.advanced(by: Self.early)
            return token
        }
    }

    private func read() throws(CredentialError) -> String {
        let bytes: [UInt8]
        do {
            bytes = try context.readFile(path)
        } catch {
            throw CredentialError(source: path, message: error.message)
        }
        let blanks = Set(" \t\r\n".utf8)
        let trimmed = bytes.drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed()
        guard !trimmed.isEmpty else { throw CredentialError(source: path, message: "the file is empty") }
        // Anything else would end the header line or be refused by the transport without saying why.
        guard trimmed.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw CredentialError(source: path, message: "the file holds something else than one token")
        }
        return String(decoding: Array(trimmed), as: UTF8.self)
    }
}
