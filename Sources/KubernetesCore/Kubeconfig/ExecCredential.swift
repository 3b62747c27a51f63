public import FoundationEssentials
import JSON
import YAML

/// What an exec plugin has printed: credentials with an end.
public struct ExecCredential: Sendable, Hashable {
    /// A bearer token.
    public var token: Sensitive<String>?
    /// A client certificate with its key, PEM.
    public var clientCertificate: ClientCertificate?
    /// When they end; nil means when the server answers 401.
    public var expiration: Date?

    /// Reads what a plugin has printed, JSON or YAML.
    ///
    /// - Throws: ``ExecCredentialError``; its message never holds what was printed.
    public init(
        parsing output: [UInt8],
        expecting apiVersion: ExecConfiguration.APIVersion
    ) throws(ExecCredentialError) {
        let document = try Self.parse(output)
        guard document["kind"]?.stringValue == "ExecCredential" else {
            throw ExecCredentialError(message: "the exec plugin printed no object of kind ExecCredential")
        }
        guard document["apiVersion"]?.stringValue == apiVersion.rawValue else {
            throw ExecCredentialError(
                message: "the exec plugin answered in another apiVersion than \(apiVersion.rawValue); "
                    + "make exec.apiVersion in the kubeconfig the one that the plugin speaks"
            )
        }
        guard let status = document["status"], status.objectValue != nil else {
            throw ExecCredentialError(message: "the exec plugin printed an ExecCredential without status")
        }
        token = try Self.string("token", in: status).map { Sensitive($0) }
        if let token, token.value.unicodeScalars.contains(where: { $0.value < 0x21 || $0.value > 0x7E }) {
            throw ExecCredentialError(message: "the exec plugin's status.token holds spaces or control characters")
        }
        clientCertificate = try Self.certificate(in: status)
        expiration = try Self.expiration(in: status)
        guard token != nil || clientCertificate != nil else {
            throw ExecCredentialError(message: "the exec plugin's status has neither a token nor a client certificate")
        }
    }

    /// JSON where it looks like it, else YAML, which some plugins print.
    private static func parse(_ output: [UInt8]) throws(ExecCredentialError) -> JSONValue {
        do {
            if output.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") {
                return try JSONValue(parsing: output)
            }
            return try YAMLDocument.parse(output, source: "output of the exec plugin")
        } catch {
            // The parsers' messages hold positions, never text.
            throw ExecCredentialError(message: "the exec plugin printed neither JSON nor YAML: \(error)")
        }
    }

    private static func certificate(in status: JSONValue) throws(ExecCredentialError) -> ClientCertificate? {
        let certificate = try string("clientCertificateData", in: status)
        let key = try string("clientKeyData", in: status)
        switch (certificate, key) {
        case (let certificate?, let key?):
            return ClientCertificate(
                certificate: .data(Sensitive(Array(certificate.utf8))),
                key: .data(Sensitive(Array(key.utf8)))
            )
        case (nil, nil): return nil
        default:
            throw ExecCredentialError(
                message: "the exec plugin's status has only one of clientCertificateData and clientKeyData"
            )
        }
    }

    private static func expiration(in status: JSONValue) throws(ExecCredentialError) -> Date? {
        guard let text = try string("expirationTimestamp", in: status) else { return nil }
        guard let date = Timestamp.parse(text) else {
            throw ExecCredentialError(message: "the exec plugin's status.expirationTimestamp is no RFC 3339 time")
        }
        return date
    }

    private static func string(_ field: String, in status: JSONValue) throws(ExecCredentialError) -> String? {
        switch status[field] {
        case nil, .null: return nil
        case .string(let text): return text.isEmpty ? nil : text
        default: throw ExecCredentialError(message: "the exec plugin's status.\(field) is no string")
        }
    }
}

/// An exec plugin cannot be used, or has printed something else than credentials.
public struct ExecCredentialError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong; never holds what was printed, which may be secret.
    public let message: String

    /// Makes an error.
    public init(message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
