package import ControllerRuntime
internal import FoundationEssentials
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
internal import RecoveryDecision
package import Timekeeping

/// Watches RecoveryApprovals: wakes the Recovery that one is about, and writes what became of it.
///
/// Runs on the leader. Whether an approval counts is decided with the Recovery, by `ModeRule`; here it is only told.
package final class ApprovalController: Sendable {
    /// What the controller works with.
    package struct Environment: Sendable {
        /// The hub, behind the leader's guard.
        package var client: KubernetesClient
        package var recoveries: Informer<Recovery>
        package var approvals: Informer<RecoveryApproval>
        /// Asks for a look at a Recovery.
        package var enqueue: @Sendable (ObjectKey) -> Void
        package var context: RuntimeContext
    }

    /// Name of the index over approvals by `namespace/name` of their Recovery.
    package static let recoveryIndex = "recovery"

    private let environment: Environment
    private let queue: WorkQueue<ObjectKey>

    /// Makes a controller; nothing runs yet.
    package init(_ environment: Environment) {
        self.environment = environment
        queue = WorkQueue(
            name: "recoveryapproval",
            timeSource: environment.context.timeSource,
            metrics: environment.context.metrics
        )
        watch()
    }

    /// Opens when the cache of approvals is full.
    package var hasSynced: Latch { environment.approvals.hasSynced }

    /// Works until cancelled.
    ///
    /// - Throws: `CancellationError`; `ControllerError`.
    package func run() async throws {
        let controller = Controller(
            name: "recoveryapproval",
            queue: queue,
            configuration: .patient,
            context: environment.context
        ) { [self] key in try await reconcile(key) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.environment.approvals.run() }
            group.addTask { try await controller.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Looks at one approval.
    private func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let approval = environment.approvals.store.get(key), approval.status?.result == nil,
            !approval.metadata.isBeingDeleted
        else { return .done }
        let recovery = try await recovery(of: approval)
        guard let verdict = ApprovalVerdict.judge(approval, recovery: recovery) else { return .done }
        let status = verdict.status(of: approval, now: environment.context.timeSource.wallTime())
        do {
            _ = try await environment.client.patchStatus(of: approval, from: approval.status, to: status)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return .done
        }
        return .done
    }

    /// Live: the cache may not have the Recovery, or its plan, yet.
    private func recovery(of approval: RecoveryApproval) async throws -> Recovery? {
        do {
            return try await environment.client.get(Recovery.self, approval.recoveryKey)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }

    private func watch() {
        environment.approvals.addHandler { [self] event in
            guard case .added(let approval, _) = event else { return }
            guard approval.status?.result == nil else { return }
            // First the Recovery: its plan is made anew, and only then it shows whether the approval still fits.
            environment.enqueue(approval.recoveryKey)
            queue.add(approval.metadata.key, after: .seconds(1))
        }
        environment.recoveries.addHandler { [self] event in
            guard case .updated(let old, let new) = event,
                old.status?.plan != new.status?.plan || old.isFinal != new.isFinal
            else { return }
            let key = new.metadata.key.description
            for approval in environment.approvals.store.byIndex(Self.recoveryIndex, key).sorted(by: Self.isBefore) {
                queue.add(approval.metadata.key)
            }
        }
    }

    private static func isBefore(_ left: RecoveryApproval, _ right: RecoveryApproval) -> Bool {
        left.metadata.key < right.metadata.key
    }
}

extension RecoveryApproval {
    /// The Recovery that it is about.
    package var recoveryKey: ObjectKey {
        ObjectKey(namespace: metadata.namespace, name: spec.recoveryRef.name)
    }
}
