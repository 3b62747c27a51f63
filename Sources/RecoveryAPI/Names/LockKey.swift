/// What a Recovery must not share with another one that runs: its target, else its cluster.
///
/// Group, kind, namespace and name decide, never the uid: two reports of one object, of which only one knows the uid,
/// must not get two locks. The version of the API does not count: one object is served in several.
package struct LockKey: Hashable, Sendable {
    /// The parts, joined by a character that no Kubernetes name can contain.
    package let text: String

    /// Makes the key of a target, nil when there is neither object nor cluster: then nothing is locked.
    package init?(_ target: ResolvedTarget) {
        let cluster = target.cluster.nonEmpty
        // The hub is written as an empty name, which no MemberCluster can have.
        let place = ["cluster", cluster ?? ""]
        if let name = target.name.nonEmpty {
            let group = target.apiVersion.map { $0.contains("/") ? String($0.prefix { $0 != "/" }) : "" } ?? ""
            self.init(place + ["object", group, target.kind ?? "", target.namespace ?? "", name])
        } else if cluster != nil {
            self.init(place)
        } else {
            return nil
        }
    }

    private init(_ parts: [String]) {
        text = parts.joined(separator: "\n")
    }

    /// Name of the Lease that is the lock, in the controller's namespace: `rcv-<16 hex of the key's SHA-256>`.
    package var leaseName: String { "rcv-\(SHA256.hexDigest(of: Array(text.utf8)).prefix(16))" }

    /// 16 hexadecimal digits that name one incident: this target and an error type.
    package func fingerprint(errorType: String) -> String {
        String(SHA256.hexDigest(of: Array("\(text)\n\(errorType)".utf8)).prefix(16))
    }
}
