import HTTPTransport
import KubernetesClient
import KubernetesCore
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite(.timeLimit(.minutes(1)))
struct ControllerTests {
    let world = VirtualWorld()
    let journal = Journal()
    let registry = MetricsRegistry()
    let queue: WorkQueue<String>
    let context: RuntimeContext
    private struct Boom: Error {}

    init() {
        queue = WorkQueue(name: "test", timeSource: world.time)
        context = RuntimeContext(timeSource: world.time, metrics: registry)
    }

    private func start(
        _ configuration: ControllerConfiguration = ControllerConfiguration(),
        _ reconcile: @escaping Controller<String>.Reconcile
    ) -> (Controller<String>, VirtualRun<Void>) {
        let controller = Controller(
            name: "test",
            queue: queue,
            configuration: configuration,
            context: context,
            reconcile: reconcile
        )
        return (controller, world.start { try await controller.run() })
    }

    private func metric(_ name: String, _ labels: String = "") -> Bool {
        registry.exposition().contains(#"controller_runtime_\#(name){controller="test"\#(labels)} 1"# + "\n")
    }

    @Test func `a reconcile that is done forgets the failures before`() {
        queue.addRateLimited("a")
        _ = start { [journal] key in
            journal.add(key)
            return .done
        }
        world.run(for: .seconds(1))
        #expect(journal.entries == ["a"])
        #expect(queue.failures(of: "a") == 0)
        #expect(metric("reconcile_total", #",result="success""#))
        #expect(metric("max_concurrent_reconciles"))
    }

    @Test func `an error is tried again later and later`() {
        _ = start { [journal] key in
            journal.add(key)
            throw Boom()
        }
        queue.add("a")
        world.settle()
        #expect(journal.entries.count == 1)
        #expect(metric("reconcile_errors_total"))
        world.run(for: .milliseconds(5 + 10 + 20))
        #expect(journal.entries.count == 4)
    }

    @Test func `a terminal error is not tried again`() {
        _ = start { [journal] key in
            journal.add(key)
            throw TerminalError(Boom())
        }
        queue.add("a")
        world.run(for: .seconds(3600))
        #expect(journal.entries.count == 1)
        #expect(metric("terminal_reconcile_errors_total"))
        #expect(metric("reconcile_errors_total"))
    }

    @Test(arguments: [(429, 7), (422, nil), (503, nil)] as [(Int, Int?)])
    func `answers of the server are handled by their disposition`(status: Int, retryAfter: Int?) {
        let server = FakeAPIServer(timeSource: world.time)
        let client = server.client().with(requestTimeout: nil, retryPolicy: .none)
        server.inject(.status(status, "Test", retryAfterSeconds: retryAfter), times: 1000)
        _ = start { [journal] key in
            journal.add(key)
            _ = try await client.get(.configMaps, ObjectKey(namespace: "default", name: key))
            return .done
        }
        queue.add("a")
        world.run(for: .seconds(6))
        #expect((journal.entries.count == 1) == (status != 503))
        world.run(for: .seconds(2))
        #expect((journal.entries.count == 1) == (status == 422))
    }

    @Test func `a requeue comes at its time and forgets failures, at its old priority`() async throws {
        let runs = Mutex(0)
        _ = start { [journal] key in
            journal.add("\(key) at \(runs.withLock { $0 })")
            return runs.withLock { count in
                count += 1
                return count == 1 ? .requeue(after: .seconds(30)) : count == 2 ? .requeue : .done
            }
        }
        queue.add("a", priority: 9)
        world.run(for: .seconds(29))
        #expect(journal.entries.count == 1)
        world.run(for: .seconds(1))
        #expect(journal.entries.count == 2)
        world.run(for: .milliseconds(5))
        #expect(journal.entries.count == 3)
        #expect(metric("reconcile_total", #",result="requeue_after""#))
        #expect(metric("reconcile_total", #",result="requeue""#))
    }

    // Bug 21 (c-r#3157).
    @Test func `a key that failed keeps its priority`() {
        let gate = Latch()
        _ = start { [journal] key in
            journal.add(key)
            if key == "gate" { try await gate.wait() }
            if key == "urgent", journal.count("urgent") == 1 { throw Boom() }
            return .done
        }
        queue.add("urgent", priority: 10)
        world.settle()
        // Three keys are ready by the time that the only worker is free.
        queue.add("gate", priority: 20)
        queue.add("normal")
        world.run(for: .milliseconds(5))
        gate.open()
        world.settle()
        #expect(journal.entries == ["urgent", "gate", "urgent", "normal"])
    }

    @Test func `as many keys run at once as are allowed`() {
        var configuration = ControllerConfiguration()
        configuration.maxConcurrent = 3
        let gate = Latch()
        _ = start(configuration) { [journal] key in
            journal.add(key)
            try await gate.wait()
            return .done
        }
        for index in 0..<10 { queue.add("k\(index)") }
        world.settle()
        #expect(journal.entries.count == 3)
        #expect(registry.exposition().contains(#"controller_runtime_active_workers{controller="test"} 3"#))
        gate.open()
        world.settle()
        #expect(journal.entries.count == 10)
        #expect(registry.exposition().contains(#"controller_runtime_active_workers{controller="test"} 0"#))
    }

    @Test func `a reconcile that takes too long is cancelled, counted and tried again`() {
        var configuration = ControllerConfiguration()
        configuration.reconcileTimeout = .seconds(10)
        _ = start(configuration) { [journal] key in
            journal.add(key)
            if journal.entries.count == 1 { try await Latch().wait() }
            return .done
        }
        queue.add("a")
        world.run(for: .seconds(10))
        #expect(metric("reconcile_timeouts_total"))
        world.run(for: .milliseconds(5))
        #expect(journal.entries == ["a", "a"])
    }

    // Bug 22 (c-r#1219, rancher#51754): the error names the kinds.
    @Test func `caches that do not sync within two minutes end the controller with their names`() {
        let synced = Latch()
        synced.open()
        var configuration = ControllerConfiguration()
        configuration.caches = [
            .init(kind: "pods", hasSynced: synced), .init(kind: "secrets", hasSynced: Latch()),
            .init(kind: "nodes", hasSynced: Latch()),
        ]
        let (_, run) = start(configuration) { [journal] key in
            journal.add(key)
            return .done
        }
        queue.add("a")
        world.run(for: .seconds(119))
        #expect(!run.isFinished)
        world.run(for: .seconds(1))
        let expected = ControllerError.cachesNotSynced(
            controller: "test",
            kinds: ["nodes", "secrets"],
            timeout: .seconds(120)
        )
        #expect(run.error as? ControllerError == expected)
        #expect("\(expected)".contains("nodes, secrets"))
        #expect(journal.entries.isEmpty)
        #expect(queue.isShuttingDown)
    }

    @Test func `a cache that a controller can do without is waited for, but not for ever`() {
        var configuration = ControllerConfiguration()
        configuration.caches = [.init(kind: "configmaps", hasSynced: Latch(), patience: .seconds(30))]
        let (_, run) = start(configuration) { [journal] key in
            journal.add(key)
            return .done
        }
        queue.add("a")
        world.run(for: .seconds(29))
        #expect(journal.entries.isEmpty)
        world.run(for: .seconds(1))
        #expect(journal.entries == ["a"] && !run.isFinished)
    }

    @Test func `workers start when the caches are full`() {
        let latch = Latch()
        var configuration = ControllerConfiguration()
        configuration.caches = [.init(kind: "pods", hasSynced: latch)]
        _ = start(configuration) { [journal] key in
            journal.add(key)
            return .done
        }
        queue.add("a")
        world.settle()
        #expect(journal.entries.isEmpty)
        latch.open()
        world.settle()
        #expect(journal.entries == ["a"])
    }

    @Test func `stopping lets the running reconcile finish and starts no other`() {
        let gate = Latch()
        let (controller, run) = start { [journal] key in
            try await gate.wait()
            journal.add(key)
            return .done
        }
        queue.add("a")
        queue.add("b")
        world.settle()
        controller.stop()
        world.settle()
        #expect(!run.isFinished)
        gate.open()
        world.settle()
        #expect(run.isFinished)
        #expect(run.error == nil)
        #expect(journal.entries == ["a"])
    }

    @Test func `a cancelled controller cancels its reconciles and counts no failure`() {
        let (_, run) = start { [journal] key in
            journal.add(key)
            try await Latch().wait()
            return .done
        }
        queue.add("a")
        world.settle()
        run.cancel()
        world.settle()
        #expect(run.error is CancellationError)
        #expect(queue.isShuttingDown)
        #expect(
            registry.exposition().contains("\n" + #"controller_runtime_reconcile_errors_total{controller="test"} 0"#)
        )
    }
}
