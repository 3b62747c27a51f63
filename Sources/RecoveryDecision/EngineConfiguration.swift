package import JSON
internal import RecoveryAPI

/// How retries wait: exponential, with a spread, up to a cap.
package struct BackoffRule: Sendable, Hashable {
    /// The wait before the second attempt.
    package var initial: Duration
    /// What each further wait is multiplied by, in percent; 100 keeps it constant.
    package var factorPercent: Int
    /// No wait is longer, the spread apart.
    package var maximum: Duration
    /// What is added at most so that Recoveries that failed together do not come back together, in percent.
    package var spreadPercent: Int

    /// Makes a rule; the defaults are 5 s, doubling, capped at 5 min, and up to a fifth more.
    package init(
        initial: Duration = .seconds(5),
        factorPercent: Int = 200,
        maximum: Duration = .seconds(300),
        spreadPercent: Int = 20
    ) {
        self.initial = initial
        self.factorPercent = factorPercent
        self.maximum = maximum
        self.spreadPercent = spreadPercent
    }

    /// No rule waits longer, whatever its numbers say: a year in seconds.
    private static let longestWait = 366 * 86_400.0

    /// The wait after the `attempt`th attempt (from 1) has failed: never negative, and at most a year.
    ///
    /// - Parameters:
    ///   - attempt: the number of the attempt that failed, from 1.
    ///   - seed: what the spread depends on, such as the uid; the same seed and attempt wait equally long.
    /// - Returns: the wait before the next attempt.
    package func delay(afterAttempt attempt: Int, seed: String) -> Duration {
        let cap = min(maximum / .seconds(1), Self.longestWait)
        var seconds = initial / .seconds(1)
        // A factor below 100 would shrink the wait; 64 steps reach any cap.
        let factor = max(1, Double(factorPercent) / 100)
        for _ in 0..<max(1, min(attempt, 64)) - 1 where seconds < cap {
            seconds *= factor
        }
        let share = Double(max(0, min(spreadPercent, 100))) / 100
        let spread = 1 + share * SeededJitter.fraction("\(seed)/\(attempt)")
        return .milliseconds(Int64(max(0, min(seconds, cap)) * spread * 1_000))
    }
}

/// What the configuration file says about one error type; what it leaves out comes from the strategy.
package struct ErrorTypeConfiguration: Sendable, Hashable {
    /// Replaces the strategy's priority.
    package var priority: Int?
    /// Replaces the strategy's timeout for one attempt.
    package var timeout: Duration?
    /// Attempts after the first one.
    package var maxRetries: Int?

    /// Makes settings for one error type.
    package init(priority: Int? = nil, timeout: Duration? = nil, maxRetries: Int? = nil) {
        self.priority = priority
        self.timeout = timeout
        self.maxRetries = maxRetries
    }
}

/// The engine's settings, as `--config` gives them (see README.md for the file).
package struct EngineConfiguration: Sendable, Hashable {
    /// Attempts that may run at one time.
    package var maxConcurrentRecoveries = 10
    /// The deadline of a whole recovery where neither it nor its policy names one.
    package var recoveryTimeout: Duration = .seconds(900)
    /// How often the controller checks its own health.
    package var healthCheckInterval: Duration = .seconds(30)
    /// Attempts in all where neither the Recovery, its policy nor its error type says.
    package var retryAttempts = 3
    /// Names of the strategies that may run; nil allows all that are registered.
    package var enabledStrategies: Set<String>?
    /// Settings by error type.
    package var strategies: [String: ErrorTypeConfiguration] = [:]
    /// How retries wait where no policy says.
    package var backoff = BackoffRule()
    /// Where URLs that tenants write may lead.
    package var addresses = AddressRule()
    /// Whether Recoveries outside the controller's namespace have to act as a ServiceAccount; a flag, not in the file.
    package var requiresServiceAccount = false

    /// Makes the default settings.
    package init() {}
}

/// What is wrong in a configuration file: where, and what would be right.
package struct ConfigurationProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The field, such as `strategies.ResourceConflict.timeout`.
    package var field: String
    /// What is expected there.
    package var message: String

    /// Describes a problem.
    package init(field: String, message: String) {
        self.field = field
        self.message = message
    }

    /// `field: message`.
    package var description: String {
        "\(field): \(message)"
    }
}

extension EngineConfiguration {
    /// Reads the settings from a parsed file; every problem is reported, not just the first.
    ///
    /// - Returns: the settings, in which a field that has a problem keeps its default, and the problems.
    package static func read(
        _ document: JSONValue
    ) -> (configuration: EngineConfiguration, problems: [ConfigurationProblem]) {
        var reader = ConfigurationReader(document: document)
        return (reader.read(), reader.problems)
    }
}

private struct ConfigurationReader {
    let document: JSONValue
    var problems: [ConfigurationProblem] = []

