internal import Glibc
internal import HTTPTransport
package import KubernetesClient
internal import KubernetesCore

/// What one look at a cluster's API server found, in the terms of MemberCluster's conditions.
package struct ClusterFinding: Error, Sendable, Hashable {
    /// What it means for the cluster.
    package enum Verdict: Sendable, Hashable {
        /// It answers and accepts the credential.
        case usable
        /// It does not answer, or says that it is not ready.
        case unreachable
        /// It answers, and does not know who asks.
        case unauthenticated
        /// It knows who asks, and refuses.
        case unauthorized
        /// There is no credential to ask with, as when an exec plug-in fails, so nobody has looked.
        case unasked
        /// There is no usable kubeconfig, so nobody has looked.
        case unconfigured
    }

    /// Where on the way to the answer it failed.
    package enum Layer: String, Sendable, Hashable, CaseIterable {
        case configuration = "configuration"
        case dns = "DNS"
        case proxy = "proxy"
        case tcp = "TCP"
        case tls = "TLS"
        case http = "HTTP"
    }

    /// What it means.
    package var verdict: Verdict
    /// The layer that failed; nil when none did.
    package var layer: Layer?
    /// The conditions' reason.
    package var reason: String
    /// What happened, for people; never holds anything out of the Secret.
    package var message: String
    /// How long the answer took; nil when there was none.
    package var latency: Duration?
    /// The server's version, where it was asked for.
    package var version: String?
    /// The identity of the cluster: the uid of its namespace kube-system; asked for together with the version, and nil
    /// where the credential may not list namespaces.
    package var clusterUID: String?

    /// Describes a finding.
    package init(_ verdict: Verdict, layer: Layer? = nil, reason: String, message: String) {
        self.verdict = verdict
        self.layer = layer
        self.reason = reason
        self.message = message
    }
}

extension ClusterFinding: CustomStringConvertible {
    /// `TCP failed (ConnectionRefused): connection refused`.
    package var description: String {
        guard let layer else { return message }
        return "\(layer.rawValue) failed (\(reason)): \(message)"
    }
}

/// The reasons of MemberCluster's conditions: what a program may compare.
package enum ClusterReason {
    package static let answering = "Answering"
    package static let dnsLookupFailed = "DNSLookupFailed"
    package static let proxyFailed = "ProxyFailed"
    package static let connectionRefused = "ConnectionRefused"
    package static let connectTimeout = "ConnectTimeout"
    package static let connectFailed = "ConnectFailed"
    package static let certificateInvalid = "CertificateInvalid"
    package static let tlsHandshakeFailed = "TLSHandshakeFailed"
    package static let tlsHandshakeTimeout = "TLSHandshakeTimeout"
    package static let connectionLost = "ConnectionLost"
    package static let httpTimeout = "HTTPTimeout"
    package static let serverError = "ServerError"
    package static let unexpectedAnswer = "UnexpectedAnswer"
    package static let unauthorized = "Unauthorized"
    package static let forbidden = "Forbidden"
    package static let missingPermissions = "MissingPermissions"
    package static let credentialUnavailable = "CredentialUnavailable"
    package static let kubeconfigMissing = "KubeconfigMissing"
    package static let invalidKubeconfig = "InvalidKubeconfig"
    package static let unsafeKubeconfig = "UnsafeKubeconfig"
    package static let notRenewable = "NotRenewable"
    package static let renewalFailed = "RenewalFailed"
    package static let notProbed = "NotProbed"
    package static let ready = "Ready"
}

extension ClusterFinding {
    /// What a failed call to a member says about it; nil when it says nothing, as for calls that were never sent.
    package init?(_ error: ClientError) {
        switch error {
        case .transport(let error, _): self.init(error)
        case .api(let error): self.init(error)
        case .credentials(let error):
            self.init(.unasked, reason: ClusterReason.credentialUnavailable, message: "\(error)")
        case .configuration(let error):
            self.init(
                .unconfigured,
                layer: .configuration,
                reason: ClusterReason.invalidKubeconfig,
                message: "\(error)"
            )
        case .decoding:
            self.init(.unreachable, layer: .http, reason: ClusterReason.unexpectedAnswer, message: "\(error)")
        case .invalidRequest, .refused, .noMatch: return nil
        }
    }

