internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import Synchronization
internal import Timekeeping

/// Follows the few objects that a selector chooses until they are as wanted: one list, then a watch, no polling.
struct ObjectWatch: Sendable {
    /// What the objects look like now.
    enum Sight<Value: Sendable>: Sendable {
        /// As wanted.
        case reached(Value)
        /// Not yet, for this reason.
        case waiting(String)
    }

    /// How the server is reached.
    let client: KubernetesClient
    /// The kind.
    let resource: APIResource
    /// Where the objects are; nil for all namespaces and cluster-scoped kinds.
    var namespace: String?
    /// Which of them.
    var options = ListOptions()

    /// Follows one object.
    init(_ client: KubernetesClient, _ resource: APIResource, _ key: ObjectKey) {
        self.client = client
        self.resource = resource
        namespace = key.namespace
        options = ListOptions(fieldSelector: "metadata.name=\(key.name)")
    }

    /// Follows the objects that the selectors of `options` choose.
    init(_ client: KubernetesClient, _ resource: APIResource, namespace: String?, options: ListOptions) {
        self.client = client
        self.resource = resource
        self.namespace = namespace
        self.options = options
    }

    /// Waits until `look` has seen what it wants, at most until `limit`.
    ///
    /// - Parameters:
    ///   - attempt: whose requests to end are honoured.
    ///   - limit: when to give up; before the attempt's deadline, so that there is time left to say why.
    ///   - what: what is waited for, as the beginning of a sentence.
    ///   - nextSteps: what a person may do when it is not reached.
    ///   - look: judges all objects, in no order; called after every change.
    /// - Returns: what `look` has reached.
    /// - Throws: `StrategyFailure.transient` with the last reason at `limit`; what `look` throws; `ClientError` for a
    ///   refusal; `AttemptStopped`.
    func wait<Value: Sendable>(
        _ attempt: Attempt,
        until limit: MonotonicInstant,
        _ what: String,
        nextSteps: [String] = [],
        _ look: @escaping @Sendable ([Unstructured]) throws -> Sight<Value>
    ) async throws -> Value {
        let reason = LastReason()
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await follow(attempt, reason, look) }
            group.addTask {
                try await attempt.timeSource.sleep(until: limit)
                return nil
            }
            group.addTask { throw AttemptStopped(try await attempt.journal.stopRequest()) }
            defer { group.cancelAll() }
            if let value = try await group.next() ?? nil { return value }
            throw StrategyFailure.transient("\(what) \(reason.text)", nextSteps: nextSteps)
        }
    }

    private func follow<Value: Sendable>(
        _ attempt: Attempt,
        _ reason: LastReason,
        _ look: ([Unstructured]) throws -> Sight<Value>
    ) async throws -> Value {
        while true {
            do {
                if let value = try await followOnce(reason, look) { return value }
            } catch let error as ClientError {
                guard error.disposition != .terminal else { throw error }
                reason.text = "cannot be seen: \(Attempt.describe(error))"
                try await attempt.timeSource.sleep(for: .seconds(1))
            }
        }
    }

    /// Lists and watches until the watch ends.
    private func followOnce<Value: Sendable>(
        _ reason: LastReason,
        _ look: ([Unstructured]) throws -> Sight<Value>
    ) async throws -> Value? {
        let list = try await client.list(resource, namespace: namespace, options: options)
        var objects = Dictionary(list.items.map { ($0.key, $0) }, uniquingKeysWith: { _, last in last })
        var watch = WatchOptions(labelSelector: options.labelSelector, fieldSelector: options.fieldSelector)
        watch.resourceVersion = list.metadata.resourceVersion
        if let value = try judge(objects, reason, look) { return value }
        for try await event in try await client.watch(resource, namespace: namespace, options: watch) {
            switch event {
            case .added(let object), .modified(let object): objects[object.key] = object
            case .deleted(let object): objects[object.key] = nil
            case .bookmark: continue
            case .error: return nil
            }
            if let value = try judge(objects, reason, look) { return value }
        }
        return nil
    }

    private func judge<Value: Sendable>(
        _ objects: [ObjectKey: Unstructured],
        _ reason: LastReason,
        _ look: ([Unstructured]) throws -> Sight<Value>
    ) throws -> Value? {
        switch try look(Array(objects.values)) {
        case .reached(let value): return value
        case .waiting(let words): reason.text = words
        }
        return nil
    }
}

/// Why the last look was not enough.
private final class LastReason: Sendable {
    private let value = Mutex("was not seen")

    var text: String {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

extension Attempt {
    /// When to give up waiting: after nine tenths of the time that is left, so that failing can still be told and undone.
    func lastMoment() -> MonotonicInstant {
        let now = timeSource.now()
        return now.advanced(by: now.duration(to: deadline) * 9 / 10)
    }
}
