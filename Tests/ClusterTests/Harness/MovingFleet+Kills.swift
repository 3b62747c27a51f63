import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// A write to the hub by which a Migration gets on.
enum MovingWrite {
    /// The Migration's status enters a phase, with the checkpoint of the one before.
    case phase(MigrationPhase)
    /// A Recovery has the Migration go on.
    case resumed
    /// The Placement asks for a copy on a cluster.
    case added(String)
    /// The Placement asks for no copy on a cluster any more; one that is there may be leaving.
    case taken(String)
    /// The Placement remembers nothing of a cluster any more.
    case forgotten(String)

    private var resource: APIResource {
        switch self {
        case .phase, .resumed: Migration.resource
        case .added, .taken, .forgotten: Placement.resource
        }
    }

    /// Whether the server is about to store it.
    @Sendable fileprivate func isMade(_ write: HeldWrites.Review) -> Bool {
        write.resource == "\(resource.plural)/status" && isRecorded(in: write.object)
    }

    /// Whether an object shows that it was stored.
    private func isRecorded(in object: JSONValue) -> Bool {
        let (migration, placement) = (try? Migration(json: object), try? Placement(json: object))
        let decisions = placement?.status?.decisions ?? []
        let isAskedFor = { (cluster: String) in decisions.contains { $0.cluster == cluster && !$0.isLeaving } }
        return switch self {
        case .phase(let phase): migration?.status?.phase == phase
        case .resumed: migration?.status?.resumeTime != nil
        case .added(let cluster): isAskedFor(cluster)
        case .taken(let cluster): !isAskedFor(cluster)
        case .forgotten(let cluster):
            !decisions.contains { $0.cluster == cluster }
                && placement?.status?.evacuated?.contains { $0.cluster == cluster } != true
        }
    }

    /// Whether the hub has it.
    fileprivate func isStored(_ fleet: MovingFleet, _ migration: String) async throws -> Bool {
        let name = resource == Placement.resource ? "web" : migration
        let object = try await fleet.hub.client.get(resource, ObjectKey(namespace: fleet.space, name: name))
        return isRecorded(in: object.content)
    }
}

extension MovingFleet {
    /// The writes of a move from one member to another, in order.
    func writes(from: Int, to: Int) -> [MovingWrite] {
        [
            .phase(.prechecking), .phase(.deploying), .added(cluster(to)), .phase(.verifying), .phase(.cuttingOver),
            .taken(cluster(from)), .phase(.cleaning), .phase(.completed),
        ]
    }

    /// Does what has the controller make writes, one after the other, and kills it with -9 in each of them.
    ///
    /// None of the writes that it is killed in is stored: the next process has to make it again. Without any it is not
    /// killed.
    ///
    /// - Parameters:
    ///   - name: the Migration.
    ///   - writes: in the order in which they are made.
    ///   - begin: what they follow from.
    /// - Throws: `DeadlineExceeded` when a write is not made.
    func kill(_ name: String, in writes: [MovingWrite], _ begin: () async throws -> Void) async throws {
        guard !writes.isEmpty else { return try await begin() }
        try await HeldWrites.with(hub, space) { held in
            for (index, write) in writes.enumerated() {
                let moment = held.hold(where: write.isMade)
                if index == 0 { try await begin() } else { try await controller.restart() }
                try await moment.wait()
                controller.crash()
                try await moment.waitUntilGone()
                #expect(try await !write.isStored(self, name), "killed in \(write)")
            }
            try await controller.restart()
        }
    }
}
