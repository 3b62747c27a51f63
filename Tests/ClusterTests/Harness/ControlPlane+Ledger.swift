import KubernetesClient
import KubernetesCore

extension ControlPlane {
    /// A policy's ledger, as soon as it has an entry such as `Deployment.web`.
    @discardableResult
    func waitForLedger(of policy: String, in namespace: String, entry: String) async throws -> Unstructured {
        let options = ListOptions(fieldSelector: "metadata.name=recovery-ledger-\(policy)")
        while true {
            let list = try await client.list(.configMaps, namespace: namespace, options: options)
            if let found = list.items.first(where: { $0["data", entry] != nil }) { return found }
            var watch = WatchOptions(fieldSelector: options.fieldSelector)
            watch.resourceVersion = list.metadata.resourceVersion
            for try await event in try await client.watch(.configMaps, namespace: namespace, options: watch) {
                guard case .added(let map) = event.orModified, map["data", entry] != nil else { continue }
                return map
            }
        }
    }
}
