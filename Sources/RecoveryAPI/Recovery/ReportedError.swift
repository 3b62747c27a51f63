package import FoundationEssentials

/// The failure that a Recovery is about, as whoever noticed it reported it; immutable.
package struct ReportedError: Codable, Hashable, Sendable {
    /// A known error type, or any name of the form `^[A-Z][A-Za-z0-9]{0,62}$`.
    package var type: String
    /// A code of the error catalogue, such as `HH-K8S-004`.
    package var code: String?
    /// The component that noticed the failure.
    package var component: String?
    /// What the component was doing.
    package var operation: String?
    /// How bad it is; `Medium` when absent.
    package var severity: Open<Severity>?
    /// The failure in words.
    package var message: String?
    /// Whether another try can help; by type when absent.
    package var retryable: Bool?
    /// Further facts, at most 32.
    package var context: [String: String]?
    /// When the failure was noticed.
    package var time: Date?

    /// Makes a report with nothing but its type.
    package init(type: String) {
        self.type = type
    }

    /// The type when it is one of the known ones.
    package var knownType: ErrorType? { ErrorType(rawValue: type) }

    /// The severity, with the default applied.
    package var effectiveSeverity: Severity { severity?.value ?? .standard }

    /// Whether another try can help, with the default of the type applied.
    package var isRetryable: Bool { retryable ?? ErrorType.isRetryable(type) }
}
