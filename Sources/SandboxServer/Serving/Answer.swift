internal import FoundationEssentials
package import HTTPServer
package import JSON

/// What a handler found out, before it is written in the form that the client wants.
package struct Answer: Sendable {
    /// The HTTP status.
    package var status: Int
    /// The document.
    package var body: JSONValue
    /// Texts for `Warning` headers.
    package var warnings: [String] = []

    /// Makes an answer.
    package init(_ body: JSONValue, status: Int = 200, warnings: [String] = []) {
        self.status = status
        self.body = body
        self.warnings = warnings
    }
}

extension HTTPServerResponse {
    /// A JSON or YAML document.
    package static func document(
        _ body: JSONValue,
        status: Int = 200,
        as mediaType: MediaType = .json,
        warnings: [String] = []
    ) -> HTTPServerResponse {
        let bytes: [UInt8]
        switch mediaType.format {
        case .json, .protobuf: bytes = body.serialized() + [UInt8(ascii: "\n")]
        case .yaml: bytes = Array(YAMLNotation.emit(body).utf8)
        }
        return encoded(bytes, status: status, as: mediaType, warnings: warnings)
    }

    /// Bytes that are a document already.
    package static func encoded(
        _ bytes: [UInt8],
        status: Int = 200,
        as mediaType: MediaType = .json,
        warnings: [String] = []
    ) -> HTTPServerResponse {
        var headers = [
            HTTPServerHeader(name: "Content-Type", value: mediaType.contentType),
            HTTPServerHeader(name: "Cache-Control", value: "no-cache, private"),
        ]
        headers += warnings.map { HTTPServerHeader(name: "Warning", value: warningHeader($0)) }
        return HTTPServerResponse(status: status, headers: headers, body: bytes)
    }

    /// A `Status` object.
    package static func failure(_ failure: APIFailure) -> HTTPServerResponse {
        var response = document(failure.status, status: failure.code)
        if let seconds = failure.retryAfterSeconds {
            response.headers.append(HTTPServerHeader(name: "Retry-After", value: String(seconds)))
        }
        return response
    }

    /// The plain text that the server's mux gives for paths that nothing is known about.
    package static let pageNotFound = HTTPServerResponse.text("404 page not found\n", status: 404)

    /// RFC 7234, 5.5: code, agent, quoted text; no line breaks may get into a header.
    private static func warningHeader(_ text: String) -> String {
        var quoted = ""
        for character in text.unicodeScalars {
            switch character {
            case "\"", "\\": quoted += "\\" + String(character)
            case let other where other.value < 0x20 || other.value == 0x7f: quoted += " "
            default: quoted.unicodeScalars.append(character)
            }
        }
        return "299 - \"\(quoted)\""
    }
}
