import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// `--config` on a real API server: what each setting does, and what is said about a file that cannot be used.
@Suite("Configuration on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct ConfigurationTests {
    @Test("the settings of the file take effect: strategies, attempts, timeouts, priorities and how many run")
    func takesEffect() async throws {
        let space = "configuration-effect"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let file = try write(
            """
            maxConcurrentRecoveries: 1
            recoveryTimeout: 6s
            retryAttempts: 2
            enabledStrategies: [Generic]
            strategies:
              InternalError: {priority: 77, timeout: 2s, maxRetries: 1}
            """
        )
        try await ControllerProcess.with(plane, "--namespace \(space) --config \(file)") { _ in
            try await onlyEnabledStrategies(plane, space)
            try await errorTypeSettings(plane, space)
            try await wholeTimeoutAndAttempts(plane, space)
            try await oneAfterTheOther(plane, space)
        }
        // A flag goes before the file.
        let flags = "--namespace \(space) --config \(file) --max-concurrent-recoveries 2"
        try await ControllerProcess.with(plane, flags) { _ in
            for name in ["left", "right"] { try await apply(plane, space, name, type: "SyncFailure", wait: 3) }
            let spans = try await spans(plane, space, ["left", "right"])
            #expect(spans[0].upperBound > spans[1].lowerBound, "both run at one time")
        }
    }

    @Test(
        "a file that cannot be used ends the program with status 2, and file, field and remedy are named",
        arguments: [
            ("maxConcurrentRecoveries: many", "maxConcurrentRecoveries: must be a whole number from 1 to 10000"),
            ("recoveryTimeout: soon", "recoveryTimeout: must be a duration above zero such as 30s"),
            ("enabledStrategies: [Magic]", "enabledStrategies: Magic is not a strategy; known ones: ClusterAuth"),
            ("strategies: {InternalError: {timeout: 5}}\nretries: 3", "retries: is not a setting; known ones: max"),
            ("enabledStrategies: []", "enabledStrategies: must name at least one strategy"),
            ("strategies: {internalError: {}}", "strategies.internalError: is not the name of an error type"),
            ("strategies: {InternalError: {tries: 5}}", "strategies.InternalError.tries: is not a setting; known"),
            ("retryAttempts: 1\nretryAttempts: 2", "retryAttempts"),
            ("recoveryTimeout: [", "2:1"),
        ]
    )
    func unusable(_ text: String, _ words: String) async throws {
        let plane = try await SharedPlane.hub.plane()
        let file = try write(text)
        let ended = try await ControllerProcess.run("--kubeconfig \(plane.kubeconfig) --config \(file)")
        #expect(ended.status == 2)
        #expect(ended.output.contains(file) && ended.output.contains(words), "\(ended.output)")
    }

    @Test("a file that does not exist ends the program with status 2 and its path")
    func missing() async throws {
        let plane = try await SharedPlane.hub.plane()
        let ended = try await ControllerProcess.run("--kubeconfig \(plane.kubeconfig) --config /nowhere/config.yaml")
        #expect(ended.status == 2 && ended.output.contains("/nowhere/config.yaml"), "\(ended.output)")
    }

    private func onlyEnabledStrategies(_ plane: ControlPlane, _ space: String) async throws {
        try await apply(plane, space, "forced", type: "ResourceConflict", more: "strategy: ResourceConflict")
        let refused = try await final(plane, space, "forced")
        let accepted = refused.status?.conditions?[type: ConditionType.accepted]
        #expect(accepted?.reason == "UnknownStrategy" && accepted?.message.contains("enabled are Generic") == true)
        // Whose own strategy is not enabled falls to the generic one.
        try await apply(plane, space, "fallen", type: "ResourceConflict", wait: 0)
        let fallen = try await final(plane, space, "fallen")
        #expect(fallen.state == .completed && fallen.status?.strategy == "Generic")
        #expect(fallen.status?.effective?.maxAttempts == 2)
        #expect(fallen.status?.effective?.timeoutSeconds == 6)
    }

    private func errorTypeSettings(_ plane: ControlPlane, _ space: String) async throws {
        // Its own timeout goes before the file's recoveryTimeout: two attempts of 2 s and the wait between them fit.
        try await apply(plane, space, "typed", wait: 60, more: "timeoutSeconds: 120")
        let ended = try await final(plane, space, "typed")
        #expect(ended.state == .failed && ended.status?.priority == 77)
        #expect(ended.status?.executions?.map(\.state) == [.timeout, .timeout])
        let rung = ended.status?.effective?.ladder?.first
        #expect(rung?.timeoutSeconds == 2 && rung?.maxAttempts == 2 && rung?.priority == 77)
    }

    private func wholeTimeoutAndAttempts(_ plane: ControlPlane, _ space: String) async throws {
        try await apply(plane, space, "late", type: "SyncTimeout", wait: 60)
        let late = try await final(plane, space, "late")
        #expect(late.state == .timeout && late.status?.message?.contains("within 6 s") == true)
    }

    private func oneAfterTheOther(_ plane: ControlPlane, _ space: String) async throws {
        // While the first one has the only place, the other two queue up; the file has raised the last one's priority.
        try await apply(plane, space, "first", type: "SyncFailure", wait: 3)
        _ = try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: "first")) {
            $0.state == .inProgress
        }
        try await apply(plane, space, "low", type: "ComponentUnhealthy", wait: 0)
        try await apply(plane, space, "high", wait: 0)
        let spans = try await spans(plane, space, ["first", "high", "low"])
        #expect(spans[0].upperBound <= spans[1].lowerBound && spans[1].upperBound <= spans[2].lowerBound)
    }

    private func apply(
        _ plane: ControlPlane,
        _ space: String,
        _ name: String,
        type: String = "InternalError",
        wait: Int? = nil,
        more: String = ""
    ) async throws {
        let parameters = wait.map { "parameters: {waitSeconds: \($0)}" } ?? ""
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Recovery
            metadata: {name: \(name), namespace: \(space)}
            spec:
              error: {type: \(type), retryable: true}
              \(parameters)
              \(more)
            """
        )
    }

    private func final(_ plane: ControlPlane, _ space: String, _ name: String) async throws -> Recovery {
        try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: name), until: \.isFinal)
    }

    /// From when to when each of them ran.
    private func spans(_ plane: ControlPlane, _ space: String, _ names: [String]) async throws -> [ClosedRange<Date>] {
        var spans: [ClosedRange<Date>] = []
        for name in names {
            let ended = try await final(plane, space, name)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            let (start, end) = (try #require(ended.status?.startTime), try #require(ended.status?.completionTime))
            spans.append(start...end)
        }
        return spans
    }

    private func write(_ text: String) throws -> String {
        let path = "\(NSTemporaryDirectory())configuration-\(UUID().uuidString).yaml"
        try (text + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
