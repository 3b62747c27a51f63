import Foundation
import JSON
import KubernetesCore
import Testing

/// One request and answer recorded from a real API server; see `Fixtures/kube-1.36.2/README.md`.
struct Recording {
    let request: JSONValue
    let status: Int
    let headers: [(String, String)]
    /// The body as it went over the wire.
    let body: JSONValue

    init(_ name: String) throws {
        let url = Bundle.module.bundleURL.appending(path: "Fixtures/kube-1.36.2/\(name).json")
        let pair = try JSONValue(parsing: Array(Data(contentsOf: url)))
        request = try #require(pair["request"])
        let response = try #require(pair["response"])
        status = Int(try #require(response["status"]?.intValue))
        headers = (response["headers"]?.stringDictionary ?? [:]).map { ($0.key, $0.value) }
        body = try #require(response["body"])
    }

    /// The bytes of the body: recorded strings were plain text.
    var bodyBytes: [UInt8] { body.stringValue.map { Array($0.utf8) } ?? body.serialized() }

    /// The error that the answer is for a request of our own.
    func error(for request: APIRequest) -> APIError {
        APIError(request: request, status: status, headers: headers, body: bodyBytes)
    }
}
