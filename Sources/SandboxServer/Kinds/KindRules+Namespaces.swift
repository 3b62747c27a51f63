internal import FoundationEssentials
internal import JSON

extension KindRules {
    /// The label with the name, the finalizer that empties it, and the phase.
    static let namespaces: KindRules = {
        var rules = KindRules()
        rules.setDefaults = label
        rules.complete = { namespace, old in
            // Again: by now a generated name is known, and nobody may take the label off.
            label(&namespace)
            guard old == nil else { return }
            var finalizers = namespace["spec"]?["finalizers"]?.arrayValue ?? []
            if !finalizers.contains("kubernetes") { finalizers.append("kubernetes") }
            namespace.set(.array(finalizers), at: ["spec", "finalizers"])
            namespace["status"] = ["phase": "Active"]
        }
        rules.validate = { namespace, _ in
            let finalizers = (namespace["spec"]?["finalizers"]?.arrayValue ?? []).compactMap(\.stringValue)
            return ObjectMetadata.domainViolations(finalizers, "spec.finalizers")
        }
        return rules
    }()

    private static let label: @Sendable (inout JSONValue) -> Void = { namespace in
        guard let name = namespace["metadata"]?["name"] else { return }
        namespace.set(name, at: ["metadata", "labels", "kubernetes.io/metadata.name"])
    }
}
