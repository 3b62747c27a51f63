internal import JSON
internal import RecoveryAPI
internal import Timekeeping

/// One attempt to reach an API server again: probe, renew, prove.
struct ConnectivityRun<Endpoint: ConnectivityEndpoint> {
    let attempt: Attempt
    let endpoint: Endpoint

    /// Kept back from the last probe, for conditions and the outcome.
    private static var reserve: Duration { .seconds(5) }
    private static var shortestProbe: Duration { .seconds(1) }
    /// The part of a probe's timeout for which to wait after it has failed.
    private static var pauseDivisor: Int { 6 }

    /// Probes until the server answers and its answers are proven.
    ///
    /// - Throws: `StrategyFailure`.
    func recover(_ timeouts: [Duration]) async throws -> StrategyResult {
        var hasRefreshed = false
        var last: (finding: ClusterFinding, timeout: Duration)?
        var probes = 0
        for (index, timeout) in timeouts.enumerated() {
            guard let timeout = cut(timeout) else { break }
            probes += 1
            var finding = try await look("TestEndpointConnectivity", timeout, number: probes)
            if finding.verdict == .usable {
                if !hasRefreshed { try await refresh() }
                hasRefreshed = true
                finding = try await look("RetryOperation", timeout, number: probes, exercising: true)
            }
            try await endpoint.record(finding)
            last = (finding, timeout)
            switch finding.verdict {
            case .usable: return result(finding, timeout, probes: probes)
            case .unauthenticated, .unauthorized:
                throw try await handover("answers, but does not accept the credential", finding)
            case .unasked: throw try await handover("was not asked: there is no credential", finding)
            case .unreachable, .unconfigured: break
            }
            if !hasRefreshed { try await refresh() }
            hasRefreshed = true
            // A refused connection fails at once: the probes are spread, and the server is not hammered.
            if index < timeouts.count - 1 { try await attempt.pause(for: pause(after: timeout)) }
        }
        throw try await failure(last?.finding, last?.timeout, probes: probes)
    }

    /// The timeout, or what the attempt has left of it; nil when that is too little for a probe.
    private func cut(_ timeout: Duration) -> Duration? {
        let left = attempt.timeSource.now().duration(to: attempt.deadline) - Self.reserve
        return left < Self.shortestProbe ? nil : min(timeout, left)
    }

    private func pause(after timeout: Duration) -> Duration {
        max(timeout / Self.pauseDivisor, .seconds(1))
    }

    /// One look, noted as an action that names the layer.
    private func look(
        _ action: String,
        _ timeout: Duration,
        number: Int,
        exercising: Bool = false
    ) async throws -> ClusterFinding {
        try attempt.journal.checkStop()
        let finding = try await endpoint.probe(timeout, exercising: exercising)
        attempt.note(
            action,
            finding.verdict == .usable ? .succeeded : .failed,
            "probe \(number), at most \(timeout.components.seconds) s: \(finding)"
        )
        return finding
    }

    private func refresh() async throws {
        try await attempt.read("RefreshClientConnections") { try await endpoint.refresh() }
    }

    private func result(_ finding: ClusterFinding, _ timeout: Duration, probes: Int) -> StrategyResult {
        var metrics = metrics(timeout, probes: probes)
        metrics["version"] = finding.version
        let version = finding.version.map { " (\($0))" } ?? ""
        return StrategyResult(
            message: "\(endpoint.description) is reachable\(version): \(finding.message)",
            metrics: metrics
        )
    }

    private func metrics(_ timeout: Duration?, probes: Int) -> [String: String] {
        var metrics = ["probes": String(probes)]
        metrics["effectiveTimeoutSeconds"] = timeout.map { String($0.components.seconds) }
        return metrics
    }

    /// This is no matter of connectivity, or not before there is a credential.
    private func handover(_ words: String, _ finding: ClusterFinding) async throws -> StrategyFailure {
        let found = "\(endpoint.description) \(words): \(finding.message)"
        var error = attempt.successorError(.clusterAuth, found)
        error.context = ["reason": finding.reason]
        let subject = try await endpoint.successorSubject(for: .clusterAuth)
        return .superseded(SuccessorRequest(error: error, subject: subject), found)
    }

    private func failure(_ finding: ClusterFinding?, _ timeout: Duration?, probes: Int) async throws -> StrategyFailure
    {
        guard let finding else {
            return .transient(
                "the attempt has too little time left for a probe of \(endpoint.description)",
                nextSteps: ["Give the strategy more time: strategies[].timeoutSeconds of the policy"]
            )
        }
        var metrics = metrics(timeout, probes: probes)
        metrics["failedLayer"] = finding.layer?.rawValue
        return .transient(
            "\(endpoint.description) is not reachable after \(probes) probes: \(finding)",
            nextSteps: try await endpoint.nextSteps(finding),
            metrics: metrics
        )
    }
}
