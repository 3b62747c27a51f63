internal import RecoveryAPI

extension ClusterFinding {
    /// What a person can do about it; every failure names its layer.
    ///
    /// - Parameters:
    ///   - cluster: the MemberCluster's name.
    ///   - secret: `namespace/name` of its kubeconfig Secret.
    /// - Returns: the steps in order; none when nothing failed.
    package func nextSteps(cluster: String, secret: String) -> [String] {
        guard let layer else { return [] }
        let step =
            switch layer {
            case .configuration: "Put a self-contained kubeconfig for \(cluster) into Secret \(secret)"
            case .dns:
                "DNS: check the host in clusters[].cluster.server of Secret \(secret), and that the controller's pods "
                    + "can resolve it"
            case .proxy: "Proxy: check clusters[].cluster.proxy-url of Secret \(secret) and the proxy itself"
            case .tcp: tcpStep(cluster, secret)
            case .tls: tlsStep(cluster, secret)
            case .http:
                "HTTP: ask the API server of \(cluster) what is wrong: kubectl get --raw='/readyz?verbose'"
            }
        return [step, "Then watch: kubectl get membercluster \(cluster) -o yaml"]
    }

    private func tcpStep(_ cluster: String, _ secret: String) -> String {
        switch reason {
        case ClusterReason.connectionRefused:
            "TCP: nothing listens at the endpoint of \(cluster): start its API server, or correct the port in Secret "
                + secret
        default:
            "TCP: no connection to the endpoint of \(cluster): check routes, firewalls, load balancer and the "
                + "controller's NetworkPolicy"
        }
    }

    private func tlsStep(_ cluster: String, _ secret: String) -> String {
        switch reason {
        case ClusterReason.certificateInvalid:
            "TLS: the certificate of \(cluster) does not verify: renew it, or correct certificate-authority-data in "
                + "Secret \(secret)"
        default:
            "TLS: no handshake with \(cluster): check that the endpoint is its API server and not something between"
        }
    }
}