    mutating func read() -> EngineConfiguration {
        var result = EngineConfiguration()
        guard !document.isNull else { return result }
        guard let fields = document.objectValue else {
            problems.append(ConfigurationProblem(field: "(file)", message: "must be a mapping of settings"))
            return result
        }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "apiVersion", "kind": break
            case "maxConcurrentRecoveries":
                result.maxConcurrentRecoveries = whole(value, name, 1...10_000) ?? result.maxConcurrentRecoveries
            case "retryAttempts": result.retryAttempts = whole(value, name, 1...100) ?? result.retryAttempts
            case "recoveryTimeout": result.recoveryTimeout = duration(value, name) ?? result.recoveryTimeout
            case "healthCheckInterval": result.healthCheckInterval = interval(value, name) ?? result.healthCheckInterval
            case "enabledStrategies": result.enabledStrategies = names(value, name)
            case "strategies": result.strategies = errorTypes(value, name)
            case "allowedAddresses": result.addresses = AddressRule(allowed: addressRanges(value, name))
            default:
                problems.append(ConfigurationProblem(field: name, message: "is not a setting; known ones: \(known)"))
            }
        }
        return result
    }

    private let known =
        "maxConcurrentRecoveries, recoveryTimeout, healthCheckInterval, retryAttempts, enabledStrategies, strategies, "
        + "allowedAddresses"

    private mutating func whole(_ value: JSONValue, _ field: String, _ range: ClosedRange<Int64>) -> Int? {
        if let number = value.intValue, range.contains(number) { return Int(number) }
        problems.append(
            ConfigurationProblem(
                field: field,
                message: "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        )
        return nil
    }

    private mutating func duration(_ value: JSONValue, _ field: String) -> Duration? {
        if let duration = DurationText.parse(value), duration > .zero { return duration }
        problems.append(
            ConfigurationProblem(field: field, message: "must be a duration above zero such as 30s, 15m or 1h30m")
        )
        return nil
    }

    /// How often something is done: not so often that it does nothing else.
    private mutating func interval(_ value: JSONValue, _ field: String) -> Duration? {
        if let interval = DurationText.parse(value), interval >= .seconds(1) { return interval }
        problems.append(
            ConfigurationProblem(field: field, message: "must be a duration of at least one second such as 30s")
        )
        return nil
    }

    private mutating func names(_ value: JSONValue, _ field: String) -> Set<String>? {
        let names = value.arrayValue?.compactMap(\.stringValue)
        guard let names, names.count == value.arrayValue?.count else {
            problems.append(ConfigurationProblem(field: field, message: "must be a list of strategy names"))
            return nil
        }
        guard !names.isEmpty else {
            let message = "must name at least one strategy; leave the setting out to enable all"
            problems.append(ConfigurationProblem(field: field, message: message))
            return nil
        }
        return Set(names)
    }

    private mutating func addressRanges(_ value: JSONValue, _ field: String) -> [AddressRange] {
        let ranges = value.arrayValue?.compactMap { $0.stringValue.flatMap(AddressRange.init) }
        if let ranges, ranges.count == value.arrayValue?.count { return ranges }
        let message = "must be a list of addresses or ranges such as 127.0.0.0/8"
        problems.append(ConfigurationProblem(field: field, message: message))
        return []
    }

    private mutating func errorTypes(_ value: JSONValue, _ field: String) -> [String: ErrorTypeConfiguration] {
        guard let types = value.objectValue else {
            problems.append(ConfigurationProblem(field: field, message: "must map error types to their settings"))
            return [:]
        }
        var result: [String: ErrorTypeConfiguration] = [:]
        for (type, settings) in types.sorted(by: { $0.key < $1.key }) {
            guard ErrorType.isLegal(type) else {
                let message = "is not the name of an error type: letters and digits after a capital letter"
                problems.append(ConfigurationProblem(field: "\(field).\(type)", message: message))
                continue
            }
            result[type] = errorType(settings, "\(field).\(type)")
        }
        return result
    }

    private mutating func errorType(_ value: JSONValue, _ field: String) -> ErrorTypeConfiguration? {
        guard let fields = value.objectValue else {
            problems.append(
                ConfigurationProblem(field: field, message: "must be a mapping of priority, timeout, maxRetries")
            )
            return nil
        }
        var result = ErrorTypeConfiguration()
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "priority": result.priority = whole(value, "\(field).\(name)", 0...1_000)
            case "timeout": result.timeout = duration(value, "\(field).\(name)")
            case "maxRetries": result.maxRetries = whole(value, "\(field).\(name)", 0...99)
            default:
                problems.append(
                    ConfigurationProblem(
                        field: "\(field).\(name)",
                        message: "is not a setting; known ones: priority, timeout, maxRetries"
                    )
                )
            }
        }
        return result
    }
}
