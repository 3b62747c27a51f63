import JSON

// How an answer becomes an error. Everything here takes whatever a server or a proxy may send.
extension APIError {
    /// The Status in a body; nil when it is something else: HTML of a proxy, plain text, nothing.
    static func parseStatus(_ body: [UInt8]) -> KubernetesStatus? {
        // Failing to parse is the normal case for proxies and no error of its own: the excerpt shows the body.
        guard case .success(let value) = Result(catching: { try JSONValue(parsing: body) }),
            value["kind"]?.stringValue == "Status",
            case .success(let status) = Result(catching: { try value.decode(KubernetesStatus.self) })
        else { return nil }
        return status
    }

    /// A Status without the texts that may quote the request's content.
    ///
    /// Messages about names and rights quote none; those about content (400, 422, 500) do.
    static func withoutContent(_ original: KubernetesStatus, status: Int) -> KubernetesStatus {
        guard ![401, 403, 404, 409, 410, 429].contains(status) else { return original }
        var stripped = original
        stripped.message = nil
        stripped.details?.causes = original.details?.causes?.map { .init(reason: $0.reason, field: $0.field) }
        return stripped
    }

    /// The start of a body as text, cut between characters.
    static func excerpt(of body: [UInt8]) -> String {
        var end = min(body.count, maxExcerptBytes)
        if end < body.count {
            while end > 0, body[end] & 0xC0 == 0x80 { end -= 1 }
        }
        let text = String(decoding: body[..<end], as: UTF8.self)
        // Control characters would let a server write escape sequences into terminals and logs.
        let printable = String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
        return printable.split(separator: " ").joined(separator: " ")
    }

    /// The wait that the server asks for: the header in whole seconds (never a date), else the Status.
    static func retryAfter(headers: [(String, String)], details: KubernetesStatus.Details?) -> Duration? {
        let header = headers.first { $0.0.lowercased() == "retry-after" }?.1
        let digits = header?.filter { $0 != " " } ?? ""
        let fromHeader = digits.utf8.allSatisfy { (48...57).contains($0) } ? Int(digits) : nil
        guard let seconds = fromHeader ?? details?.retryAfterSeconds, seconds >= 0 else { return nil }
        return .seconds(min(seconds, maxRetryAfterSeconds))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}
