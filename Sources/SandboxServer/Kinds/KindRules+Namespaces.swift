internal import FoundationEssentials
internal import JSON

extension KindRules {
    /// The label with the name, the finalizer that empties it, and the phase.
    static let namespaces: KindRules = {
        var rules = KindRules()
        rules.complete = { namespace, old in
            namespace.set(
                namespace["metadata"]?["name"],
                at: ["metadata", "labels", "kubernetes.io/metadata.name"]
            )
            if old == nil {
                namespace.set(["kubernetes"], at: ["spec", "finalizers"])
                namespace["status"] = ["phase": "Active"]
            } else if namespace["spec"]?["finalizers"] == nil {
                // Finalizers change through the finalize subresource only.
                namespace.set(old?["spec"]?["finalizers"], at: ["spec", "finalizers"])
            }
        }
        return rules
    }()
}
