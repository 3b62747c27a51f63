import JSON
import KubernetesClient
import KubernetesCore
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

/// A controller that acts on its cache must first see its own writes there (section 1.12 of the reference).
@Suite(.timeLimit(.minutes(1)))
struct ReadYourWritesTests {
    let test = InformerWorld()

    /// Makes one child with a generated name for each parent, looking only at the cache.
    private func startController(_ informer: Informer<Unstructured>, isGated: Bool) -> WorkQueue<ObjectKey> {
        let queue = WorkQueue<ObjectKey>(name: "test", timeSource: test.world.time)
        let client = test.server.client(identity: "controller")
        let lastWrite = LastWrite()
        let controller = Controller(name: "test", queue: queue, context: test.context) { [world = test.world] _ in
            let deadline = world.time.now().advanced(by: .seconds(5))
            if isGated, let version = lastWrite.version,
                try await !informer.store.waitFor(resourceVersion: version, until: deadline, world.time)
            {
                return .requeue(after: .seconds(1))
            }
            guard informer.store.byIndex("x", "child").isEmpty else { return .done }
            let child: Unstructured = Unstructured([
                "apiVersion": "v1", "kind": "ConfigMap", "data": ["x": "child"],
                "metadata": ["generateName": "child-", "namespace": "default"],
            ])
            lastWrite.version = try await client.create(.configMaps, child).resourceVersion
            return .done
        }
        test.world.start { try await controller.run() }
        return queue
    }

    // Bug 33 (kuberay#715, k0smotron#1534): watch delivery stands still and the key is reconciled ten times.
    @Test(arguments: [true, false])
    func `bug 33: with a frozen watch only the gate keeps a controller from acting again`(isGated: Bool) {
        let informer = test.makeInformer()
        test.start(informer)
        let queue = startController(informer, isGated: isGated)
        test.server.freezeWatches()
        for _ in 0..<10 {
            queue.add(InformerWorld.key("parent"))
            test.world.run(for: .seconds(7))
        }
        // Without the gate each run acts again: the test would notice a gate that lets everything through.
        #expect(test.server.objects(.configMaps).count == (isGated ? 1 : 10))
        test.server.thawWatches()
        test.world.run(for: .seconds(10))
        #expect(test.agrees(informer))
        #expect(!isGated || queue.depth + queue.waitingCount == 0)
    }

    // Bookmarks move the version too, so that a write to an object outside of the selector does not block for ever.
    @Test func `the gate opens with a bookmark when the own write is not in the selection`() {
        let informer = test.makeInformer(scope: WatchScope(labelSelector: "app=web"))
        test.start(informer)
        test.put("unselected")
        test.world.settle()
        #expect(!informer.store.isAtLeast(test.server.resourceVersion))
        test.server.sendBookmarks()
        test.world.settle()
        #expect(informer.store.isAtLeast(test.server.resourceVersion))
    }
}

private final class LastWrite: Sendable {
    private let kept = Mutex<String?>(nil)

    var version: String? {
        get { kept.withLock { $0 } }
        set { kept.withLock { $0 = newValue } }
    }
}
