import KubernetesCore
import RecoveryAPI
import Testing

/// All that the hub has shown of one test's Recoveries, Placements and Migrations, with what must hold over it.
struct FleetHistory: Sendable {
    let recoveries: ObjectHistory<Recovery>
    let placements: ObjectHistory<Placement>
    let migrations: ObjectHistory<Migration>

    /// Follows namespaces of the test's own, which are new.
    static func follow(_ hub: ControlPlane, _ namespaces: Set<String>) async throws -> FleetHistory {
        FleetHistory(
            recoveries: try await .follow(hub.client, namespaces),
            placements: try await .follow(hub.client, namespaces),
            migrations: try await .follow(hub.client, namespaces)
        )
    }

    /// Has the invariants checked over everything that has happened up to now.
    func expectInvariants() async throws {
        try await recoveries.catchUp()
        try await placements.catchUp()
        try await migrations.catchUp()
        var invariants = FleetInvariants()
        for change in recoveries.changes { invariants.apply(change) }
        for (old, new) in Self.pairs(placements) { invariants.check(old, new) }
        for (old, new) in Self.pairs(migrations) { invariants.check(old, new) }
        #expect(invariants.problems.isEmpty, "\(invariants.problems.joined(separator: "\n"))")
    }

    private static func pairs<Object>(_ history: ObjectHistory<Object>) -> [(Object, Object)] {
        Dictionary(grouping: history.changes, by: \.key).values.flatMap { changes in
            let states = changes.compactMap(\.object)
            return Array(zip(states, states.dropFirst()))
        }
    }

    /// The states of a Recovery in order, once this watch has shown its end.
    func states(_ recovery: Recovery) async throws -> [RecoveryState] {
        try await recoveries.catchUp()
        return recoveries.course(recovery.metadata.name ?? "") { $0.status?.state }
    }

    /// `Name Result` in the order in which the actions of a Recovery's newest attempt appeared in status: those that
    /// change something before they are done, and with their outcome.
    func actions(_ recovery: Recovery) async throws -> [String] {
        try await recoveries.catchUp()
        let id = recovery.status?.executions?.last?.id
        return recoveries.states(recovery.metadata.name ?? "").reduce(into: []) { seen, state in
            let execution = state.status?.executions?.last { $0.id == id }
            for action in execution?.result?.actions ?? [] {
                let line = "\(action.name) \(action.result.rawValue)"
                if !seen.contains(line) { seen.append(line) }
            }
        }
    }
}
