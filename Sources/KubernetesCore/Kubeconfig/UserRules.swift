/// What client-go checks about a user entry, and which credentials follow from it.
struct UserRules {
    let user: Kubeconfig.Entry<Kubeconfig.User>
    let cluster: Kubeconfig.Entry<Kubeconfig.Cluster>

    private func error(_ field: String, _ message: String) -> KubeconfigError {
        KubeconfigError(file: user.file, line: user.line, field: "users[\(user.name)].user.\(field)", message: message)
    }

    /// What each request carries: token file, then token, then password, then exec plugin.
    func credentials() throws(KubeconfigError) -> Credentials {
        let content = user.content
        let hasToken = content.token != nil || content.tokenFile != nil
        let hasPassword = content.username != nil || content.password != nil
        if hasToken, hasPassword {
            throw error("username", "cannot be set together with a token; keep one way to log in")
        }
        if let provider = content.authProvider {
            throw error("auth-provider", Self.authProviderMessage(provider))
        }
        let exec = try content.exec.map { settings throws(KubeconfigError) in try configuration(settings) }
        if let file = content.tokenFile { return .tokenFile(user.resolve(path: file)) }
        if let token = content.token { return .token(token) }
        if hasPassword {
            return .basic(username: content.username ?? "", password: content.password ?? Sensitive(""))
        }
        return exec.map(Credentials.exec) ?? .none
    }

    /// The TLS client certificate; data before paths.
    func clientCertificate() throws(KubeconfigError) -> ClientCertificate? {
        let content = user.content
        let certificate =
            content.clientCertificateData.map { CredentialSource.data(Sensitive($0)) }
            ?? content.clientCertificate.map { .file(user.resolve(path: $0)) }
        let key =
            content.clientKeyData.map(CredentialSource.data)
            ?? content.clientKey.map { .file(user.resolve(path: $0)) }
        switch (certificate, key) {
        case (let certificate?, let key?): return ClientCertificate(certificate: certificate, key: key)
        case (nil, nil): return nil
        case (_?, nil): throw error("client-key-data", "is missing; a client certificate needs its key")
        case (nil, _?): throw error("client-certificate-data", "is missing; a client key needs its certificate")
        }
    }

    /// As whom the requests are done.
    func impersonation() throws(KubeconfigError) -> Impersonation? {
        let content = user.content
        guard let name = content.impersonate else {
            if content.impersonateUID != nil || !content.impersonateGroups.isEmpty || !content.impersonateExtra.isEmpty
            {
                throw error("as", "is missing; as-uid, as-groups and as-user-extra need a user")
            }
            return nil
        }
        return Impersonation(
            user: name,
            uid: content.impersonateUID,
            groups: content.impersonateGroups,
            extra: content.impersonateExtra
        )
    }

    /// The fields that run programs or read files.
    func unsafeFields(allowedCommands: Set<String>) -> [String] {
        let content = user.content
        var fields: [String] = []
        if content.clientCertificate != nil { fields.append("client-certificate") }
        if content.clientKey != nil { fields.append("client-key") }
        if content.tokenFile != nil { fields.append("tokenFile") }
        if content.authProvider != nil { fields.append("auth-provider") }
        if let exec = content.exec {
            if let command = exec.command, command.hasPrefix("/"), allowedCommands.contains(command) {
                // A permitted program must not be turned into another one by the loader or the search path.
                fields += exec.environment.map(\.name).filter { $0.hasPrefix("LD_") || $0 == "PATH" }
                    .map { "exec.env[\($0)]" }
            } else {
                fields.append("exec")
            }
        }
        return fields
    }

    private func configuration(_ exec: Kubeconfig.Exec) throws(KubeconfigError) -> ExecConfiguration {
        guard let command = exec.command else { throw error("exec.command", "is missing; name the plugin to run") }
        guard let version = exec.apiVersion.flatMap(ExecConfiguration.APIVersion.init) else {
            let known = ExecConfiguration.APIVersion.allCases.map(\.rawValue).joined(separator: " or ")
            throw error("exec.apiVersion", "must be \(known); update the plugin and let it write its entry again")
        }
        // A bare name is looked up in PATH; anything with a slash is a path, relative ones from the file's directory.
        let path = command.contains("/") ? user.resolve(path: command) : command
        var configuration = ExecConfiguration(apiVersion: version, command: path)
        configuration.interactiveMode = try interactiveMode(exec.interactiveMode, version)
        configuration.arguments = exec.arguments
        configuration.environment = exec.environment
        configuration.installHint = exec.installHint.map(Self.sanitise)
        configuration.provideClusterInfo = exec.provideClusterInfo
        if exec.provideClusterInfo { configuration.cluster = try clusterForExec() }
        return configuration
    }

    private func interactiveMode(
        _ text: String?,
        _ version: ExecConfiguration.APIVersion
    ) throws(KubeconfigError) -> ExecConfiguration.InteractiveMode {
        if text == nil, version == .v1beta1 { return .ifAvailable }
        guard let mode = text.flatMap(ExecConfiguration.InteractiveMode.init) else {
            throw error("exec.interactiveMode", "must be Never, IfAvailable or Always")
        }
        return mode
    }

    private func clusterForExec() throws(KubeconfigError) -> ExecConfiguration.Cluster {
        let rules = ClusterRules(cluster: cluster)
        return ExecConfiguration.Cluster(
            server: try rules.server(),
            tlsServerName: cluster.content.tlsServerName,
            insecureSkipTLSVerify: cluster.content.insecureSkipTLSVerify,
            certificateAuthority: rules.certificateAuthority,
            proxyURL: cluster.content.proxyURL.map { Sensitive($0) },
            disableCompression: cluster.content.disableCompression,
            config: cluster.content.execConfig
        )
    }

    /// A hint fit for a terminal or a log: no control characters, and not endless.
    private static func sanitise(_ hint: String) -> String {
        let scalars = hint.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0 }
        return String(String.UnicodeScalarView(scalars.prefix(1024)))
    }

    private static func authProviderMessage(_ provider: String) -> String {
        let remedy =
            switch provider {
            case "gcp": "install gke-gcloud-auth-plugin and run `gcloud container clusters get-credentials`"
            case "azure": "install kubelogin and run `kubelogin convert-kubeconfig`"
            case "oidc": "use an exec plugin such as `kubectl oidc-login`"
            default: "use an exec plugin, a token or a client certificate"
            }
        return "\"\(provider.prefix(64))\": auth providers have been removed from Kubernetes clients; \(remedy)"
    }
}
