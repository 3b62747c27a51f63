import KubernetesCore
import Testing

@testable import ControllerRuntime

/// What handlers are told when the cache changes.
struct CacheChangeTests {
    private let store = Store<String>()

    private func key(_ name: String) -> ObjectKey { ObjectKey(name: name) }

    private func object(
        _ name: String,
        _ version: Int,
        uid: String = "u",
        _ text: String? = nil
    ) -> StoredObject<String> {
        let content = text ?? "\(name)@\(version)"
        return StoredObject(
            key: key(name),
            uid: uid,
            resourceVersion: String(version),
            content: .success(content)
        )
    }

    private func broken(_ name: String, _ version: Int) -> StoredObject<String> {
        let failure = UndecodableObject(key: key(name), uid: "u", resourceVersion: String(version), reason: "broken")
        return StoredObject(key: key(name), uid: "u", resourceVersion: String(version), content: .failure(failure))
    }

    private func list(_ objects: StoredObject<String>..., version: Int) -> CacheChange<String> {
        list(objects, version)
    }

    private func list(_ objects: [StoredObject<String>], _ version: Int) -> CacheChange<String> {
        var list = CacheList<String>()
        for object in objects { list.append(object) }
        list.resourceVersion = String(version)
        return .replaced(list)
    }

    private func apply(_ change: CacheChange<String>, isInitial: Bool = false) -> [InformerEvent<String>] {
        store.apply(change, isInitial: isInitial).map(\.event)
    }

    @Test func `a new object is added, a known one updated, whatever the server calls it`() {
        #expect(apply(.stored(object("a", 1))) == [.added("a@1", isInInitialList: false)])
        #expect(apply(.stored(object("a", 2))) == [.updated(old: "a@1", new: "a@2")])
        #expect(apply(.deleted(object("a", 3))) == [.deleted("a@3")])
        #expect(apply(.deleted(object("a", 3))) == [])
        #expect(store.resourceVersion == "3")
    }

    @Test func `the first list is marked as such`() {
        let events = apply(list(object("b", 2), object("a", 1), version: 5), isInitial: true)
        #expect(events == [.added("b@2", isInInitialList: true), .added("a@1", isInInitialList: true)])
    }

    @Test func `an object that comes twice in a list, on two pages, is told once in its last state`() {
        let events = apply(list(object("a", 1), object("b", 2), object("a", 3), version: 5), isInitial: true)
        #expect(events == [.added("a@3", isInInitialList: true), .added("b@2", isInInitialList: true)])
    }

    // Bug 25 (beyla#1420): what was deleted while nobody looked has an event of its own kind.
    @Test func `a list tells deletions first, with the last state that was seen, and leaves equal objects out`() {
        _ = apply(list(object("a", 1), object("b", 2), object("c", 3), version: 5))
        let events = apply(list(object("b", 2), object("c", 6), object("d", 7), version: 8))
        #expect(
            events == [
                .deletedFinalStateUnknown(key("a"), last: "a@1"),
                .updated(old: "c@3", new: "c@6"),
                .added("d@7", isInInitialList: false),
            ]
        )
    }

    @Test func `an object that was replaced by one of the same name is an update between uids`() {
        _ = apply(.stored(object("a", 1, uid: "old")))
        #expect(apply(.stored(object("a", 2, uid: "new"))) == [.updated(old: "a@1", new: "a@2")])
        // Even if the list shows the same version, which only a restore can bring about.
        #expect(apply(list(object("a", 2, uid: "newer", "x"), version: 2)) == [.updated(old: "a@2", new: "x")])
    }

    // Bug 34 (OpenSandbox#1673).
    @Test func `an older state of the same object never hides a newer one`() {
        _ = apply(.stored(object("a", 10)))
        #expect(apply(.stored(object("a", 9))) == [])
        #expect(store.get(key("a")) == "a@10")
        #expect(apply(.deleted(object("a", 8))) == [])
        #expect(store.get(key("a")) == "a@10")
    }

    @Test func `an object that cannot be decoded is told, comes back as added, and its deletion is told`() {
        _ = apply(.stored(object("a", 1)))
        let failed = UndecodableObject(key: key("a"), uid: "u", resourceVersion: "2", reason: "broken")
        #expect(apply(.stored(broken("a", 2))) == [.undecodable(failed, last: "a@1")])
        #expect(apply(.stored(object("a", 3))) == [.added("a@3", isInInitialList: false)])
        #expect(apply(.deleted(broken("a", 4))) == [.deletedFinalStateUnknown(key("a"), last: "a@3")])
    }

    @Test func `a bookmark only moves the version`() {
        #expect(apply(.bookmark(resourceVersion: "42")) == [])
        #expect(store.resourceVersion == "42")
    }

    // Bug 4 (k/k#115658): deletes must survive any mix of events and lists.
    @Test(arguments: 0..<100)
    func `what the handlers were told adds up to what the server has, for any schedule`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var server: [ObjectKey: StoredObject<String>] = [:]
        var told: [ObjectKey: String] = [:]
        var version = 0
        for _ in 0..<300 {
            version += 1
            let name = "k\(Int.random(in: 0..<6, using: &random))"
            let change: CacheChange<String>?
            // Events that are lost are made up for by a later list.
            let isLost = Int.random(in: 0..<4, using: &random) == 0
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4:
                let uid = server[key(name)]?.uid ?? "u\(version)"
                let new = object(name, version, uid: uid)
                server[new.key] = new
                change = .stored(new)
            case 4..<6:
                guard server.removeValue(forKey: key(name)) != nil else { continue }
                change = .deleted(object(name, version))
            default:
                change = list(Array(server.values), version)
            }
            if case .replaced = change {} else if isLost { continue }
            for notification in change.map({ store.apply($0, isInitial: false) }) ?? [] {
                Self.note(notification, in: &told)
            }
        }
        for notification in store.apply(list(Array(server.values), 9999), isInitial: false) {
            Self.note(notification, in: &told)
        }
        #expect(told == server.compactMapValues(\.object))
        #expect(store.keys == Set(server.keys))
    }

    private static func note(_ notification: CacheNotification<String>, in told: inout [ObjectKey: String]) {
        switch notification.event {
        case .added(let object, _):
            #expect(told[notification.key] == nil)
            told[notification.key] = object
        case .updated(let old, let new):
            #expect(told[notification.key] == old)
            told[notification.key] = new
        case .deleted, .deletedFinalStateUnknown, .undecodable:
            #expect(told[notification.key] != nil)
            told[notification.key] = nil
        }
    }
}
