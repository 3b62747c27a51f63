internal import ControllerRuntime
internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry
internal import Timekeeping

extension MigrationController {
    /// The Migration as the hub has it now; nil when it is gone.
    func live(_ key: ObjectKey) async throws -> Migration? {
        try await orNil { try await hub.get(Migration.self, key) }
    }

    /// Everything that the next decision needs but the prechecks.
    func facts(_ migration: Migration) async throws -> MigrationFacts {
        let placement = try await orNil { try await hub.get(Placement.self, migration.placementKey) }
        let (from, to) = (migration.source, migration.destination)
        var facts = MigrationFacts(
            placement: placement,
            source: end(from),
            target: end(to)
        )
        facts.violations = violations(migration, placement)
        if let left = placement?.status?.evacuation(of: to)?.migration {
            let key = ObjectKey(namespace: migration.metadata.namespace, name: left)
            if environment.migrations.store.get(key)?.spec.effectiveFailback == .never { facts.heldBackBy = left }
        }
        return facts
    }

    /// A MemberCluster that nobody can read is there, and not lost.
    private func end(_ name: String) -> MigrationEnd {
        let isUnreadable = environment.clusters.store.undecodable.contains { $0.key.name == name }
        return isUnreadable
            ? MigrationEnd(name: name, health: .unknown("MemberCluster \(name) cannot be read"))
            : MigrationEnd(name: name, cluster: cluster(name))
    }

    private func cluster(_ name: String) -> MemberCluster? {
        environment.clusters.store.get(ObjectKey(name: name))
    }

    /// What breaks a rule, or reaches out of the namespace: the target has to be open for it.
    private func violations(_ migration: Migration, _ placement: Placement?) -> [FieldViolation] {
        let namespace = migration.metadata.namespace ?? ""
        var found = migration.validate()
        guard !environment.fence.isOpen(for: namespace) else { return found }
        if let target = cluster(migration.destination) {
            let labels = environment.namespaces.store.get(ObjectKey(name: namespace))?.labels
            if !environment.fence.allows(target, namespace: namespace, labels: labels) {
                let name = migration.destination
                let words = "allowedNamespaces of MemberCluster \(name) does not match namespace \(namespace)"
                found.append(FieldViolation(path: "spec.to", message: "is \(FieldViolation.outsideFence): \(words)"))
            }
        }
        let inner = placement.map { environment.fence.violations(of: $0) } ?? []
        return found
            + inner.map { violation in
                FieldViolation(
                    path: "spec.placementRef",
                    message: "is \(FieldViolation.outsideFence): \(violation.description)"
                )
            }
    }

    /// Asks the target, and reserves the room; what it does not say in time is a finding, too.
    func prechecks(_ migration: Migration, _ facts: MigrationFacts) async throws -> MigrationPrechecks {
        let name = migration.destination
        guard let placement = facts.placement, let target = cluster(name) else { return MigrationPrechecks() }
        do {
            let client = try await environment.members.client(for: name)
            let inspection = TargetInspection(
                placement: placement,
                cluster: target,
                client: client,
                fence: environment.fence,
                capacity: environment.capacity(name),
                reservations: environment.reservations,
                decider: .migration
            )
            return try await inspection.run(environment.context.timeSource)
        } catch let error as MemberClientError {
            return .notAnswering(name, error.description)
        }
    }

    /// Looks at the copy on the target: what the Placement says of it may be old, or of a controller that is gone.
    func verification(_ migration: Migration, _ facts: MigrationFacts) async throws -> [MigrationFinding] {
        let name = migration.destination
        guard let placement = facts.placement else { return [] }
        do {
            let client = try await environment.members.client(for: name)
            let objects = PlacedObjects(placement, on: name, client: client, fence: environment.fence)
            return try await MigrationPrechecks.asking(name, environment.context.timeSource) {
                let state = try await objects.inspect()
                let words = "the copy on \(name) is not ready: \(state.message)"
                let finding = MigrationFinding(MigrationReason.waitingForTarget, words)
                return MigrationPrechecks(findings: state.isReady ? [] : [finding])
            }.findings
        } catch let error as MemberClientError {
            return MigrationPrechecks.notAnswering(name, error.description).findings
        }
    }

    /// Gives back the room that prechecks have reserved for a copy that nobody is going to ask for.
    func giveBackRoom(for placement: ObjectKey) {
        if environment.reservations.release(placement, by: .migration) { environment.onFreedRoom() }
    }

    /// A copy that a Migration has asked for and that nobody looks after any more goes, or stays as any other.
    ///
    /// Migrations have no finalizer: one that was deleted in the middle is noticed by what it left in the Placement.
    func takeBackOrphans(of key: ObjectKey) async throws {
        let provisional = environment.placements.store.get(key)?.status?.decisions?.filter(\.isProvisional) ?? []
        for decision in provisional {
            let name = String(decision.placedBy?.dropFirst(PlacementDecision.migrationPrefix.count) ?? "")
            let migration = ObjectKey(namespace: key.namespace, name: name)
            let isLookedAfter = { (migration: Migration?) in
                migration.map { $0.placementKey == key && decision.isLookedAfter(by: $0) } ?? false
            }
            guard !isLookedAfter(environment.migrations.store.get(migration)),
                try await !isLookedAfter(live(migration)),
                let placement = try await orNil({ try await hub.get(Placement.self, key) }),
                let status = placement.status?.abandoning(decision)
            else { continue }
            _ = try await hub.patchStatus(of: placement, from: placement.status, to: status)
            environment.context.logger.info(
                "a copy that no migration looks after was taken back",
                ["placement": key.description, "cluster": decision.cluster, "migration": name]
            )
        }
    }

    /// nil for an object that does not exist.
    private func orNil<Object>(_ read: () async throws -> Object) async throws -> Object? {
        do {
            return try await read()
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }
}
