import ControllerRuntime
import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// The end of an attempt on a hub that does not take it at once, or not at all.
@Suite("Settling an attempt", .timeLimit(.minutes(1)))
struct AttemptSettlingTests {
    /// Does one thing and then never returns, or finds another failure at once.
    private struct Strategy: RecoveryStrategy {
        let descriptor = StrategyDescriptor(name: "Test", errorTypes: [], priority: 1, timeout: .seconds(60))
        var successor: String?

        func validate(parameters: [String: JSONValue]) -> [FieldViolation] { [] }

        func execute(_ attempt: Attempt) async throws -> StrategyResult {
            if let successor {
                throw StrategyFailure.superseded(
                    SuccessorRequest(error: ReportedError(type: successor)),
                    "it is another"
                )
            }
            try await attempt.mutate("Touch") { "touched" }
            try await attempt.timeSource.sleep(for: .seconds(1_000))
            return StrategyResult(message: "done")
        }
    }

    private let harness = StrategyHarness()

    private func runner() -> AttemptRunner {
        let context = RuntimeContext(timeSource: harness.world.time, logger: .disabled)
        let recorder = EventRecorder(client: harness.client, component: "test", context: context, random: { 0.5 })
        let recoveries = Informer<Recovery>(
            client: harness.client,
            indexes: RecoveryReconciler.recoveryIndexes,
            context: context
        )
        return AttemptRunner(
            AttemptRunner.Environment(
                client: harness.client,
                members: harness.members.guardedClient,
                writer: StatusWriter(client: harness.client, timeSource: harness.world.time),
                lock: TargetLock(
                    client: harness.client,
                    namespace: StrategyHarness.namespace,
                    timeSource: harness.world.time,
                    isRunningHere: { _ in false }
                ),
                timeSource: harness.world.time,
                logger: .disabled,
                mayLead: { true },
                retryBackoff: EngineConfiguration().backoff,
                controllerNamespace: StrategyHarness.namespace,
                turns: CopyTurns(),
                report: RecoveryReporter(
                    recorder: recorder,
                    metrics: RecoveryMetrics(registry: MetricsRegistry()),
                    statistics: RecoveryStatistics(),
                    logger: .disabled
                ),
                incidents: IncidentReporter(
                    client: harness.client,
                    recoveries: recoveries.store,
                    watchedNamespace: nil,
                    recorder: recorder,
                    logger: .disabled
                ),
                isSeenFailing: { _ in false }
            )
        )
    }

    /// Starts an attempt whose time is over after ten seconds.
    private func start(_ strategy: Strategy) throws -> VirtualRun<Void> {
        let attempt = try harness.attempt("InternalError", target: nil, timeLimit: .seconds(10)) { status in
            status.attempts = 1
            status.executions?[0].state = .inProgress
            status.executions?[0].holder = "controller"
            status.executions?[0].fencingToken = 7
            status.effective = EffectiveSettings()
            status.effective?.maxAttempts = 3
            status.effective?.ladder = [StrategyRung(name: "Test")]
            status.effective?.ladder?[0].maxAttempts = 3
        }
        let prepared = AttemptRunner.Prepared(
            attempt: attempt,
            strategy: strategy,
            journal: attempt.journal,
            fence: harness.fence,
            lock: nil
        )
        let runner = runner()
        return harness.world.start { await runner.run(prepared) }
    }

    private func status() throws -> RecoveryStatus? {
        let object = try #require(harness.hub.object(Recovery.resource, StrategyHarness.recoveryKey))
        return try Recovery(json: object.content).status
    }

    private static func writesStatus(_ request: FakeRequest) -> Bool { request.verb == .patch }

