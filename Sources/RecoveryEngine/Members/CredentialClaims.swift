package import FoundationEssentials
internal import JSON
package import KubernetesCore

/// What a credential says of itself: a token of a ServiceAccount, or a client certificate.
///
/// Nothing is verified here; the server does that.
package struct CredentialClaims: Sendable, Hashable {
    /// When it was made; nil when it does not say.
    package var start: Date?
    /// When it ends; nil when it does not say, as tokens from Secrets.
    package var end: Date?
    /// Whose it is, as RBAC names users: `system:serviceaccount:<namespace>:<name>`, or a certificate's common name.
    package var user: String?

    /// Reads what a client shows to its server: the token, else the certificate; nil when neither can be read.
    package static func of(_ configuration: ClientConfiguration) -> CredentialClaims? {
        if case .token(let token) = configuration.credentials { return of(token: token.value) }
        guard case .data(let pem) = configuration.clientCertificate?.certificate else { return nil }
        return of(certificate: pem.value)
    }

    /// Reads the claims `exp`, `iat` and `sub` of a JSON Web Token (RFC 7519); nil for other tokens.
    package static func of(token: String) -> CredentialClaims? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var payload = parts[1].map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        while payload.count % 4 != 0 { payload.append("=") }
        guard let bytes = Data(base64Encoded: String(payload)),
            case .success(let claims) = Result(catching: { try JSONValue(parsing: [UInt8](bytes)) }),
            claims.objectValue != nil
        else { return nil }
        return CredentialClaims(
            start: time(claims["iat"]),
            end: time(claims["exp"]),
            user: claims["sub"]?.stringValue
        )
    }

    /// Reads the first certificate of a PEM file (RFC 5280, section 4.1); nil when there is none.
    package static func of(certificate pem: [UInt8]) -> CredentialClaims? {
        let lines = String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let begin = lines.firstIndex(where: { $0.hasPrefix("-----BEGIN CERTIFICATE-----") }),
            let end = lines[begin...].firstIndex(where: { $0.hasPrefix("-----END CERTIFICATE-----") }),
            let der = Data(base64Encoded: lines[(begin + 1)..<end].joined())
        else { return nil }
        var outer = DERReader([UInt8](der))
        guard var certificate = outer.enter(.sequence), var body = certificate.enter(.sequence) else { return nil }
        // Version (tagged, may be missing), serial number, algorithm, issuer; then validity and subject.
        if body.next == .version { body.skip() }
        for _ in 0..<3 { body.skip() }
        guard var validity = body.enter(.sequence), let start = validity.time(), let end = validity.time() else {
            return nil
        }
        return CredentialClaims(start: start, end: end, user: body.enter(.sequence)?.commonName)
    }

    /// Whether it is time for a new one: `before` seconds before the end, but never in the first half of its life, or
    /// a server that grants short lives only would be asked at every probe.
    package func isDue(at now: Date, before: Double) -> Bool {
        guard let end else { return false }
        let limit = start.map { max(0, end.timeIntervalSince($0)) / 2 } ?? before
        return end.timeIntervalSince(now) <= min(before, limit)
    }

    private static func time(_ claim: JSONValue?) -> Date? {
        guard let seconds = claim?.doubleValue, abs(seconds) < 1e12 else { return nil }
        return Date(timeIntervalSince1970: seconds)
    }
}

/// Reads the few elements of a DER document (X.690) that lead to a certificate's validity; never beyond its bytes.
private struct DERReader {
    enum Tag: UInt8 {
        case sequence = 0x30
        case set = 0x31
        case objectIdentifier = 0x06
        case version = 0xA0
        case utcTime = 0x17
        case generalizedTime = 0x18
    }

    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    private init(slice: ArraySlice<UInt8>) {
        bytes = slice
    }

    /// The tag of the next element; nil for one that is not known here.
    var next: Tag? { bytes.first.flatMap(Tag.init(rawValue:)) }

    /// The common name (2.5.4.3) of a distinguished name; nil when it has none.
    var commonName: String? {
        var names = self
        while names.next == .set {
            guard var relative = names.enter(.set), var attribute = relative.enter(.sequence) else { return nil }
            guard attribute.next == .objectIdentifier, let type = attribute.take() else { return nil }
            guard type.elementsEqual([0x55, 0x04, 0x03]) else { continue }
            return attribute.take().map { String(decoding: $0, as: UTF8.self) }
        }
        return nil
    }

    mutating func skip() {
        _ = take()
    }

    mutating func enter(_ tag: Tag) -> DERReader? {
        guard next == tag, let content = take() else { return nil }
        return DERReader(slice: content)
    }

    mutating func time() -> Date? {
        let tag = next
        guard tag == .utcTime || tag == .generalizedTime, let content = take() else { return nil }
        let digits = content.dropLast()
        // Bytes and not characters are counted: the content is anybody's.
        guard content.last == UInt8(ascii: "Z"), digits.count == (tag == .utcTime ? 12 : 14),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        var pairs = stride(from: digits.startIndex, to: digits.endIndex, by: 2).map { start in
            String(decoding: digits[start..<start + 2], as: UTF8.self)
        }
        // Two digits for the year: 50 and above are of the last century (RFC 5280, section 4.1.2.5.1).
        if tag == .utcTime { pairs.insert(pairs[0] >= "50" ? "19" : "20", at: 0) }
        let date = "\(pairs[0])\(pairs[1])-\(pairs[2])-\(pairs[3])"
        return RFC3339.date(from: "\(date)T\(pairs[4]):\(pairs[5]):\(pairs[6])Z")
    }

    /// Takes the next element off and returns its content.
    private mutating func take() -> ArraySlice<UInt8>? {
        guard bytes.count >= 2 else { return nil }
        var length = Int(bytes[bytes.startIndex + 1])
        var rest = bytes.dropFirst(2)
        if length >= 0x80 {
            let count = length & 0x7F
            guard (1...3).contains(count), rest.count >= count else { return nil }
            length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(count)
        }
        guard rest.count >= length else { return nil }
        bytes = rest.dropFirst(length)
        return rest.prefix(length)
    }
}
