internal import KubernetesCore
internal import RecoveryDecision
internal import Synchronization
internal import Timekeeping

/// The watches of all kinds that policies name: one for each kind and namespace, however many policies name it, and none
/// that no policy names.
final class KindWatches: Sendable {
    private struct State: Sendable {
        var watches: [ObservedKind: KindWatch] = [:]
        var wanted: [ObjectKey: Set<ObservedKind>] = [:]
        var unstarted: [KindWatch] = []
    }

    private let environment: KindWatch.Environment
    private let onNews: @Sendable (ObjectKey) -> Void
    private let state = Mutex(State())
    private let newWatches = Signal()

    /// Makes watches that follow nothing.
    ///
    /// - Parameters:
    ///   - environment: the hub and its settings.
    ///   - onNews: called for each policy that names a kind of which something has changed; must not wait.
    init(_ environment: KindWatch.Environment, onNews: @escaping @Sendable (ObjectKey) -> Void) {
        self.environment = environment
        self.onNews = onNews
    }

    /// Runs the watches until cancelled, which ends them all.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        defer { state.withLock { $0 = State() } }
        try await newWatches.runEach(of: { state.withLock { $0.unstarted.takeAll() } }, run: { try await $0.run() })
    }

    /// Follows these kinds for a policy, and no others for it from now on.
    func follow(_ kinds: Set<ObservedKind>, for policy: ObjectKey) {
        let ended = state.withLock { state in
            state.wanted[policy] = kinds.isEmpty ? nil : kinds
            for kind in kinds where state.watches[kind] == nil {
                let watch = KindWatch(kind, environment) { [weak self] in self?.announce(kind) }
                state.watches[kind] = watch
                state.unstarted.append(watch)
            }
            let all = state.wanted.values.reduce(into: Set<ObservedKind>()) { $0.formUnion($1) }
            let ended = state.watches.filter { !all.contains($0.key) }.map(\.value)
            for watch in ended { state.watches[watch.observed] = nil }
            return ended
        }
        for watch in ended { watch.end() }
        newWatches.send()
    }

    /// The objects of a kind; nil while they are not known.
    func objects(_ kind: ObservedKind) -> [ObservedObject]? {
        state.withLock { $0.watches[kind] }?.objects
    }

    /// Why kinds are not seen, in an order that stays the same.
    func obstacles(_ kinds: Set<ObservedKind>) -> [KindWatch.Obstacle] {
        let watches = state.withLock { state in kinds.compactMap { state.watches[$0] } }
        return watches.compactMap(\.obstacle).sorted { $0.message < $1.message }
    }

    private func announce(_ kind: ObservedKind) {
        let policies = state.withLock { $0.wanted.filter { $0.value.contains(kind) }.map(\.key) }
        for policy in policies.sorted() { onNews(policy) }
    }
}
