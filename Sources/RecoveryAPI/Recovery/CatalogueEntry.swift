/// What the error catalogue says about one code; stored with a Recovery at acceptance.
package struct CatalogueEntry: Codable, Hashable, Sendable {
    /// Such as `HH-K8S-004`.
    package var code: String
    /// The failure in a few words.
    package var title: String?
    /// What the failure belongs to, such as `Kubernetes`.
    package var category: String
    /// Who acts when the controller cannot.
    package var level: EscalationLevel
    /// What is tried where nothing else leads to a strategy.
    package var strategy: String?
    /// What a person should do, in order.
    package var steps: [String]?

    /// Makes an entry.
    package init(code: String, category: String, level: EscalationLevel) {
        self.code = code
        self.category = category
        self.level = level
    }

    /// How many steps are kept.
    package static let maxSteps = 10
}
