public import FoundationEssentials
public import KubernetesCore

extension KubernetesClient {
    /// Finds the configuration: `--kubeconfig`, else `$KUBECONFIG`, else the pod's service account, else
    /// `~/.kube/config`.
    ///
    /// Small files are read on the calling thread.
    ///
    /// - Parameters:
    ///   - kubeconfig: the file of the flag, which must exist and is used alone; nil or empty when there is none.
    ///   - context: the context of the kubeconfig; nil or empty takes the current one.
    ///   - environment: the process's environment.
    /// - Returns: the configuration; its warnings, which the client logs, say what was passed over.
    /// - Throws: ``ClientError/configuration(_:)``, which names file, line and field and says what to do.
    public static func loadConfiguration(
        kubeconfig: String? = nil,
        context: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> ClientConfiguration {
        do throws(KubeconfigError) {
            var configuration = try loader(environment: environment).load(
                kubeconfig: kubeconfig.flatMap { $0.isEmpty ? nil : $0 },
                context: context.flatMap { $0.isEmpty ? nil : $0 }
            )
            // Inside of the cluster the network is fast and compression costs the API server more than it saves.
            if let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
                ServerAddress.host(of: configuration.server) == host
            {
                configuration.disableCompression = true
            }
            return configuration
        } catch {
            throw ClientError.configuration(error)
        }
    }

    /// The namespace of this pod: `POD_NAMESPACE`, else the service account's; nil outside of a cluster.
    ///
    /// - Throws: ``ClientError/configuration(_:)`` when the service account's file cannot be read.
    public static func podNamespace(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> String? {
        do throws(KubeconfigError) {
            return try loader(environment: environment).podNamespace()
        } catch {
            throw ClientError.configuration(error)
        }
    }

    private static func loader(environment: [String: String]) -> ConfigurationLoader {
        ConfigurationLoader(environment: environment) { path throws in
            do {
                return try SmallFile.read(path)
            } catch let error as FileReadError where error.isMissing {
                return nil
            }
        }
    }
}
