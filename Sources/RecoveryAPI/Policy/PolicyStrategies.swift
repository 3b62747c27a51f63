package import JSON

/// One rung of a policy's ladder: a strategy and how hard to try it.
package struct StrategyRung: Codable, Hashable, Sendable {
    /// The strategy's name.
    package var name: String
    /// Position in the queue while on this rung; the strategy's own when absent.
    package var priority: Int?
    /// Attempts on this rung; absent, those of the error type in the configuration, else 1 in a ladder of several rungs and
    /// `retryAttempts` where it is the only one.
    package var maxAttempts: Int?
    /// Seconds for one attempt; the strategy's own when absent.
    package var timeoutSeconds: Int?
    /// Waiting between attempts; absent, 5 s, doubled each time, at most 300 s.
    package var backoff: BackoffSettings?
    /// Strategy-specific settings, checked by the strategy.
    package var parameters: [String: JSONValue]?
    /// How health is proven after this rung; the policy's when absent.
    package var verify: VerifySettings?
    /// For the strategy `Job`: what to run.
    package var job: JobStrategySettings?
    /// For the strategy `Webhook`: whom to call.
    package var webhook: WebhookStrategySettings?

    /// Makes a rung with the strategy's own settings.
    package init(name: String) {
        self.name = name
    }

    /// The name of the strategy that runs a Kubernetes Job.
    package static let jobStrategy = "Job"
    /// The name of the strategy that calls a webhook.
    package static let webhookStrategy = "Webhook"
}

/// Exponential waiting between the attempts of a rung.
package struct BackoffSettings: Codable, Hashable, Sendable {
    /// Seconds before the second attempt; 10 when absent.
    package var initialSeconds: Int?
    /// Growth from one wait to the next in per cent; 200 when absent.
    package var factorPercent: Int?
    /// The longest wait in seconds; 600 when absent.
    package var maxSeconds: Int?
    /// Random share of the wait in per cent; 20 when absent.
    package var jitterPercent: Int?

    /// Makes the default backoff.
    package init() {}

    /// Seconds before the second attempt, with the default applied.
    package var effectiveInitialSeconds: Int { initialSeconds ?? 10 }
    /// Growth in per cent, with the default applied.
    package var effectiveFactorPercent: Int { factorPercent ?? 200 }
    /// The longest wait in seconds, with the default applied.
    package var effectiveMaxSeconds: Int { maxSeconds ?? 600 }
    /// Random share in per cent, with the default applied.
    package var effectiveJitterPercent: Int { jitterPercent ?? 20 }
}

/// What the strategy `Job` runs.
package struct JobStrategySettings: Codable, Hashable, Sendable {
    /// A Job template (`metadata` and `spec`) in the cluster's own `batch` version.
    package var template: JSONValue

    /// Makes settings from a template.
    package init(template: JSONValue) {
        self.template = template
    }
}

/// Whom the strategy `Webhook` calls.
package struct WebhookStrategySettings: Codable, Hashable, Sendable {
    /// An `http` or `https` URL; loopback, link-local and metadata addresses are refused unless configured.
    package var url: String
    /// A Secret of the policy's namespace whose key `token` authenticates the call.
    package var secretRef: SecretReference?

    /// Makes settings without authentication.
    package init(url: String) {
        self.url = url
    }
}

/// How the health of the target is proven: only one that stayed healthy completes a Recovery.
package struct VerifySettings: Codable, Hashable, Sendable {
    /// Seconds of unbroken health that are proof; 30 when absent.
    package var forSeconds: Int?
    /// Seconds after which the check has failed; 300 when absent.
    package var timeoutSeconds: Int?

    /// Makes settings; absent values mean the defaults.
    package init(forSeconds: Int? = nil, timeoutSeconds: Int? = nil) {
        self.forSeconds = forSeconds
        self.timeoutSeconds = timeoutSeconds
    }

    /// Seconds of unbroken health, with the default applied.
    package var effectiveForSeconds: Int { forSeconds ?? 30 }
    /// Seconds until failure, with the default applied.
    package var effectiveTimeoutSeconds: Int { timeoutSeconds ?? 300 }
}

/// What follows when the last rung is exhausted.
package struct EscalationSettings: Codable, Hashable, Sendable {
    /// The level; `Manual` when absent.
    package var level: Open<EscalationLevel>?

    /// Makes settings.
    package init(level: EscalationLevel? = nil) {
        self.level = level.map(Open.known)
    }

    /// The level, with the default applied.
    package var effectiveLevel: EscalationLevel { level?.value ?? .standard }
}
