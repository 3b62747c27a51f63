internal import FoundationEssentials
internal import JSON

/// Where a list in pages goes on: the revision of its first page, and the first name that is still to come.
struct ContinueToken: Sendable, Hashable {
    /// The revision of the list; nil to go on with the state of now.
    var revision: UInt64?
    /// The first name that may come.
    var name: ObjectName

    /// Goes on behind an object.
    init(revision: UInt64?, after last: ObjectName) {
        self.revision = revision
        // Nothing sorts between a name and the same with a NUL behind it.
        name = ObjectName(namespace: last.namespace, name: last.name + "\0")
    }

    /// Reads what ``text(in:)`` wrote for the same namespace.
    ///
    /// - Throws: ``APIFailure`` 400 in the real server's words.
    init(parsing text: String, namespace: String?) throws(APIFailure) {
        guard let bytes = Self.decode(text) else {
            // Go names the first byte that is outside of the alphabet, or the end of the text.
            let offset = text.utf8.prefix { Self.isBase64URL($0) }.count
            throw Self.invalid("illegal base64 data at input byte \(offset)")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw Self.invalid(Self.goMessage(for: bytes))
        }
        let version = value["v"]?.stringValue ?? ""
        guard version == Self.version else {
            throw Self.invalid("server does not recognize this encoded version \(version.goQuoted)")
        }
        guard let number = value["rv"]?.intValue, number != 0 else {
            throw Self.invalid("incorrect encoded start resourceVersion (version \(Self.version))")
        }
        guard let start = value["start"]?.stringValue, !start.isEmpty else {
            throw Self.invalid("encoded start key empty (version \(Self.version))")
        }
        revision = number < 0 ? nil : UInt64(number)
        name = try Self.name(start, in: namespace)
    }

    /// The same place in a list of no particular revision.
    var atAnyRevision: ContinueToken {
        var token = self
        token.revision = nil
        return token
    }

    /// The opaque text for `metadata.continue` of a list of one namespace, or of all.
    func text(in namespace: String?) -> String {
        let path = namespace == nil && !name.namespace.isEmpty ? "/\(name.namespace)/\(name.name)" : "/\(name.name)"
        let number = revision.flatMap { Int64(exactly: $0) } ?? -1
        // In Go's order, so that a token is the real server's.
        let token = "{\"v\":\"\(Self.version)\",\"rv\":\(number),\"start\":\(JSONValue.string(path).text)}"
        return Data(token.utf8).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static let version = "meta.k8s.io/v1"

    private static func invalid(_ why: String) -> APIFailure {
        .badRequest("invalid continue token: continue key is not valid: \(why)")
    }

    private static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.allSatisfy(isBase64URL) else { return nil }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        let standard = text.replacing("-", with: "+").replacing("_", with: "/") + padding
        return Data(base64Encoded: standard).map { Array($0) }
    }

    private static func isBase64URL(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// What Go's decoder says of a text that is no JSON, for its beginning.
    private static func goMessage(for bytes: [UInt8]) -> String {
        guard let first = bytes.first else { return "unexpected end of JSON input" }
        guard first != UInt8(ascii: "{") else { return "unexpected end of JSON input" }
        let character = String(decoding: [first], as: UTF8.self)
        return "invalid character '\(character)' looking for beginning of value"
    }

    /// `/namespace/name` of a list of everything, `/name` of one of a namespace or of cluster-scoped objects.
    private static func name(_ start: String, in namespace: String?) throws(APIFailure) -> ObjectName {
        let parts = start.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        guard start.hasPrefix("/"), (1...2).contains(parts.count),
            !parts.contains(where: { ["", ".", ".."].contains($0) })
        else { throw invalid(start) }
        if parts.count == 2 { return ObjectName(namespace: parts[0], name: parts[1]) }
        return ObjectName(namespace: namespace ?? "", name: parts[0])
    }
}
