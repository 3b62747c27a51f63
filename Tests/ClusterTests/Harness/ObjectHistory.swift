import KubernetesClient
import KubernetesCore
import Synchronization
import Timekeeping

/// Every state of the objects of one kind that the API server has shown to watchers, in order.
final class ObjectHistory<Object: KubernetesObject>: Sendable {
    /// One change: the object as it was then; nil when it is gone.
    struct Change: Sendable {
        let key: ObjectKey
        let object: Object?
    }

    private struct State {
        var changes: [Change] = []
        var failure: String?
        /// Opens with the next change.
        var changed = Latch()
    }

    private let client: KubernetesClient
    private let namespaces: Set<String>
    private let state = Mutex(State())
    private let task = Mutex<Task<Void, Never>?>(nil)

    private init(_ client: KubernetesClient, _ namespaces: Set<String>) {
        self.client = client
        self.namespaces = namespaces
    }

    /// Follows the objects of some namespaces in which there are none of this kind yet.
    static func follow(_ client: KubernetesClient, _ namespaces: Set<String>) async throws -> ObjectHistory {
        let history = ObjectHistory(client, namespaces)
        let list = try await client.list(Object.self)
        let task = Task { [weak history] in
            do {
                var version = list.metadata.resourceVersion
                while !Task.isCancelled {
                    let options = WatchOptions(resourceVersion: version)
                    for try await event in try await client.watch(Object.self, options: options) {
                        guard let history else { return }
                        version = history.add(event) ?? version
                    }
                }
            } catch {
                history?.fail("\(error)")
            }
        }
        history.task.withLock { $0 = task }
        return history
    }

    /// Keeps a change; returns its version.
    private func add(_ event: WatchEvent<Object>) -> String? {
        switch event {
        case .added(let object), .modified(let object): return add(object, isGone: false)
        case .deleted(let object): return add(object, isGone: true)
        case .bookmark, .error: return nil
        }
    }

    private func add(_ object: Object, isGone: Bool) -> String? {
        let key = object.metadata.key
        guard namespaces.contains(key.namespace ?? "") else { return object.metadata.resourceVersion }
        let changed = state.withLock { state in
            state.changes.append(Change(key: key, object: isGone ? nil : object))
            defer { state.changed = Latch() }
            return state.changed
        }
        changed.open()
        return object.metadata.resourceVersion
    }

    private func fail(_ text: String) {
        let changed = state.withLock { state in
            state.failure = text
            return state.changed
        }
        changed.open()
    }

    /// Waits until this watch has shown the objects as the server has them now.
    ///
    /// - Throws: `NotReached` when that does not come in time.
    func catchUp() async throws {
        for namespace in namespaces.sorted() {
            for object in try await client.list(Object.self, namespace: namespace).items {
                try await catchUp(with: object)
            }
        }
    }

    private func catchUp(with object: Object) async throws {
        let (key, wanted) = (object.metadata.key, object.metadata.resourceVersion)
        let time = SystemTimeSource()
        do {
            try await withDeadline(time.now().advanced(by: .seconds(30)), time) {
                while true {
                    let (isThere, failure, changed) = self.state.withLock { state in
                        // Gone, or newer than what was listed: then it has been shown, too.
                        let isShown = state.changes.contains {
                            $0.key == key && ($0.object?.metadata.resourceVersion ?? wanted) == wanted
                        }
                        return (isShown, state.failure, state.changed)
                    }
                    if isThere { return }
                    if let failure { throw NotReached(key: key, last: "the watch has ended: \(failure)") }
                    try await changed.wait()
                }
            }
        } catch is DeadlineExceeded {
            throw NotReached(key: key, last: "version \(wanted ?? "") was never shown to the watch")
        }
    }

    /// All changes so far.
    var changes: [Change] { state.withLock { $0.changes } }

    /// The states of one object, by its name.
    func states(_ name: String) -> [Object] {
        changes.filter { $0.key.name == name }.compactMap(\.object)
    }

    /// What a part of one object was, as often as it changed.
    func course<Value: Equatable>(_ name: String, _ value: (Object) -> Value?) -> [Value] {
        states(name).compactMap(value).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }

    deinit { task.withLock { $0?.cancel() } }
}
