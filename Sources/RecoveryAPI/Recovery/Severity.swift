/// How bad a reported error is; ordered, `low` first.
package enum Severity: String, CaseIterable, Codable, Hashable, Comparable {
    case low = "Low"
    case medium = "Medium"
    case high = "High"
    case critical = "Critical"

    /// The severity of an error that names none.
    package static let standard = Severity.medium

    /// Position in the order, 0 for `low`.
    package var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        case .critical: 3
        }
    }

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}

/// Who has to act on a recovery; ordered, `automatic` first.
package enum EscalationLevel: String, CaseIterable, Codable, Hashable, Comparable {
    /// The controller repairs without anybody.
    case automatic = "Automatic"
    /// The controller says what to do; a person does it.
    case guided = "Guided"
    /// A person has to find out and repair.
    case manual = "Manual"
    /// Experts, now: automation has failed or must not be trusted.
    case emergency = "Emergency"

    /// The level reached when a ladder is exhausted and the policy names none.
    package static let standard = EscalationLevel.manual

    /// Position in the order, 0 for `automatic`.
    package var rank: Int {
        switch self {
        case .automatic: 0
        case .guided: 1
        case .manual: 2
        case .emergency: 3
        }
    }

    package static func < (left: EscalationLevel, right: EscalationLevel) -> Bool { left.rank < right.rank }
}
