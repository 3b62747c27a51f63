public import HTTPTransport
public import JSON
import KubernetesCore

/// The answer to a request that succeeded.
public struct APIResponse: Sendable {
    /// The HTTP status, 200 to 299.
    public var status: Int
    /// The header lines in order of arrival.
    public var headers: [HTTPHeader]
    /// The body as it came.
    public var body: [UInt8]
    /// What the server warned of, such as deprecated versions; they were logged, each text once.
    public var warnings: [String]
    /// Where the time went.
    public var timings: HTTPTimings
    /// Which request it answers, for errors.
    let request: RequestSummary

    /// The body as JSON, without managed fields.
    ///
    /// - Throws: ``ClientError/decoding(_:request:)``.
    public func json() throws -> JSONValue {
        do {
            return try JSONValue(parsing: body, projection: .kubernetes)
        } catch {
            throw ClientError.decoding(error, request: request)
        }
    }

    /// The body as a Swift value.
    ///
    /// - Throws: ``ClientError/decoding(_:request:)``.
    public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try json().decode(type)
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError.decoding(error, request: request)
        }
    }
}
