internal import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import Timekeeping

/// The lock of a target: a Lease in the controller's namespace, named after the target, held by a Recovery.
///
/// The API server decides who gets it, so it excludes other controllers and survives crashes. It has no expiry: it is
/// free when its holder is final or gone, which is looked up live before it is taken over.
package struct TargetLock: Sendable {
    /// What came of trying to take a lock.
    package enum Acquisition: Sendable, Hashable {
        /// Held by us now.
        case acquired
        /// Another Recovery that is neither final nor gone holds it.
        case held(by: String)
    }

    /// How long a holder may leave its Lease without renewal before readers may wonder; nobody acts on it.
    package static let leaseDuration = Duration.seconds(60)
    private static let label = "recovery.tmc.io/target-lock"
    private static let holderAnnotation = "recovery.tmc.io/recovery"
    private static let maxTries = 5

    private let client: KubernetesClient
    private let namespace: String
    private let timeSource: any TimeSource

    /// Makes the lock keeper of a controller.
    package init(client: KubernetesClient, namespace: String, timeSource: any TimeSource) {
        self.client = client
        self.namespace = namespace
        self.timeSource = timeSource
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

    /// Removes locks whose holders are final or gone: what crashes have left behind.
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
            if holder(of: lease) == recovery.metadata.uid { return .acquired }
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

    /// Whether the Recovery that holds the lease is final or gone.
    private func isFree(_ lease: Unstructured) async throws -> Bool {
        guard let uid = holder(of: lease), let text = lease.annotations[Self.holderAnnotation],
            let slash = text.firstIndex(of: "/")
        else { return true }
        let name = ObjectKey(namespace: String(text[..<slash]), name: String(text[text.index(after: slash)...]))
        do {
            let recovery = try await client.get(Recovery.self, name)
            return recovery.metadata.uid != uid || recovery.isFinal
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
