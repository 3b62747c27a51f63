internal import CCurl
internal import Timekeeping

/// The idle handles, each with its kept connection, for one ``ConnectionSecurity`` and one origin.
///
/// Each handle has a share of its own that holds at most one unused connection. So this pool alone decides which
/// connection is used again: none is ever used with another client certificate or another trust, whatever libcurl
/// compares, and dropping a handle closes its connection at once. It lives on the loop's thread.
final class ConnectionPool {
    /// What requests must have in common to use the same connection.
    struct Key: Hashable {
        let security: ConnectionSecurity
        /// The URL up to its path.
        let origin: String

        init(_ request: HTTPRequest) {
            security = request.security
            let url = request.url
            var slashes = 0
            let end = url.utf8.firstIndex { byte in
                if byte == UInt8(ascii: "/") { slashes += 1 }
                return slashes == 3 || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
            }
            origin = String(url[..<(end ?? url.endIndex)])
        }
    }

    private struct Kept {
        let easy: EasyHandle
        let since: MonotonicInstant
    }

    private let material: SecurityMaterial
    private let configuration: CurlTransportConfiguration
    /// Handles with a connection, the one that was used last at the end.
    private var warm: [Kept] = []
    /// Handles without a connection.
    private var cold: [EasyHandle] = []
    private var activeCount = 0
    private var isRetired = false
    private var lastUsed: MonotonicInstant

    init(security: ConnectionSecurity, configuration: CurlTransportConfiguration, now: MonotonicInstant) {
        material = SecurityMaterial(security)
        self.configuration = configuration
        lastUsed = now
    }

    /// A handle that nobody uses, with a connection when `reuse` allows it.
    func take(_ reuse: ConnectionReuse) throws(HTTPTransportError) -> EasyHandle {
        let easy =
            if reuse == .pooled, let kept = warm.popLast() { kept.easy } else if let easy = cold.popLast() { easy } else
            {
                try EasyHandle(material: material)
            }
        activeCount += 1
        return easy
    }

    /// Takes a handle back, with a connection or without.
    func giveBack(_ easy: EasyHandle, isWarm: Bool, now: MonotonicInstant) {
        drop(now: now)
        do {
            try easy.clear()
        } catch {
            // A handle that does not let go of its last request is freed, as happens now.
            return
        }
        guard !isRetired else { return }
        if isWarm {
            warm.append(Kept(easy: easy, since: now))
            if warm.count > configuration.maxKeptConnections { warm.removeFirst() }
        } else if cold.count < configuration.maxKeptConnections {
            cold.append(easy)
        }
    }

    /// Notes that a handle will not come back.
    func drop(now: MonotonicInstant) {
        activeCount -= 1
        lastUsed = now
    }

    /// Closes its connections, now those that are kept and later those in use.
    func retire() {
        isRetired = true
        warm = []
        cold = []
    }

    /// When the first of its connections, or the empty pool itself, has been unused for too long; nil while it is in use.
    var expiry: MonotonicInstant? {
        if let oldest = warm.first { return oldest.since.advanced(by: configuration.maxIdle) }
        return activeCount == 0 ? lastUsed.advanced(by: configuration.maxIdle) : nil
    }

    /// Closes what has been unused for too long; true when nothing is left and the pool itself can go.
    func expire(now: MonotonicInstant) -> Bool {
        warm.removeAll { $0.since.advanced(by: configuration.maxIdle) <= now }
        guard warm.isEmpty, activeCount == 0 else { return false }
        return lastUsed.advanced(by: configuration.maxIdle) <= now
    }
}
