/// A count, or a share of a base in per cent; a number or a string such as `"40%"` on the wire.
package enum CountOrPercent: Codable, Hashable, Sendable {
    case count(Int)
    case percent(Int)
    /// A string that is neither, kept so that validation can name it.
    case invalid(String)

    /// Reads `40%`; anything else is `invalid`.
    package init(text: String) {
        let digits = text.dropLast()
        // At most three digits, so the conversion cannot overflow; only ASCII digits, so no sign slips through.
        if text.hasSuffix("%"), (1...3).contains(digits.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let share = Int(digits), share <= 100
        {
            self = .percent(share)
        } else {
            self = .invalid(text)
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = .count(try container.decode(Int.self))
        } catch DecodingError.typeMismatch {
            self.init(text: try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .count(let count): try container.encode(count)
        case .percent(let share): try container.encode("\(share)%")
        case .invalid(let text): try container.encode(text)
        }
    }

    /// The absolute number for a base: percentages round down, and nothing is negative.
    package func resolved(base: Int) -> Int {
        switch self {
        case .count(let count): max(0, count)
        // Quotient and remainder apart, since base * share could overflow.
        case .percent(let share): base / 100 * share + base % 100 * share / 100
        case .invalid: 0
        }
    }
}

/// How much a policy may do at once.
package struct PolicyLimits: Codable, Hashable, Sendable {
    /// Recoveries of this policy that may run together; 1 when absent.
    package var maxConcurrent: Int?
    /// More unhealthy targets than this are a storm; absent, there are no storms.
    package var maxUnhealthy: CountOrPercent?
    /// Actions that may start during one storm; 1 when absent.
    package var alwaysAllow: Int?
    /// Seconds between two recoveries of one target; 300 when absent.
    package var cooldownSeconds: Int?
    /// Seconds within the limit after which a storm is over; 300 when absent.
    package var stormCooldownSeconds: Int?
    /// Actions in a window of time; absent, unlimited.
    package var budget: ActionBudget?

    /// Makes the default limits.
    package init() {}

    /// Recoveries that may run together, with the default applied.
    package var effectiveMaxConcurrent: Int { maxConcurrent ?? 1 }
    /// Actions during one storm, with the default applied.
    package var effectiveAlwaysAllow: Int { alwaysAllow ?? 1 }
    /// Seconds between two recoveries of one target, with the default applied.
    package var effectiveCooldownSeconds: Int { cooldownSeconds ?? 300 }
    /// Seconds until a storm is over, with the default applied.
    package var effectiveStormCooldownSeconds: Int { stormCooldownSeconds ?? 300 }
}

/// How many actions may start in a sliding window.
package struct ActionBudget: Codable, Hashable, Sendable {
    /// The number of actions.
    package var actions: Int
    /// The window in seconds; 3600 when absent.
    package var windowSeconds: Int?

    /// Makes a budget.
    package init(actions: Int, windowSeconds: Int? = nil) {
        self.actions = actions
        self.windowSeconds = windowSeconds
    }

    /// The window in seconds, with the default applied.
    package var effectiveWindowSeconds: Int { windowSeconds ?? 3600 }
}
