import JSON

/// The answer to one step, normalised: what two servers are compared by.
struct Exchange: Sendable, Hashable {
    /// The name of the step.
    var step: String
    var status: Int
    /// The headers that are part of the contract.
    var headers: [String: String]
    /// The document; a watch is the list of its events, plain text is a string.
    var body: JSONValue

    /// The headers that clients read.
    static let comparedHeaders = ["Content-Type", "Warning", "Retry-After", "Location", "Allow"]

    init(step: String, status: Int, headers: [String: String], body: JSONValue) {
        self.step = step
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(_ value: JSONValue) throws {
        guard let step = value["step"]?.stringValue, let status = value["status"]?.intValue, let body = value["body"]
        else { throw FixtureError("no recorded answer: \(value.text.prefix(200))") }
        self.init(
            step: step,
            status: Int(status),
            headers: value["headers"]?.stringDictionary ?? [:],
            body: body
        )
    }

    var value: JSONValue {
        ["step": .string(step), "status": .number(status), "headers": .strings(headers), "body": body]
    }

    /// Status and message, or kind, in short.
    var summary: JSONValue {
        let text = body["message"]?.stringValue ?? body["kind"]?.stringValue ?? String(body.text.prefix(200))
        return .string("\(status) \(text)")
    }
}
