import FoundationEssentials
import JSON

extension ExecCredential {
    /// The value of `KUBERNETES_EXEC_INFO` for a plugin.
    ///
    /// - Parameters:
    ///   - configuration: the plugin; its cluster is told when it asks for it.
    ///   - certificateAuthority: the PEM of the cluster's CA when that is a file, which the caller has read.
    ///   - isInteractive: whether the plugin gets the terminal.
    /// - Returns: an ExecCredential as JSON on one line.
    public static func request(
        for configuration: ExecConfiguration,
        certificateAuthority: [UInt8]? = nil,
        isInteractive: Bool
    ) -> String {
        var spec: JSONValue = ["interactive": .bool(isInteractive)]
        if configuration.provideClusterInfo, let cluster = configuration.cluster {
            spec["cluster"] = cluster.jsonValue(certificateAuthority)
        }
        let request: JSONValue = [
            "apiVersion": .string(configuration.apiVersion.rawValue), "kind": "ExecCredential", "spec": spec,
        ]
        return request.text
    }
}

extension ExecConfiguration.Cluster {
    fileprivate func jsonValue(_ authority: [UInt8]?) -> JSONValue {
        var value: JSONValue = ["server": .string(server)]
        value["tls-server-name"] = tlsServerName.map(JSONValue.string)
        if insecureSkipTLSVerify { value["insecure-skip-tls-verify"] = true }
        var pem = authority
        if case .data(let data) = certificateAuthority { pem = data.value }
        value["certificate-authority-data"] = pem.map { .string(Data($0).base64EncodedString()) }
        value["proxy-url"] = proxyURL.map { .string($0.value) }
        if disableCompression { value["disable-compression"] = true }
        value["config"] = config
        return value
    }
}
