import JSON

extension RecoveryPolicy: ValidatedObject {
    package func validate() -> [FieldViolation] {
        var checks = FieldChecks()
        checks.word(spec.mode, "spec.mode")
        checks.number(spec.priority, "spec.priority", -1000...1000)
        spec.detection?.check("spec.detection", &checks)
        spec.match?.check("spec.match", &checks)
        checks.list(spec.strategies, "spec.strategies", 0...8) { checks, rung, path in rung.check(path, &checks) }
        spec.verify?.check("spec.verify", &checks)
        spec.limits?.check("spec.limits", &checks)
        checks.number(spec.resetAfterHealthySeconds, "spec.resetAfterHealthySeconds", 0...604_800)
        spec.circuitBreaker?.check("spec.circuitBreaker", &checks)
        checks.word(spec.escalation?.level, "spec.escalation.level")
        checks.list(spec.notifications, "spec.notifications", 0...16) { checks, channel, path in
            channel.check(path, &checks)
        }
        checks.text(spec.serviceAccountName, "spec.serviceAccountName", .objectName.orEmpty)
        checks.word(spec.gitOps, "spec.gitOps")
        let actsOutside = spec.strategies?.contains { $0.isJob || $0.isWebhook } ?? false
        checks.require(
            !actsOutside || spec.effectiveServiceAccountName != nil,
            "spec.serviceAccountName",
            "is required for the strategies Job and Webhook"
        )
        return checks.violations
    }
}

extension PolicyMatch {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.set(errorTypes, "\(path).errorTypes", 0...32, .camelCase)
        checks.set(codes, "\(path).codes", 0...64, .code)
        checks.set(components, "\(path).components", 0...32, .word(253))
        checks.word(minSeverity, "\(path).minSeverity")
        checks.selector(clusterSelector, "\(path).clusterSelector")
        checks.set(targetKinds, "\(path).targetKinds", 0...32, .camelCase)
        checks.selector(targetSelector, "\(path).targetSelector")
    }
}

extension StrategyRung {
    fileprivate var isJob: Bool { name == StrategyName.job }
    fileprivate var isWebhook: Bool { name == StrategyName.webhook }

    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(name, "\(path).name", .camelCase)
        checks.number(priority, "\(path).priority", -1000...1000)
        checks.number(maxAttempts, "\(path).maxAttempts", 1...100)
        checks.number(timeoutSeconds, "\(path).timeoutSeconds", 1...86_400)
        backoff?.check("\(path).backoff", &checks)
        checks.size(parameters?.count ?? 0, "\(path).parameters", 0...32, of: "entries")
        verify?.check("\(path).verify", &checks)
        checks.require(
            isJob == (job != nil),
            "\(path).job",
            isJob ? "is required for the strategy Job" : "belongs to the strategy Job only"
        )
        checks.require(
            isWebhook == (webhook != nil),
            "\(path).webhook",
            isWebhook ? "is required for the strategy Webhook" : "belongs to the strategy Webhook only"
        )
        if let job { checks.require(job.template.objectValue != nil, "\(path).job.template", "must be an object") }
        checks.text(webhook?.url, "\(path).webhook.url", .url)
        webhook?.secretRef?.check("\(path).webhook.secretRef", &checks)
    }
}

extension BackoffSettings {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.number(initialSeconds, "\(path).initialSeconds", 1...3600)
        checks.number(factorPercent, "\(path).factorPercent", 100...1000)
        checks.number(maxSeconds, "\(path).maxSeconds", 1...86_400)
        checks.number(jitterPercent, "\(path).jitterPercent", 0...100)
        checks.require(
            effectiveInitialSeconds <= effectiveMaxSeconds,
            "\(path).initialSeconds",
            "must not exceed maxSeconds"
        )
    }
}

extension VerifySettings {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.number(forSeconds, "\(path).forSeconds", 0...86_400)
        checks.number(timeoutSeconds, "\(path).timeoutSeconds", 1...86_400)
        checks.require(
            effectiveForSeconds <= effectiveTimeoutSeconds,
            "\(path).forSeconds",
            "must not exceed timeoutSeconds"
        )
    }
}

extension PolicyLimits {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.number(maxConcurrent, "\(path).maxConcurrent", 1...1000)
        switch maxUnhealthy {
        case .count(let count): checks.number(count, "\(path).maxUnhealthy", 0...1_000_000)
        case .invalid: checks.report("\(path).maxUnhealthy", "must be a number or a percentage such as '40%'")
        case .percent, nil: break
        }
        checks.number(alwaysAllow, "\(path).alwaysAllow", 0...1000)
        checks.number(cooldownSeconds, "\(path).cooldownSeconds", 0...604_800)
        checks.number(stormCooldownSeconds, "\(path).stormCooldownSeconds", 0...86_400)
        checks.number(budget?.actions, "\(path).budget.actions", 1...100)
        checks.number(budget?.windowSeconds, "\(path).budget.windowSeconds", 1...604_800)
    }
}

extension CircuitBreakerSettings {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.word(scope, "\(path).scope")
        checks.number(failureThreshold, "\(path).failureThreshold", 1...100)
        checks.word(windowType, "\(path).windowType")
        checks.number(windowSize, "\(path).windowSize", 1...100)
        checks.number(windowSeconds, "\(path).windowSeconds", 1...86_400)
        checks.number(minimumCalls, "\(path).minimumCalls", 1...100)
        checks.number(failureRatePercent, "\(path).failureRatePercent", 1...100)
        checks.number(slowCallSeconds, "\(path).slowCallSeconds", 1...86_400)
        checks.number(slowCallRatePercent, "\(path).slowCallRatePercent", 1...100)
        checks.number(openSeconds, "\(path).openSeconds", 1...86_400)
        checks.number(openGrowthPercent, "\(path).openGrowthPercent", 100...1000)
        checks.number(maxOpenSeconds, "\(path).maxOpenSeconds", 1...604_800)
        checks.number(halfOpenMaxSeconds, "\(path).halfOpenMaxSeconds", 1...86_400)
        checks.word(reset, "\(path).reset")
        checks.word(force, "\(path).force")
        checks.require(
            effectiveOpenSeconds <= effectiveMaxOpenSeconds,
            "\(path).openSeconds",
            "must not exceed maxOpenSeconds"
        )
        checks.require(
            effectiveWindowType == .time || effectiveMinimumCalls <= effectiveWindowSize,
            "\(path).minimumCalls",
            "must not exceed windowSize"
        )
    }
}

extension NotificationChannel {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.word(.some(channel), "\(path).channel")
        secretRef?.check("\(path).secretRef", &checks)
        checks.word(minLevel, "\(path).minLevel")
        checks.text(url, "\(path).url", .url)
        checks.text(email?.server, "\(path).email.server", .mailServer)
        checks.text(email?.from, "\(path).email.from", .mailAddress)
        checks.list(email?.to, "\(path).email.to", 1...16) { $0.text($1, $2, .mailAddress) }
        checks.number(repeatSeconds, "\(path).repeatSeconds", 0...604_800)
        switch channel.value {
        case .email: checks.require(email != nil, "\(path).email", "is required for the channel Email")
        case .pagerDuty:
            checks.require(secretRef != nil, "\(path).secretRef", "is required for the channel PagerDuty")
        case .slack, .webhook, .alertmanager:
            checks.require(secretRef != nil || url != nil, "\(path).secretRef", "is required unless there is a url")
        case nil: break
        }
    }
}
