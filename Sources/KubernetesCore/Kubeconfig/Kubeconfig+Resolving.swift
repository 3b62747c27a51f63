extension Kubeconfig {
    /// Makes the configuration of a context; nil for the current one.
    ///
    /// Nothing is read from disk: files stay references, as absolute paths or relative to the working directory.
    ///
    /// - Throws: ``KubeconfigError`` that names the entry, the field and the remedy.
    public func resolve(context name: String? = nil) throws(KubeconfigError) -> ClientConfiguration {
        let context = try selectContext(name)
        let cluster = try selectCluster(of: context)
        let user = try selectUser(of: context)
        let server = try ClusterRules(cluster: cluster).server()
        var configuration = ClientConfiguration(server: server, namespace: context.content.namespace ?? "default")
        try ClusterRules(cluster: cluster).apply(to: &configuration)
        if let user {
            let rules = UserRules(user: user, cluster: cluster)
            let credentials = try rules.credentials()
            let certificate = try rules.clientCertificate()
            configuration.impersonation = try rules.impersonation()
            if server.hasPrefix("https://") {
                configuration.credentials = certificate != nil && credentials.isExec ? .none : credentials
                configuration.clientCertificate = certificate
            } else if credentials != .none || certificate != nil {
                // As client-go: whoever listens on the way would have them.
                configuration.warnings.append(
                    "credentials of user \"\(user.name)\" are not used: \(server) is not https"
                )
            }
        }
        return configuration
    }

    /// The fields of a context that reach outside of the file itself.
    ///
    /// A kubeconfig from a Secret must have none: it would run programs or read files of the controller.
    ///
    /// - Parameters:
    ///   - name: the context; nil for the current one.
    ///   - allowedCommands: exec plugins that are permitted, as absolute paths.
    /// - Returns: field paths, such as `users[admin].user.exec`; empty when the context is self-contained.
    /// - Throws: ``KubeconfigError`` when the context or what it names does not exist.
    public func unsafeFields(
        context name: String? = nil,
        allowedCommands: Set<String> = []
    ) throws(KubeconfigError) -> [String] {
        let context = try selectContext(name)
        let cluster = try selectCluster(of: context)
        var fields: [String] = []
        if cluster.content.certificateAuthority != nil {
            fields.append("clusters[\(cluster.name)].cluster.certificate-authority")
        }
        if let user = try selectUser(of: context) {
            let unsafe = UserRules(user: user, cluster: cluster).unsafeFields(allowedCommands: allowedCommands)
            fields += unsafe.map { "users[\(user.name)].user.\($0)" }
        }
        return fields
    }

    private func selectContext(_ name: String?) throws(KubeconfigError) -> Entry<Context> {
        let known = contexts.isEmpty ? "the file has none" : "known: \(contextNames.joined(separator: ", "))"
        guard let name = name ?? currentContext else {
            throw KubeconfigError(
                file: file,
                field: "current-context",
                message: "is not set; set it or name a context (\(known))"
            )
        }
        guard let context = contexts.first(where: { $0.name == name }) else {
            throw KubeconfigError(file: file, field: "contexts", message: "there is no context \"\(name)\" (\(known))")
        }
        return context
    }

    private func selectCluster(of context: Entry<Context>) throws(KubeconfigError) -> Entry<Cluster> {
        let field = "contexts[\(context.name)].context.cluster"
        guard let name = context.content.cluster else {
            throw KubeconfigError(
                file: context.file,
                line: context.line,
                field: field,
                message: "is missing; name an entry of clusters"
            )
        }
        guard let cluster = clusters.first(where: { $0.name == name }) else {
            throw KubeconfigError(
                file: context.file,
                line: context.line,
                field: field,
                message: "there is no cluster \"\(name)\" in clusters; add it"
            )
        }
        return cluster
    }

    /// The user of a context; nil when it names none and so is anonymous.
    private func selectUser(of context: Entry<Context>) throws(KubeconfigError) -> Entry<User>? {
        guard let name = context.content.user else { return nil }
        guard let user = users.first(where: { $0.name == name }) else {
            throw KubeconfigError(
                file: context.file,
                line: context.line,
                field: "contexts[\(context.name)].context.user",
                message: "there is no user \"\(name)\" in users; add it"
            )
        }
        return user
    }
}

extension Kubeconfig.Entry {
    /// A path inside of a kubeconfig, as seen from outside: relative ones start at the directory of their own file.
    func resolve(path: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }
}

extension Credentials {
    fileprivate var isExec: Bool {
        if case .exec = self { true } else { false }
    }
}
