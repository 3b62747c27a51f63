internal import FoundationEssentials
internal import JSON
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
package import Timekeeping

/// The lock of a target: a Lease in the controller's namespace, named after the target, held by a Recovery.
///
/// The API server decides who gets it, so it excludes other controllers and survives crashes. It is free when its holder is
/// final or gone, which is looked up live before it is taken over. While the holder makes attempts it does not expire; one
/// that makes none, such as after a crash before its reservation was written, loses it with the Lease.
package struct TargetLock: Sendable {
    /// What came of trying to take a lock.
    package enum Acquisition: Sendable, Hashable {
        /// Held by us now.
        case acquired
        /// Another Recovery that is neither final nor gone holds it.
        case held(by: String)
    }

    /// How long a Recovery that makes no attempt keeps a lock: much longer than a reservation takes to be written, by a
    /// controller that may just have lost its leadership, too.
    package static let leaseDuration = Duration.seconds(60)
    private static let label = "recovery.tmc.io/target-lock"
    private static let holderAnnotation = "recovery.tmc.io/recovery"
    private static let maxTries = 5

    private let client: KubernetesClient
    private let namespace: String
    private let timeSource: any TimeSource
    private let isRunningHere: @Sendable (ObjectKey) -> Bool

    /// Makes the lock keeper of a controller.
    ///
    /// - Parameters:
    ///   - client: the hub.
    ///   - namespace: where the Leases are.
    ///   - timeSource: tells how old they are.
    ///   - isRunningHere: whether an attempt of the Recovery runs in this process, or is about to.
    package init(
        client: KubernetesClient,
        namespace: String,
        timeSource: any TimeSource,
        isRunningHere: @escaping @Sendable (ObjectKey) -> Bool
    ) {
        self.client = client
        self.namespace = namespace
        self.timeSource = timeSource
        self.isRunningHere = isRunningHere
    }

    /// Takes the lock for a Recovery; a lock that it holds already counts as taken.
    ///
    /// - Throws: `ClientError` when the server cannot be asked.
    package func acquire(_ lock: LockKey, for recovery: Recovery) async throws -> Acquisition {
        for _ in 0..<Self.maxTries {
            do {
                _ = try await client.create(.leases, body(lock, recovery, transitions: 0))
                return .acquired
            } catch let error as ClientError where error.apiError?.isAlreadyExists == true {
                if let outcome = try await takeOver(lock, for: recovery) { return outcome }
            }
        }
        return .held(by: "another Recovery")
    }

    /// Says that the holder is still at it.
    package func renew(_ lock: LockKey) async throws {
        let now = MicroTime(timeSource.wallTime()).description
        _ = try await client.patch(
            .leases,
            key(lock),
            ["spec": ["renewTime": .string(now)]],
            type: .merge
        )
    }

    /// Gives the lock back, if `recovery` holds it.
    ///
    /// - Throws: `ClientError` when the server cannot be asked; the lock is then free all the same once the Recovery is
    ///   final.
    package func release(_ lock: LockKey, for recovery: Recovery) async throws {
        do {
            let lease = try await client.get(.leases, key(lock))
            guard holder(of: lease) == recovery.metadata.uid else { return }
            try await remove(lease)
        } catch let error as ClientError where error.apiError?.isNotFound == true || error.apiError?.isConflict == true
        {
            return
        }
    }

    /// Removes locks whose holders have no more use for them: what crashes have left behind.
    package func collectGarbage() async throws {
        let options = ListOptions(labelSelector: "\(Self.label)=true")
        for lease in try await client.list(.leases, namespace: namespace, options: options).items
        where try await isFree(lease) {
            do {
                try await remove(lease)
            } catch let error as ClientError
                where error.apiError?.isNotFound == true || error.apiError?.isConflict == true
            {
                continue
            }
        }
    }

    /// - Returns: nil when the lease changed under our hands, so that it has to be looked at again.
    private func takeOver(_ lock: LockKey, for recovery: Recovery) async throws -> Acquisition? {
        do {
            var lease = try await client.get(.leases, key(lock))
            if holder(of: lease) == recovery.metadata.uid {
                // Others may take one that is old, just now.
                guard age(of: lease) > Self.leaseDuration / 2 else { return .acquired }
                lease["spec", "renewTime"] = .string(MicroTime(timeSource.wallTime()).description)
                _ = try await client.update(.leases, lease)
                return .acquired
            }
            guard try await isFree(lease) else {
                return .held(by: lease.annotations[Self.holderAnnotation] ?? "another Recovery")
            }
            let transitions = lease.content.value(at: ["spec", "leaseTransitions"])?.intValue ?? 0
            let fresh = body(lock, recovery, transitions: transitions &+ 1)
            lease.content["spec"] = fresh.content["spec"]
            lease.content.set(
                fresh.content.value(at: ["metadata", "annotations"]) ?? .null,
                at: ["metadata", "annotations"]
            )
            _ = try await client.update(.leases, lease)
            return .acquired
        } catch let error as ClientError where error.apiError?.isNotFound == true || error.apiError?.isConflict == true
        {
            return nil
        }
    }

    /// How long ago its holder has said that it is at it.
    private func age(of lease: Unstructured) -> Duration {
        let renewed = lease["spec", "renewTime"]?.stringValue.flatMap(MicroTime.init)?.date ?? .distantPast
        return .seconds(timeSource.wallTime().timeIntervalSince(renewed))
    }

    /// Whether the Recovery that holds the lease is final or gone, or has left it behind.
    private func isFree(_ lease: Unstructured) async throws -> Bool {
        guard let uid = holder(of: lease), let text = lease.annotations[Self.holderAnnotation],
            let slash = text.firstIndex(of: "/")
        else { return true }
        let name = ObjectKey(namespace: String(text[..<slash]), name: String(text[text.index(after: slash)...]))
        do {
            let recovery = try await client.get(Recovery.self, name)
            if recovery.metadata.uid != uid || recovery.isFinal { return true }
            return !recovery.keepsTarget && age(of: lease) > Self.leaseDuration && !isRunningHere(name)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return true
        }
    }

    private func remove(_ lease: Unstructured) async throws {
        let options = DeleteOptions(
            preconditionUID: lease.uid,
            preconditionResourceVersion: lease.resourceVersion
        )
        try await client.delete(.leases, lease.key, options: options)
    }

    private func holder(of lease: Unstructured) -> String? {
        lease.content.value(at: ["spec", "holderIdentity"])?.stringValue
    }

    private func key(_ lock: LockKey) -> ObjectKey {
        ObjectKey(namespace: namespace, name: lock.leaseName)
    }

    private func body(_ lock: LockKey, _ recovery: Recovery, transitions: Int64) -> Unstructured {
        let now = MicroTime(timeSource.wallTime()).description
        return Unstructured(
            [
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": [
                    "name": .string(lock.leaseName),
                    "namespace": .string(namespace),
                    "labels": .object([Self.label: "true"]),
                    "annotations": .object([Self.holderAnnotation: .string(recovery.metadata.key.description)]),
                ],
                "spec": [
                    "holderIdentity": .string(recovery.metadata.uid ?? ""),
                    "leaseDurationSeconds": .number(JSONNumber(Int64(Self.leaseDuration.components.seconds))),
                    "leaseTransitions": .number(JSONNumber(transitions)),
                    "acquireTime": .string(now),
                    "renewTime": .string(now),
                ],
            ]
        )
    }
}

extension Recovery {
    /// Whether it has its target in its hands: by an attempt that is not over, or by one that is to follow soon.
    fileprivate var keepsTarget: Bool {
        guard let last = status?.executions?.last else { return false }
        if last.state == .inProgress { return true }
        return !metadata.isBeingDeleted && (state == .inProgress || !last.state.isFinal && !spec.isSuspended)
    }
}
