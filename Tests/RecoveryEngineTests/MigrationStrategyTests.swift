import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// The strategy beside a running migration controller, on a hub in memory.
@Suite("MigrationStrategy")
struct MigrationStrategyTests {
    private func strategy(_ scene: MigrationControllerScene) -> MigrationStrategy {
        MigrationStrategy(members: scene.members)
    }

    /// Runs one attempt at the Migration `move`, while the placement controller does what it would.
    private func run(
        _ scene: MigrationControllerScene,
        ready: @autoclosure () -> Bool = true,
        type: String = "MigrationFailure"
    ) throws -> (outcome: Result<StrategyResult, any Error>, attempt: Attempt) {
        let attempt = try scene.attempt(type)
        let strategy = strategy(scene)
        let run = scene.world.start { try await strategy.execute(attempt) }
        for _ in 0..<700 where !run.isFinished { try scene.play(for: 1, ready: ready()) }
        return (try #require(run.result, "the strategy hangs"), attempt)
    }

    @Test("a target without quota: the prerequisites are checked, the move is undone, and it says what to do")
    func rollsBack() throws {
        let scene = MigrationControllerScene()
        let isDryRun: @Sendable (FakeRequest) -> Bool = { $0.query["dryRun"] == "All" }
        let refusal = FakeFault.answer(.failure(403, "Forbidden", "forbidden: exceeded quota: few"))
        scene.member.inject(refusal, times: 99, where: isDryRun)
        scene.start()
        scene.create()
        try scene.play(for: 3)
        let (outcome, attempt) = try run(scene)
        let result = try outcome.get()
        #expect(result.message.contains("exceeded quota") && result.metrics["phase"] == "RolledBack")
        #expect(result.nextSteps.first?.contains("quota on edge-2") == true)
        let checks = ["CheckSource Succeeded", "CheckTarget Succeeded", "CheckPrerequisites Failed"]
        #expect(attempt.journalLines == checks + ["RollBack Succeeded"])
        #expect(try scene.phases() == [.prechecking, .rollingBack, .rolledBack])
    }

    @Test("a copy that becomes ready late is waited for after a resume")
    func resumes() throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.create()
        try scene.play(for: 310, ready: false)
        #expect(try scene.recoveries().map(\.spec.error.type) == ["MigrationFailure"])
        let end = scene.world.time.now().advanced(by: .seconds(60))
        let (outcome, attempt) = try run(scene, ready: scene.world.time.now() > end)
        #expect(try outcome.get().metrics["phase"] == "Completed")
        #expect(attempt.journalLines.last == "ResumeMigration Succeeded")
        #expect(try scene.migration().status?.resumeTime != nil)
    }

    @Test("a copy that never becomes ready is given half of the time, then undone")
    func resumesInVain() throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.create()
        try scene.play(for: 310, ready: false)
        let (outcome, attempt) = try run(scene, ready: false)
        #expect(try outcome.get().metrics["phase"] == "RolledBack")
        #expect(attempt.journalLines.suffix(2) == ["ResumeMigration Succeeded", "RollBack Succeeded"])
        #expect(try scene.placement().status?.decisions?.map(\.cluster) == ["edge-1"])
    }

    @Test("what must not be undone is for a person, and a Migration at its end is not touched")
    func permanent() throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.create("move", .failover, spec: ["rollbackOnFailure": false])
        try scene.play(for: 120)
        let failure = #expect(throws: StrategyFailure.self) { try run(scene).outcome.get() }
        guard case .permanent(let words, let steps, _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(words.contains("rollbackOnFailure") && steps.first?.contains("Relocate") == true)
        #expect(try scene.migration().status?.phase == .prechecking)
    }

    @Test("an attempt that was interrupted after its write does not write again")
    func isResumable() throws {
        let scene = MigrationControllerScene()
        scene.start()
        scene.create()
        try scene.play(for: 310, ready: false)
        let first = try scene.attempt("MigrationFailure")
        let strategy = strategy(scene)
        let run = scene.world.start { try await strategy.execute(first) }
        scene.world.run(for: .seconds(2))
        let time = try #require(try scene.migration().status?.resumeTime)
        run.cancel()
        scene.world.run(for: .seconds(5))
        let actions = [ActionRecord(MigrationRun.resumeAction, .started, message: "", time: time)]
        let second = try scene.attempt("MigrationFailure", startTime: first.execution.startTime, actions: actions)
        let again = scene.world.start { try await strategy.execute(second) }
        scene.world.run(for: .seconds(2))
        #expect(try scene.migration().status?.resumeTime == time)
        #expect(second.recorded(MigrationRun.resumeAction)?.result == .succeeded)
        try scene.play(for: 5)
        #expect(again.isFinished)
    }
}

extension MigrationControllerScene {
    /// A reserved attempt at a Recovery of the Migration `move`.
    func attempt(_ type: String, startTime: Date? = nil, actions: [ActionRecord] = []) throws -> Attempt {
        let key = ObjectKey(namespace: Self.space, name: "helping")
        var execution = RecoveryExecution(id: StrategyHarness.executionID, attempt: 1, strategy: "Migration")
        execution.startTime = startTime ?? world.time.wallTime()
        if !actions.isEmpty {
            execution.result = ExecutionResult()
            execution.result?.actions = actions
        }
        var recovery = Recovery(
            metadata: ObjectMeta(name: key.name, namespace: key.namespace),
            spec: RecoverySpec(error: ReportedError(type: type))
        )
        var status = RecoveryStatus()
        status.state = .inProgress
        status.target = ResolvedTarget(
            apiVersion: RecoveryAPI.apiVersion,
            kind: "Migration",
            namespace: Self.space,
            name: "move"
        )
        status.executions = [execution]
        recovery.status = status
        recovery = try Recovery(json: hub.put(recovery.jsonValue(), Recovery.resource).content)
        let fence = AttemptFence { true }
        return Attempt(
            recovery: recovery,
            execution: execution,
            isResumed: !actions.isEmpty,
            parameters: [:],
            client: client.guarded { try fence.check($0) },
            placementFence: LivePlacementFence(
                hub: client,
                fence: PlacementFence(controllerNamespace: members.namespace)
            ),
            timeSource: world.time,
            logger: .disabled,
            clock: AttemptClock(deadline: world.time.now().advanced(by: .seconds(600))),
            members: members.guardedClient,
            fence: fence,
            journal: AttemptJournal(
                recovery: recovery,
                writer: StatusWriter(client: client, timeSource: world.time),
                timeSource: world.time
            )
        )
    }
}