    /// What it says about a cluster that it has no client.
    package init?(_ error: MemberClientError) {
        let reason: String
        switch error {
        case .notFound: return nil
        case .noKubeconfig: reason = ClusterReason.kubeconfigMissing
        case .invalidKubeconfig: reason = ClusterReason.invalidKubeconfig
        case .unsafeKubeconfig: reason = ClusterReason.unsafeKubeconfig
        }
        self.init(.unconfigured, layer: .configuration, reason: reason, message: "\(error)")
    }

    private init(_ error: APIError) {
        switch error.status {
        case 401: self.init(.unauthenticated, reason: ClusterReason.unauthorized, message: "\(error)")
        case 403 where error.message.contains("\"system:anonymous\""):
            self.init(.unauthenticated, reason: ClusterReason.unauthorized, message: "\(error)")
        case 403: self.init(.unauthorized, reason: ClusterReason.forbidden, message: "\(error)")
        case 429, 500...599:
            self.init(
                .unreachable,
                layer: .http,
                reason: ClusterReason.serverError,
                message: Self.failedChecks(error) ?? "\(error)"
            )
        default:
            self.init(.unreachable, layer: .http, reason: ClusterReason.unexpectedAnswer, message: "\(error)")
        }
    }

    /// The checks that `/readyz` reports as failed, out of dozens that passed: `[+]ping ok [-]etcd failed: ...`.
    private static func failedChecks(_ error: APIError) -> String? {
        let failed = error.message.split(separator: "[").filter { $0.hasPrefix("-]") }
            .map { $0.dropFirst(2).split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        guard !failed.isEmpty else { return nil }
        return "/readyz answers \(error.status): " + failed.prefix(8).joined(separator: ", ")
    }

    private init?(_ error: HTTPTransportError) {
        // The layer is said apart.
        let message = error.message
        switch error.phase {
        case .dns: self.init(.unreachable, layer: .dns, reason: ClusterReason.dnsLookupFailed, message: message)
        case .proxy: self.init(.unreachable, layer: .proxy, reason: ClusterReason.proxyFailed, message: message)
        case .tcp: self.init(.unreachable, layer: .tcp, reason: Self.connectReason(error), message: message)
        case .tls: self.init(.unreachable, layer: .tls, reason: Self.handshakeReason(error), message: message)
        case .http:
            let reason = error.isTimeout ? ClusterReason.httpTimeout : ClusterReason.connectionLost
            self.init(.unreachable, layer: .http, reason: reason, message: message)
        case nil:
            switch error.layer {
            case .url:
                self.init(
                    .unconfigured,
                    layer: .configuration,
                    reason: ClusterReason.invalidKubeconfig,
                    message: message
                )
            case .tooLarge:
                self.init(.unreachable, layer: .http, reason: ClusterReason.unexpectedAnswer, message: message)
            // This process's own trouble says nothing about the cluster.
            default: return nil
            }
        }
    }

    private static func connectReason(_ error: HTTPTransportError) -> String {
        if error.isTimeout || error.systemCode == ETIMEDOUT { return ClusterReason.connectTimeout }
        return error.systemCode == ECONNREFUSED ? ClusterReason.connectionRefused : ClusterReason.connectFailed
    }

    /// libcurl's CURLE_PEER_FAILED_VERIFICATION: expired, for another name, or from another authority.
    private static let peerFailedVerification: Int32 = 60

    private static func handshakeReason(_ error: HTTPTransportError) -> String {
        if error.isTimeout { return ClusterReason.tlsHandshakeTimeout }
        return error.code == peerFailedVerification
            ? ClusterReason.certificateInvalid : ClusterReason.tlsHandshakeFailed
    }
}
