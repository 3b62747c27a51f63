internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization
internal import Timekeeping

/// Reads and writes the ConfigMaps with the ledgers, which are this store's alone.
final class LedgerStore: Sendable {
    /// What there is under the name of a policy's ledger.
    enum Finding: Sendable, Hashable {
        /// The ledger.
        case ledger(RevisionLedger)
        /// A ConfigMap that is nobody's ledger: it is neither believed nor written.
        case foreign
        /// The controller may not read it, or may not write it.
        case refused
        /// Nothing.
        case missing
    }

    private struct Known: Sendable {
        var finding: Finding
        /// Of the ConfigMap.
        var uid: String
        var since: MonotonicInstant
    }

    /// How long a ledger is taken for what the ConfigMap holds, which a person may delete.
    static let memory = Duration.seconds(300)

    private let client: KubernetesClient
    private let report: PolicyReporter
    private let timeSource: any TimeSource
    /// By the uid of the policy.
    private let known = Mutex<[String: Known]>([:])

    /// Makes a store that knows nothing.
    init(client: KubernetesClient, report: PolicyReporter, timeSource: any TimeSource) {
        self.client = client
        self.report = report
        self.timeSource = timeSource
    }

    /// Knows nothing any more of policies other than these.
    func forget(allBut uids: Set<String>) {
        known.withLock { $0 = $0.filter { uids.contains($0.key) } }
    }

    /// Finds the ledger of a policy, and says where another ConfigMap has its name, or the rights to it are missing.
    func find(_ policy: RecoveryPolicy) async throws -> Finding {
        let before = known.withLock { $0[policy.metadata.uid ?? ""] }
        if let before, before.since.duration(to: timeSource.now()) < Self.memory { return before.finding }
        return try await permitted(policy) { try await look(policy, before) } ?? .refused
    }

    private func look(_ policy: RecoveryPolicy, _ before: Known?) async throws -> Finding {
        let map: Unstructured
        do {
            map = try await client.get(.configMaps, policy.ledgerKey)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return .missing
        }
        let finding: Finding
        if RevisionLedger.isLedger(map, ofPolicy: policy.metadata.name ?? "") {
            try await takeOver(map, policy)
            finding = .ledger(RevisionLedger(data: map.content["data"]))
        } else {
            if before?.finding != .foreign { report.ledgerIsForeign(policy) }
            finding = .foreign
        }
        remember(finding, map.uid, policy)
        return finding
    }

    /// Keeps the ledger of a policy that was deleted and made again: it would go with the one that is gone.
    private func takeOver(_ map: Unstructured, _ policy: RecoveryPolicy) async throws {
        let owners = (map["metadata", "ownerReferences"]?.arrayValue ?? [])
            .filter { $0["kind"]?.stringValue == RecoveryPolicy.resource.kind }
        guard !owners.isEmpty, !owners.contains(where: { $0["uid"]?.stringValue == policy.metadata.uid }) else {
            return
        }
        let metadata: JSONValue = [
            "uid": .string(map.uid), "resourceVersion": .string(map.resourceVersion),
            "ownerReferences": [policy.ledgerOwner],
        ]
        _ = try await client.patch(.configMaps, policy.ledgerKey, ["metadata": metadata], type: .merge)
    }

    /// Makes the ledger of a policy that has none.
    ///
    /// - Returns: false when another ConfigMap has its name by now, or it may not be made.
    func begin(_ ledger: RevisionLedger, _ data: [String: JSONValue], _ policy: RecoveryPolicy) async throws -> Bool {
        do {
            let content: JSONValue = ["data": .object(JSONObject(data))]
            let made = try await permitted(policy) { try await client.create(.configMaps, policy.newLedger(content)) }
            guard let made else { return false }
            remember(.ledger(ledger), made.uid, policy)
            return true
        } catch let error as ClientError where error.apiError?.isAlreadyExists == true {
            return false
        }
    }

    /// Writes what has changed in a ledger that was found, and no other ConfigMap.
    ///
    /// - Returns: false when the ConfigMap is gone, and all that was known with it, or may not be written.
    func write(_ changes: [String: JSONValue], of ledger: RevisionLedger, _ policy: RecoveryPolicy) async throws -> Bool
    {
        // Unknown until the server has answered.
        guard let before = known.withLock({ $0.removeValue(forKey: policy.metadata.uid ?? "") }) else { return false }
        let patch: JSONValue = ["metadata": ["uid": .string(before.uid)], "data": .object(JSONObject(changes))]
        do {
            let written = try await permitted(policy) {
                try await client.patch(.configMaps, policy.ledgerKey, patch, type: .merge)
            }
            guard written != nil else { return false }
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return false
        }
        remember(.ledger(ledger), before.uid, policy)
        return true
    }

    /// The outcome of a request; nil, and said, where the server refuses it.
    private func permitted<Value: Sendable>(
        _ policy: RecoveryPolicy,
        _ request: () async throws -> Value
    ) async throws -> Value? {
        do {
            return try await request()
        } catch let error as ClientError where error.apiError?.isForbidden == true {
            report.ledgerIsRefused(policy, "\(error)")
            remember(.refused, "", policy)
            return nil
        }
    }

    private func remember(_ finding: Finding, _ uid: String, _ policy: RecoveryPolicy) {
        let found = Known(finding: finding, uid: uid, since: timeSource.now())
        known.withLock { $0[policy.metadata.uid ?? ""] = found }
    }
}
