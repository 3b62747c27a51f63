extension PolicyDetection {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.list(conditions, "\(path).conditions", 0...32) { checks, detector, path in
            detector.check(path, &checks)
        }
        workloads?.check("\(path).workloads", &checks)
        nodes?.check("\(path).nodes", &checks)
        checks.list(events, "\(path).events", 0...32) { checks, detector, path in detector.check(path, &checks) }
        checks.list(httpProbes, "\(path).httpProbes", 0...32) { checks, probe, path in probe.check(path, &checks) }
        checks.unique(httpProbes, "\(path).httpProbes", by: \.name)
        clusterHealth?.check("\(path).clusterHealth", &checks)
        checks.list(alerts, "\(path).alerts", 0...32) { checks, detector, path in detector.check(path, &checks) }
    }
}

extension ConditionDetector {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(apiVersion, "\(path).apiVersion", .apiVersion)
        checks.text(kind, "\(path).kind", .camelCase)
        checks.selector(selector, "\(path).selector")
        checks.text(type, "\(path).type", .word(316))
        checks.word(status, "\(path).status")
        checks.text(reason, "\(path).reason", .text(1024))
        checks.waits(forSeconds, healthyForSeconds, path)
        checks.word(onNoData, "\(path).onNoData")
        checks.incident(errorType, code, severity, path)
    }
}

extension WorkloadDetector {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.list(kinds, "\(path).kinds", 0...5) { $0.word(.some($1), $2) }
        checks.unique(kinds, "\(path).kinds", by: \.rawValue)
        checks.selector(selector, "\(path).selector")
        checks.waits(forSeconds, healthyForSeconds, path)
        checks.word(severity, "\(path).severity")
    }
}

extension NodeDetector {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.selector(selector, "\(path).selector")
        checks.waits(forSeconds, healthyForSeconds, path)
        checks.word(severity, "\(path).severity")
    }
}

extension EventDetector {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(reason, "\(path).reason", .word(128))
        checks.word(type, "\(path).type")
        checks.text(kind, "\(path).kind", .camelCase)
        checks.number(count, "\(path).count", 1...1000)
        checks.number(windowSeconds, "\(path).windowSeconds", 1...86_400)
        checks.waits(nil, healthyForSeconds, path)
        checks.incident(errorType, code, severity, path)
    }
}

extension HTTPProbe {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(name, "\(path).name", .label)
        checks.text(url, "\(path).url", .url)
        checks.number(intervalSeconds, "\(path).intervalSeconds", 1...3600)
        checks.number(timeoutSeconds, "\(path).timeoutSeconds", 1...300)
        checks.require(
            effectiveTimeoutSeconds <= effectiveIntervalSeconds,
            "\(path).timeoutSeconds",
            "must not exceed intervalSeconds"
        )
        checks.number(failureThreshold, "\(path).failureThreshold", 1...100)
        checks.number(successThreshold, "\(path).successThreshold", 1...100)
        checks.number(expectedStatus, "\(path).expectedStatus", 100...599)
        checks.waits(nil, healthyForSeconds, path)
        checks.incident(errorType, code, severity, path)
        targetRef?.check("\(path).targetRef", &checks)
    }
}

extension ClusterHealthDetector {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.selector(clusterSelector, "\(path).clusterSelector")
        checks.waits(nil, healthyForSeconds, path)
        checks.word(severity, "\(path).severity")
    }
}

extension AlertDetector {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.map(matchLabels, "\(path).matchLabels", 1...32, .text(1024))
        checks.incident(errorType, code, severity, path)
        targetRef?.check("\(path).targetRef", &checks)
    }
}

extension FieldChecks {
    /// The waiting times that all detectors share.
    fileprivate mutating func waits(_ forSeconds: Int?, _ healthyForSeconds: Int?, _ path: String) {
        number(forSeconds, "\(path).forSeconds", 0...86_400)
        number(healthyForSeconds, "\(path).healthyForSeconds", 0...86_400)
    }

    /// What a detector opens.
    fileprivate mutating func incident(
        _ errorType: String,
        _ code: String?,
        _ severity: Open<Severity>?,
        _ path: String
    ) {
        text(errorType, "\(path).errorType", .camelCase)
        text(code, "\(path).code", .code)
        word(severity, "\(path).severity")
    }
}
