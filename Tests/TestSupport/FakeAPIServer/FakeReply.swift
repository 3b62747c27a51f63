public import HTTPTransport
public import JSON
import KubernetesCore

/// What the ``FakeAPIServer`` answers; hooks may make their own.
public struct FakeReply: Sendable {
    /// The HTTP status.
    public var status: Int
    /// Headers besides the content type.
    public var headers: [HTTPHeader]
    /// The bytes of the body.
    public var body: [UInt8]

    /// Makes an answer of bytes.
    public init(status: Int, headers: [HTTPHeader] = [], body: [UInt8]) {
        self.status = status
        self.headers = [HTTPHeader(name: "Content-Type", value: "application/json")] + headers
        self.body = body
    }

    /// Makes an answer of a JSON document.
    public init(status: Int = 200, _ json: JSONValue) {
        self.init(status: status, body: json.serialized())
    }

    /// Makes the error answer of a real server: a Status, and `Retry-After` where a time is given.
    public static func failure(
        _ status: Int,
        _ reason: String,
        _ message: String = "",
        causes: [JSONValue] = [],
        retryAfterSeconds: Int? = nil
    ) -> FakeReply {
        var reply = FakeReply(status: status, statusObject(status, reason, message, causes, retryAfterSeconds))
        if let retryAfterSeconds {
            reply.headers.append(HTTPHeader(name: "Retry-After", value: String(retryAfterSeconds)))
        }
        return reply
    }

    /// A Status as error answers and ERROR events carry it.
    public static func statusObject(
        _ code: Int,
        _ reason: String,
        _ message: String = "",
        _ causes: [JSONValue] = [],
        _ retryAfterSeconds: Int? = nil
    ) -> JSONValue {
        var status: JSONValue = [
            "apiVersion": "v1", "kind": "Status", "metadata": [:], "status": "Failure",
            "message": .string(message.isEmpty ? reason : message), "reason": .string(reason), "code": .number(code),
        ]
        if !causes.isEmpty { status.set(.array(causes), at: ["details", "causes"]) }
        if let retryAfterSeconds { status.set(.number(retryAfterSeconds), at: ["details", "retryAfterSeconds"]) }
        return status
    }

    static func notFound(_ target: FakeTarget) -> FakeReply {
        failure(404, "NotFound", "\(target.collection.plural) \"\(target.name ?? "")\" not found")
    }

    static func conflict(_ target: FakeTarget, _ message: String) -> FakeReply {
        failure(
            409,
            "Conflict",
            "Operation cannot be fulfilled on \(target.collection.plural) \"\(target.name ?? "")\": \(message)"
        )
    }

    var response: HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: body)
    }
}
