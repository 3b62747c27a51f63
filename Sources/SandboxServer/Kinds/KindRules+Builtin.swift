internal import FoundationEssentials
internal import JSON

extension KindRules {
    /// The rules of a built-in kind; none for kinds that have none, custom resources among them.
    package static func rules(for resource: ResourceID) -> KindRules {
        builtin[resource] ?? KindRules()
    }

    private static let builtin: [ResourceID: KindRules] = [
        Builtin.namespaces: .namespaces
    ]
}