    @Test(
        "a successor that the server refuses for good ends the attempt as failed, and it is tried again",
        arguments: [
            (403, "Forbidden"), (404, "NotFound"), (409, "AlreadyExists"), (422, "Invalid"),
        ]
    )
    func refusedSuccessor(code: Int, reason: String) throws {
        harness.hub.inject(.status(code, reason), times: 100) { $0.verb == .create }
        harness.hub.inject(.status(404, "NotFound"), times: 100) { request in
            request.verb == .get && !request.concerns(Recovery.resource, StrategyHarness.recoveryKey)
        }
        let run = try start(Strategy(successor: "ClusterAuth"))
        harness.world.run(for: .seconds(1))
        #expect(run.isFinished)
        let settled = try #require(try status())
        #expect(settled.executions?.last?.state == .failed && settled.supersededBy == nil)
        #expect(settled.executions?.last?.result?.error?.contains("; not handed over: ") == true)
        #expect(settled.nextAttemptTime != nil)
    }

    @Test("a server that is busy for a moment gets its successor all the same")
    func busyServer() throws {
        harness.hub.inject(.status(503, "ServiceUnavailable"), times: 5) { $0.verb == .create }
        let run = try start(Strategy(successor: "ClusterAuth"))
        harness.world.run(for: .seconds(120))
        #expect(run.isFinished)
        #expect(try status()?.supersededBy?.name.hasPrefix("broken-clusterauth") == true)
    }

    @Test("whoever is cancelled while the hand-over waits has no successor")
    func cancelledBeforeHandOver() throws {
        harness.hub.inject(.status(503, "ServiceUnavailable"), times: 20) { $0.verb == .create }
        let attempt = try harness.attempt("InternalError", target: nil) { status in
            status.executions?[0].state = .inProgress
        }
        let prepared = AttemptRunner.Prepared(
            attempt: attempt,
            strategy: Strategy(successor: "ClusterAuth"),
            journal: attempt.journal,
            fence: harness.fence,
            lock: nil
        )
        let runner = runner()
        let run = harness.world.start { await runner.run(prepared) }
        harness.world.run(for: .milliseconds(100))
        #expect(!run.isFinished)
        attempt.journal.requestStop(.cancelled)
        harness.hub.clearFaults()
        harness.world.run(for: .seconds(60))
        #expect(run.isFinished)
        #expect(try status()?.state == .cancelled && status()?.supersededBy == nil)
        #expect(harness.hub.objects(Recovery.resource).count == 1)
    }

    @Test("an outcome that nobody takes is given up after a while, and the attempt stays reserved")
    func bounded() throws {
        harness.hub.inject(.status(422, "Invalid"), times: 1_000, where: Self.writesStatus)
        let run = try start(Strategy(successor: "ClusterAuth"))
        harness.world.run(for: .seconds(290))
        #expect(!run.isFinished)
        harness.world.run(for: .seconds(60))
        #expect(run.isFinished)
        #expect(try status()?.executions?.last?.state == .inProgress)
    }

    @Test("a write that was under way when the attempt ended is not taken for somebody else's")
    func ownWriteUnderWay() throws {
        // The journal's write is done, and its answer comes only after the end of the attempt.
        harness.hub.inject(.delayReply(.seconds(30)), where: Self.writesStatus)
        let run = try start(Strategy())
        harness.world.run(for: .seconds(20))
        #expect(run.isFinished)
        let settled = try #require(try status())
        #expect(settled.executions?.last?.state == .timeout && settled.nextAttemptTime != nil)
        #expect(settled.executions?.last?.result?.actions?.map(\.name) == ["Touch"])
    }

    @Test("what another holder has begun meanwhile is left alone", arguments: ["holder", "fencingToken", "id"])
    func otherHolder(field: String) throws {
        let run = try start(Strategy())
        harness.world.run(for: .seconds(5))
        harness.hub.edit(Recovery.resource, StrategyHarness.recoveryKey) { recovery in
            guard var execution = recovery.value(at: ["status", "executions"])?.arrayValue?.first else { return }
            let other: JSONValue = field == "fencingToken" ? 8 : "other"
            execution[field] = other
            recovery.set(.array([execution]), at: ["status", "executions"])
        }
        harness.world.run(for: .seconds(20))
        #expect(run.isFinished)
        #expect(try status()?.executions?.last?.state == .inProgress)
    }
}
