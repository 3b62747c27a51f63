import JSON
import YAML

extension Kubeconfig {
    /// Reads one file.
    ///
    /// Every field that is known is checked, whether a context uses it or not, as kubectl does.
    ///
    /// - Parameters:
    ///   - bytes: YAML or JSON.
    ///   - file: its path: relative paths inside are meant from its directory. For other sources any name.
    /// - Returns: the entries of the file.
    /// - Throws: ``KubeconfigError`` for anything but a kubeconfig; unknown fields are no error.
    public static func parse(_ bytes: [UInt8], file: String) throws(KubeconfigError) -> Kubeconfig {
        let document: (value: JSONValue, lines: [String: Int])
        do throws(YAMLError) {
            document = try YAMLDocument.parseWithLines(bytes, source: file)
        } catch {
            throw KubeconfigError(file: file, line: error.line, field: error.path, message: error.message)
        }
        let fields = try KubeconfigFields(document.value, .init(file: file, lines: document.lines))
        if let kind = try fields.string("kind"), kind != "Config" {
            throw fields.error("kind", "must be Config: this is no kubeconfig")
        }
        if let version = try fields.string("apiVersion"), version != "v1" {
            throw fields.error("apiVersion", "must be v1: this is no kubeconfig")
        }
        return Kubeconfig(
            currentContext: try fields.string("current-context"),
            file: file,
            clusters: try entries(fields, "clusters", "cluster", cluster),
            users: try entries(fields, "users", "user", user),
            contexts: try entries(fields, "contexts", "context", context)
        )
    }

    /// Reads a list of `{name, <content>}`, in which names must be distinct.
    private static func entries<Content>(
        _ fields: KubeconfigFields,
        _ list: String,
        _ content: String,
        _ read: (KubeconfigFields) throws(KubeconfigError) -> Content
    ) throws(KubeconfigError) -> [Entry<Content>] {
        var found: [Entry<Content>] = []
        for item in try fields.objects(list) {
            guard let name = try item.string("name") else { throw item.error("name", "is missing") }
            if found.contains(where: { $0.name == name }) {
                throw item.error("name", "\"\(name)\" occurs twice in \(list); remove one of the two entries")
            }
            let value = try read(try item.content(content, path: "\(list)[\(name)]"))
            found.append(Entry(name: name, file: fields.source.file, line: item.line, content: value))
        }
        return found
    }

    private static func cluster(_ fields: KubeconfigFields) throws(KubeconfigError) -> Cluster {
        var cluster = Cluster()
        cluster.server = try fields.string("server")
        cluster.tlsServerName = try fields.string("tls-server-name")
        cluster.insecureSkipTLSVerify = try fields.bool("insecure-skip-tls-verify")
        cluster.certificateAuthority = try fields.string("certificate-authority")
        cluster.certificateAuthorityData = try fields.pem("certificate-authority-data")
        cluster.proxyURL = try fields.string("proxy-url")
        cluster.disableCompression = try fields.bool("disable-compression")
        for entry in try fields.objects("extensions")
        where try entry.string("name") == "client.authentication.k8s.io/exec" {
            cluster.execConfig = entry.json("extension")
        }
        return cluster
    }

    private static func user(_ fields: KubeconfigFields) throws(KubeconfigError) -> User {
        var user = User()
        user.clientCertificate = try fields.string("client-certificate")
        user.clientCertificateData = try fields.pem("client-certificate-data")
        user.clientKey = try fields.string("client-key")
        user.clientKeyData = try fields.pem("client-key-data").map { Sensitive($0) }
        user.token = try fields.headerText("token").map { Sensitive($0) }
        user.tokenFile = try fields.string("tokenFile")
        user.username = try fields.headerText("username")
        user.password = try fields.headerText("password").map { Sensitive($0) }
        user.impersonate = try fields.headerText("as")
        user.impersonateUID = try fields.headerText("as-uid")
        user.impersonateGroups = try fields.headerTexts("as-groups")
        user.impersonateExtra = try fields.headerTextLists("as-user-extra")
        user.authProvider = try fields.object("auth-provider").map { provider throws(KubeconfigError) in
            try provider.string("name") ?? "unnamed"
        }
        user.exec = try fields.object("exec").map(exec)
        return user
    }

    private static func exec(_ fields: KubeconfigFields) throws(KubeconfigError) -> Exec {
        var exec = Exec()
        exec.apiVersion = try fields.string("apiVersion")
        exec.command = try fields.string("command")
        exec.arguments = try fields.strings("args")
        for variable in try fields.objects("env") {
            guard let name = try variable.string("name") else { throw variable.error("name", "is missing") }
            exec.environment.append(.init(name: name, value: try variable.string("value") ?? ""))
        }
        exec.installHint = try fields.string("installHint")
        exec.provideClusterInfo = try fields.bool("provideClusterInfo")
        exec.interactiveMode = try fields.string("interactiveMode")
        return exec
    }

    private static func context(_ fields: KubeconfigFields) throws(KubeconfigError) -> Context {
        var context = Context()
        context.cluster = try fields.string("cluster")
        context.user = try fields.string("user")
        context.namespace = try fields.string("namespace")
        return context
    }
}
