import KubernetesClient
import KubernetesCore
import RecoveryDecision

extension ControlPlane {
    /// A policy's ledger, as soon as it vouches for a revision, or more, of an entry such as `Deployment.web`.
    @discardableResult
    func waitForLedger(
        of policy: String,
        in namespace: String,
        entry: String,
        revisions: Int = 1
    ) async throws -> Unstructured {
        let isReached: (Unstructured) -> Bool = { map in
            RevisionLedger(data: map["data"]).goals(entry, from: "").count >= revisions
        }
        let options = ListOptions(fieldSelector: "metadata.name=recovery-ledger-\(policy)")
        while true {
            let list = try await client.list(.configMaps, namespace: namespace, options: options)
            if let found = list.items.first(where: isReached) { return found }
            var watch = WatchOptions(fieldSelector: options.fieldSelector)
            watch.resourceVersion = list.metadata.resourceVersion
            for try await event in try await client.watch(.configMaps, namespace: namespace, options: watch) {
                guard case .added(let map) = event.orModified, isReached(map) else { continue }
                return map
            }
        }
    }
}
