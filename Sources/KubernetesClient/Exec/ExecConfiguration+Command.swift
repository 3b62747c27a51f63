import KubernetesCore

extension ExecConfiguration {
    /// The program as it is to be run, with `KUBERNETES_EXEC_INFO` in its environment.
    func command(context: CredentialContext, timeout: Duration) throws(CredentialError) -> Command {
        let source = "exec plug-in \(command)"
        guard interactiveMode != .always else {
            throw CredentialError(
                source: source,
                message: "it needs a terminal (interactiveMode: Always); use a plug-in or credentials that do not"
            )
        }
        var authority: [UInt8]?
        if provideClusterInfo, case .file(let path)? = cluster?.certificateAuthority {
            do throws(FileReadError) {
                authority = try context.readFile(path)
            } catch {
                throw CredentialError(source: source, message: "the cluster's CA for it: \(error)")
            }
        }
        var variables = context.environment
        for variable in environment { variables[variable.name] = variable.value.value }
        variables["KUBERNETES_EXEC_INFO"] = ExecCredential.request(
            for: self,
            certificateAuthority: authority,
            isInteractive: false
        )
        return Command(program: command, arguments: arguments, environment: variables, timeout: timeout)
    }
}

/// Text from elsewhere as it may appear in a message.
enum PrintableText {
    /// One line without control characters, which would let a program write escape sequences into terminals and logs.
    static func oneLine(_ bytes: [UInt8]) -> String {
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
            scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) ? " " : scalar
        }
        return String(String.UnicodeScalarView(scalars)).split(separator: " ").joined(separator: " ")
    }
}
