import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite(.timeLimit(.minutes(1)))
struct StoreTests {
    private let store = Store<[String]>(indexes: ["tag": { $0 }, "first": { Array($0.prefix(1)) }])

    private func stored(
        _ name: String,
        _ version: String,
        uid: String = "u",
        _ object: [String]
    ) -> StoredObject<[String]> {
        StoredObject(key: key(name), uid: uid, resourceVersion: version, content: .success(object))
    }

    private func key(_ name: String) -> ObjectKey { ObjectKey(namespace: "default", name: name) }

    @Test func `an object is found by its key and by every value of its indexes`() {
        store.set(stored("a", "1", ["x", "y"]))
        store.set(stored("b", "2", ["y"]))
        #expect(store.get(key("a")) == ["x", "y"])
        #expect(store.byIndex("tag", "y").count == 2)
        #expect(store.keys(byIndex: "tag", "x") == [key("a")])
        #expect(store.keys(byIndex: "first", "y") == [key("b")])
        #expect(store.byIndex("no such index", "y").isEmpty)
        #expect(store.list(namespace: "default").count == 2)
        #expect(store.list(namespace: "other").isEmpty)
    }

    @Test func `a change moves an object from its old index values to the new ones`() {
        store.set(stored("a", "1", ["x"]))
        store.set(stored("a", "2", ["y"]))
        #expect(store.keys(byIndex: "tag", "x").isEmpty)
        #expect(store.keys(byIndex: "tag", "y") == [key("a")])
        #expect(store.values(ofIndex: "tag") == ["y"])
    }

    // Bug 24 (k/k#84959): values that never return must not leave empty sets behind.
    @Test func `index values without objects are forgotten`() {
        for index in 0..<10_000 {
            store.set(stored("a", String(index + 1), ["value-\(index)"]))
        }
        #expect(store.values(ofIndex: "tag").count == 1)
        store.remove(key("a"), resourceVersion: "20000")
        #expect(store.values(ofIndex: "tag").isEmpty)
        #expect(store.values(ofIndex: "first").isEmpty)
    }

    @Test func `replacing swaps objects, indexes and version at once`() {
        store.set(stored("a", "1", ["x"]))
        let old = store.replace(with: [key("b"): stored("b", "5", ["y"])], resourceVersion: "7")
        #expect(old.keys.map(\.name) == ["a"])
        #expect(store.keys == [key("b")])
        #expect(store.values(ofIndex: "tag") == ["y"])
        #expect(store.resourceVersion == "7")
    }

    @Test func `the version advances with objects, deletions and bookmarks and never goes back`() {
        store.set(stored("a", "9", ["x"]))
        #expect(store.resourceVersion == "9")
        store.set(stored("b", "8", ["x"]))
        #expect(store.resourceVersion == "9")
        store.remove(key("a"), resourceVersion: "10")
        #expect(store.resourceVersion == "10")
        store.advance(to: "100")
        #expect(store.isAtLeast("100"))
        #expect(store.isAtLeast("99"))
        #expect(!store.isAtLeast("101"))
    }

    @Test(arguments: ["", "0", "01", "abc", "-1"])
    func `versions that cannot be compared are never reached`(version: String) {
        store.advance(to: "100")
        #expect(!store.isAtLeast(version))
    }

    @Test func `an undecodable object is counted and listed as such, but not handed out`() {
        let failure = UndecodableObject(key: key("a"), uid: "u", resourceVersion: "3", reason: "spec.n: no number")
        store.set(stored("a", "2", ["x"]))
        store.set(StoredObject(key: key("a"), uid: "u", resourceVersion: "3", content: .failure(failure)))
        #expect(store.get(key("a")) == nil)
        #expect(store.list().isEmpty)
        #expect(store.count == 1)
        #expect(store.undecodable == [failure])
        #expect(store.values(ofIndex: "tag").isEmpty)
        #expect(store.resourceVersion == "3")
    }

    // Section 1.12: reading one's own write.
    @Test func `a reader can wait for the version of its own write, up to a deadline`() throws {
        let world = VirtualWorld()
        let deadline = world.time.now().advanced(by: .seconds(5))
        func wait(_ version: String) -> VirtualRun<Bool> {
            world.start { [store] in
                try await store.waitFor(resourceVersion: version, until: deadline, world.time)
            }
        }
        store.set(stored("a", "5", ["x"]))
        #expect(try wait("5").result?.get() == true)
        let six = wait("6")
        let seven = wait("7")
        let cancelled = wait("7")
        #expect(!six.isFinished)
        store.set(stored("a", "6", ["x"]))
        cancelled.cancel()
        world.settle()
        #expect(try six.result?.get() == true)
        #expect(cancelled.error is CancellationError)
        #expect(!seven.isFinished)
        world.run(for: .seconds(5))
        #expect(try seven.result?.get() == false)
    }
}
