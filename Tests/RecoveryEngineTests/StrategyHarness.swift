import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// A hub in memory with one Recovery in its first attempt, and everything a strategy needs to run it.
struct StrategyHarness {
    static let namespace = "tmc-recovery-system"
    static let recoveryKey = ObjectKey(namespace: namespace, name: "broken")
    static let autoscalers = APIResource(
        group: "autoscaling",
        version: "v2",
        plural: "horizontalpodautoscalers",
        kind: "HorizontalPodAutoscaler"
    )
    static let executionID = "Test-1767225600-1"

    let world: VirtualWorld
    let hub: FakeAPIServer
    let client: KubernetesClient
    let members: MemberClients
    let fence = AttemptFence { true }

    /// Makes a hub; member clusters are reached through `memberTransport`.
    init(
        world: VirtualWorld = VirtualWorld(),
        memberTransport: any HTTPTransport = ScriptedTransport([]),
        allowedCommands: Set<String> = [],
        resources: [APIResource] = []
    ) {
        self.world = world
        hub = FakeAPIServer(
            timeSource: world.time,
            resources: [
                Recovery.resource, RecoveryPolicy.resource, MemberCluster.resource, Self.autoscalers,
                Placement.resource, Migration.resource,
                APIResource(group: "example.com", version: "v1", plural: "widgets", kind: "Widget", isNamespaced: true),
            ] + resources
        )
        client = hub.client(identity: "controller")
        members = MemberClients(
            hub: client,
            namespace: Self.namespace,
            transport: memberTransport,
            timeSource: world.time,
            logger: .disabled,
            allowedCommands: allowedCommands
        )
    }

    /// Reserves an attempt at a Recovery, or goes on with one that has recorded `actions`.
    func attempt(
        _ type: String,
        target: ResolvedTarget?,
        parameters: [String: JSONValue] = [:],
        actions: [ActionRecord] = [],
        timeLimit: Duration = .seconds(300),
        members: MemberClients? = nil,
        namespace: String = namespace,
        context: [String: String]? = nil,
        account: String? = nil,
        prepare: (inout RecoveryStatus) -> Void = { _ in }
    ) throws -> Attempt {
        var execution = RecoveryExecution(id: Self.executionID, attempt: 1, strategy: "Test")
        execution.startTime = world.time.wallTime()
        if !actions.isEmpty {
            var result = ExecutionResult()
            result.actions = actions
            execution.result = result
        }
        var recovery = Recovery(
            metadata: ObjectMeta(name: Self.recoveryKey.name, namespace: namespace),
            spec: RecoverySpec(error: ReportedError(type: type))
        )
        recovery.spec.error.context = context
        recovery.spec.clusterRef = target?.cluster.map { NameReference(name: $0) }
        var status = RecoveryStatus()
        status.state = .inProgress
        status.target = target
        status.executions = [execution]
        prepare(&status)
        recovery.status = status
        recovery = try Recovery(json: hub.put(recovery.jsonValue(), Recovery.resource).content)
        return Attempt(
            recovery: recovery,
            execution: execution,
            isResumed: !actions.isEmpty,
            parameters: parameters,
            client: client.impersonating(account.map { .serviceAccount(namespace: namespace, name: $0) })
                .guarded { [fence] in try fence.check($0, as: account == nil ? .controller : .serviceAccount) },
            placementFence: LivePlacementFence(
                hub: client,
                fence: PlacementFence(controllerNamespace: Self.namespace)
            ),
            timeSource: world.time,
            logger: .disabled,
            clock: AttemptClock(deadline: world.time.now().advanced(by: timeLimit)),
            members: (members ?? self.members).guardedClient,
            fence: fence,
            journal: AttemptJournal(
                recovery: recovery,
                writer: StatusWriter(client: client, timeSource: world.time),
                timeSource: world.time
            )
        )
    }

    /// Runs a strategy to its end, letting time pass.
    func run(_ strategy: some RecoveryStrategy, _ attempt: Attempt) throws -> StrategyResult {
        let run = world.start { try await strategy.execute(attempt) }
        _ = world.run(until: { run.isFinished })
        return try #require(run.result, "the strategy hangs").get()
    }

    /// Runs a strategy that has to fail, and says how.
    func failure(_ strategy: some RecoveryStrategy, _ attempt: Attempt) throws -> Failure {
        do {
            let result = try run(strategy, attempt)
            Issue.record("succeeded: \(result.message)")
            return Failure(kind: "success", message: result.message)
        } catch let failure as StrategyFailure {
            switch failure {
            case .transient(let message, let steps, _, let metrics):
                return Failure(kind: "transient", message: message, nextSteps: steps, metrics: metrics)
            case .permanent(let message, let steps, let metrics):
                return Failure(kind: "permanent", message: message, nextSteps: steps, metrics: metrics)
            case .superseded(let successor, let message):
                return Failure(
                    kind: "superseded",
                    message: message,
                    successor: successor.error,
                    subject: successor.subject
                )
            }
        }
    }

    /// How a strategy failed, in a form that tests can look into.
    struct Failure {
        var kind: String
        var message: String
        var nextSteps: [String] = []
        var metrics: [String: String] = [:]
        var successor: ReportedError?
        var subject: SuccessorRequest.Subject?

        /// All steps as one text.
        var advice: String { nextSteps.joined(separator: "\n") }
    }

    /// The actions as they are in the Recovery's status on the hub.
    func storedActions() throws -> [ActionRecord] {
        let object = try #require(hub.object(Recovery.resource, Self.recoveryKey))
        return try Recovery(json: object.content).status?.executions?.last?.result?.actions ?? []
    }

    /// The writes that reached the hub about objects of a kind.
    func writes(_ resource: APIResource) -> [FakeRequest] {
        hub.requests { $0.isWrite && $0.concerns(resource) }
    }
}

extension Attempt {
    /// `Name Result` of each action so far.
    var journalLines: [String] {
        journal.actions.map { "\($0.name) \($0.result.rawValue)" }
    }
}
