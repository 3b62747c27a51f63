internal import FoundationEssentials
internal import JSON

// What `kubectl apply` keeps on the client's side, so that the same objects can go over to server-side apply and back.
extension JSONValue {
    private static let lastAppliedPath = [
        "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration",
    ]

    private var lastApplied: String? {
        guard let text = value(at: Self.lastAppliedPath)?.stringValue, !text.isEmpty else { return nil }
        return text
    }

    /// The object with the configuration as its last-applied annotation, when kubectl applies it and there is one.
    func syncingLastApplied(_ config: JSONValue, manager: String) -> JSONValue {
        guard manager == "kubectl", lastApplied != nil else { return self }
        var document = config
        document.set(nil, at: Self.lastAppliedPath)
        var result = self
        result.set(.string(document.text + "\n"), at: Self.lastAppliedPath)
        let annotations = result["metadata"]?["annotations"]?.stringDictionary ?? [:]
        let size = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if size > 256 << 10 { result.set(nil, at: Self.lastAppliedPath) }
        return result
    }

    /// The fields that were last applied on the client's side and still have that value; nil when that is not known.
    func lastAppliedFields(_ context: ManagedFields.Context) -> FieldSet? {
        guard let lastApplied, let config = Self.parsed(lastApplied),
            config["apiVersion"]?.stringValue == context.apiVersion
        else { return nil }
        let comparison = FieldComparison(from: config, to: unmanaged, schema: context.schema)
        return FieldSet(of: config, schema: context.schema)
            .subtracting(comparison.changed)
            .subtracting(comparison.removed)
    }

    private static func parsed(_ text: String) -> JSONValue? {
        do {
            return try JSONValue(parsing: text)
        } catch {
            // An annotation that somebody has damaged counts as none.
            return nil
        }
    }
}
