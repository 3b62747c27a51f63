import Foundation
import HTTPTransport
import JSON
import TestSupport
import YAML

/// An API server to ask: where it is and who asks.
struct Endpoint: Sendable {
    /// As `https://127.0.0.1:6443`.
    let url: String
    /// Trust and identity of an administrator.
    let security: ConnectionSecurity
    /// What an administrator sends with each request.
    var headers: [HTTPHeader] = []
    /// What is trusted when nobody in particular asks.
    var anonymous: ConnectionSecurity {
        ConnectionSecurity(certificateAuthority: security.certificateAuthority)
    }

    init(url: String, security: ConnectionSecurity = ConnectionSecurity(), headers: [HTTPHeader] = []) {
        self.url = url
        self.security = security
        self.headers = headers
    }

    /// The server and the administrator of a kubeconfig with one cluster and one user.
    init(kubeconfig: String) throws {
        let config = try Fixtures.yaml(URL(filePath: kubeconfig))
        guard let cluster = config["clusters"]?[index: 0]?["cluster"], let user = config["users"]?[index: 0]?["user"],
            let server = cluster["server"]?.stringValue
        else { throw FixtureError("\(kubeconfig) has no cluster or no user") }
        url = server
        security = ConnectionSecurity(
            certificateAuthority: Self.data(cluster["certificate-authority-data"]),
            clientCertificate: Self.data(user["client-certificate-data"]),
            clientKey: Self.data(user["client-key-data"])
        )
    }

    private static func data(_ value: JSONValue?) -> [UInt8]? {
        value?.stringValue.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
    }
}
