package import HTTPServer
package import JSON

/// The body of a PATCH, read by its content type.
package struct PatchRequest: Sendable {
    /// The ways to patch.
    package enum Method: Sendable {
        /// JSON, merge and strategic merge patches.
        case patch(PatchType, JSONValue)
        /// Server-side apply.
        case apply(JSONValue)
    }

    /// How to patch, and with what.
    package let method: Method

    private static let apply = "application/apply-patch+yaml"

    /// Reads the body.
    ///
    /// - Throws: ``APIFailure`` 400 for a body that cannot be parsed, 415 for types that the resource does not take.
    package init(_ request: HTTPServerRequest, _ resource: ServedResource) throws(APIFailure) {
        let isCustom = resource.definition.isCustom
        let name = request.header("Content-Type").map { MediaType.Clause($0[...]).name } ?? ""
        if name == Self.apply {
            method = .apply(try Self.configuration(request.body))
            return
        }
        guard let type = PatchType(rawValue: name), !isCustom || type != .strategicMerge else {
            guard isCustom else { throw .generic(415, "UnsupportedMediaType", "415: Unsupported Media Type") }
            let types = PatchType.allCases.filter { $0 != .strategicMerge }.map(\.rawValue) + [Self.apply]
            throw MediaType.unsupported(types.joined(separator: ", "))
        }
        method = .patch(
            type,
            try RequestBody.parse(request.body, format: .json) { text in
                .badRequest(text.replacing("json parse error", with: "error decoding patch"))
            }
        )
    }

    /// Whether it is an apply.
    package var isApply: Bool {
        if case .apply = method { true } else { false }
    }

    private static func configuration(_ body: [UInt8]) throws(APIFailure) -> JSONValue {
        let value = try RequestBody.parse(body, format: .yaml) { text in .badRequest("error decoding YAML: \(text)") }
        guard value.objectValue != nil else {
            throw .badRequest("error decoding YAML: json: cannot unmarshal \(value.goKind) into Go value of type map")
        }
        return value
    }
}
