internal import FoundationEssentials
package import HTTPServer
package import JSON
internal import YAML

/// The object in a request's body.
package enum RequestBody {
    /// The most bytes that a body may have, as in the API server.
    package static let maxBytes = 3 << 20

    /// Parses a body of the notation that `Content-Type` names.
    ///
    /// `kind` is the kind that is expected, for messages.
    ///
    /// - Throws: ``APIFailure`` 400 when it cannot be parsed, 413 when it is too large, 415 for other notations.
    package static func parse(_ request: HTTPServerRequest, kind: String) throws(APIFailure) -> JSONValue {
        let format = try MediaType.ofBody(contentType: request.header("Content-Type"))
        return try parse(request.body, format: format) { text in
            .badRequest(
                "the object provided is unrecognized (must be of type \(kind)): couldn't get version/kind; "
                    + "\(text) (\(summary(request.body)))"
            )
        }
    }

    /// Parses bytes; `failure` makes the answer out of what is wrong.
    package static func parse(
        _ bytes: [UInt8],
        format: MediaType.Format,
        failure: (String) -> APIFailure
    ) throws(APIFailure) -> JSONValue {
        try checkSize(bytes)
        switch format {
        case .json:
            do {
                return try JSONValue(parsing: bytes)
            } catch {
                throw failure("json parse error: \(GoJSONError.text(for: error, in: bytes))")
            }
        case .protobuf:
            do {
                return try ProtobufDecoder.object(bytes)
            } catch {
                throw failure(error.message)
            }
        case .yaml:
            do {
                return try YAMLNotation.parse(bytes)
            } catch {
                throw failure("error converting YAML to JSON: yaml: line \(error.line): \(error.message)")
            }
        }
    }

    /// - Throws: ``APIFailure`` 413 when there are more bytes than allowed.
    package static func checkSize(_ bytes: [UInt8]) throws(APIFailure) {
        if bytes.count > maxBytes { throw .tooLarge(limit: maxBytes) }
    }

    /// The beginning of a body for messages.
    static func summary(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "<empty>" }
        let limit = 30
        let head = bytes.prefix(limit)
        let isText = head.allSatisfy { $0 >= 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
        let text = isText ? String(decoding: head, as: UTF8.self) : head.map { hex($0) }.joined()
        return bytes.count > limit ? text + " ..." : text
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

/// What Go's JSON decoder says about bytes that are no JSON.
enum GoJSONError {
    /// The text for an error at its offset.
    static func text(for error: JSONError, in bytes: [UInt8]) -> String {
        switch error.kind {
        case .unexpectedEnd: return "unexpected end of JSON input"
        default: break
        }
        guard bytes.indices.contains(error.offset) else { return "unexpected end of JSON input" }
        let byte = bytes[error.offset]
        let shown = byte == UInt8(ascii: "'") ? "\\'" : String(UnicodeScalar(byte))
        if error.kind == .trailingContent { return "invalid character '\(shown)' after top-level value" }
        return "invalid character '\(shown)' looking for beginning of value"
    }
}
