import ControllerRuntime
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

/// Writes to a policy's status that do not succeed at once.
@Suite("PolicyBooks", .timeLimit(.minutes(1)))
struct PolicyBooksTests {
    private let world = VirtualWorld()
    private let hub: FakeAPIServer
    private let books: PolicyBooks

    init() {
        hub = FakeAPIServer(timeSource: world.time, resources: [Recovery.resource, RecoveryPolicy.resource])
        let client = hub.client()
        let context = RuntimeContext(timeSource: world.time, logger: .disabled)
        books = PolicyBooks(
            client: client,
            policies: Informer<RecoveryPolicy>(client: client, context: context).store,
            recoveries: Informer<Recovery>(client: client, context: context).store,
            findings: DetectionFindings(),
            timeSource: world.time,
            report: PolicyReporter(
                recorder: EventRecorder(client: client, component: "test", context: context, random: { 0.5 }),
                metrics: MetricsRegistry(),
                logger: .disabled
            )
        )
    }

    /// Writes a count, while the hub answers the first writes with a fault.
    private func write(_ fault: FakeFault, times: Int) throws -> VirtualRun<RecoveryPolicy?> {
        let stored = hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                "metadata": ["name": "careful", "namespace": "team"], "spec": [:],
            ],
            RecoveryPolicy.resource
        )
        let policy = try RecoveryPolicy(json: stored.content)
        hub.inject(fault, times: times) { $0.verb == .patch }
        return world.start { [books] in
            try await books.update(policy) { _, books, _ in
                var status = books.status
                status.matched = 7
                return status
            }
        }
    }

    private var writes: [FakeRequest] { hub.requests { $0.verb == .patch } }

    @Test("others who are faster are let alone for a while, longer from try to try")
    func conflicts() throws {
        let run = try write(.status(409, "Conflict"), times: 5)
        world.run(for: .seconds(10))
        #expect(try run.result?.get()?.status?.matched == 7)
        let times = writes.map(\.time)
        let pauses = zip(times, times.dropFirst()).map { $0.duration(to: $1) }
        #expect(pauses.count == 5 && pauses.allSatisfy { $0 >= .milliseconds(20) })
        #expect(pauses.reduce(.zero, +) >= .milliseconds(600))
    }

    @Test(
        "a server in trouble is asked once more, and then left to the queue",
        arguments: [
            FakeFault.status(500, "InternalError"), .loseReply,
        ]
    )
    func trouble(_ fault: FakeFault) throws {
        let run = try write(fault, times: 100)
        world.run(for: .seconds(120))
        #expect(run.isFinished)
        if case .loseReply = fault {
            #expect(try run.result?.get()?.status?.matched == 7, "the look at the live policy finds it written")
        } else {
            #expect(run.error is ClientError)
        }
    }
}
