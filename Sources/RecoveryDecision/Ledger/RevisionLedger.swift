package import FoundationEssentials
package import JSON
package import KubernetesCore
internal import RecoveryAPI

/// Which revisions of the workloads of a policy were healthy, newest last: the `data` of a ConfigMap of its own.
///
/// The templates themselves are kept by ReplicaSets and ControllerRevisions; here are only their hashes. What cannot be
/// read counts as absent: a revision that nobody vouches for is no goal of a rollback.
package struct RevisionLedger: Sendable, Hashable {
    /// One revision that was healthy.
    package struct Entry: Codable, Sendable, Hashable {
        /// `WorkloadTemplate.hash` of its pod template.
        package var template: String
        /// When it was seen healthy for long enough.
        package var time: Date

        /// Vouches for a revision.
        package init(template: String, time: Date) {
            self.template = template
            self.time = time
        }
    }

    /// How many revisions of one workload are kept.
    package static let maxRevisions = 5
    /// How many workloads are kept; a ConfigMap holds no more than a MiB.
    package static let maxWorkloads = 1_000

    private var workloads: [String: [Entry]] = [:]

    /// Reads the `data` of a ConfigMap; nil is an empty ledger.
    package init(data: JSONValue?) {
        for (key, value) in data?.objectValue ?? [:] {
            guard let text = value.stringValue, case .success(let entries) = Self.parse(text) else { continue }
            workloads[key] = entries.suffix(Self.maxRevisions)
        }
    }

    private static func parse(_ text: String) -> Result<[Entry], any Error> {
        Result { try JSONValue(parsing: text).decode([Entry].self) }
    }

    /// The name of a policy's ledger: `recovery-ledger-<policy>`, shortened by a hash where that were too long.
    package static func name(ofPolicy policy: String) -> String {
        bounded("recovery-ledger-\(policy)")
    }

    /// Whether a ConfigMap is the ledger of a policy: by its owner, or by its label, which stays when the owner goes.
    ///
    /// One that only has the name is nobody's ledger: who may write policies has not got the right to write it by that.
    package static func isLedger(_ map: Unstructured, ofPolicy policy: String) -> Bool {
        if map.labels[MetadataName.policy] == policy { return true }
        return (map["metadata", "ownerReferences"]?.arrayValue ?? []).contains { owner in
            owner["apiVersion"]?.stringValue?.hasPrefix("\(RecoveryAPI.group)/") == true
                && owner["kind"]?.stringValue == RecoveryPolicy.resource.kind && owner["name"]?.stringValue == policy
        }
    }

    /// The key of a workload in the ledger, such as `Deployment.web`.
    package static func key(kind: String, name: String) -> String {
        bounded("\(kind).\(name)")
    }

    private static func bounded(_ name: String) -> String {
        guard name.utf8.count > 253 else { return name }
        // What follows a dot may not begin with the dash.
        let stem = name.prefix(200).replacing(".", with: "-")
        return "\(stem)-\(SHA256.hexDigest(of: Array(name.utf8)).prefix(16))"
    }

    /// Whether anything is known of a workload.
    package func knows(_ key: String) -> Bool { workloads[key] != nil }

    /// All workloads of which anything is known.
    package var keys: Set<String> { Set(workloads.keys) }

    /// Whether no further workload has a place.
    package var isFull: Bool { workloads.count >= Self.maxWorkloads }

    /// Gives up the place of a workload that is gone.
    package mutating func forget(_ key: String) {
        workloads[key] = nil
    }

    /// The revision that was healthy last.
    package func latest(_ key: String) -> Entry? { workloads[key]?.last }

    /// The revisions to go back to from the present one, the latest first.
    ///
    /// None from the one that was healthy last: what keeps that from being healthy now is not in the revision, and an older
    /// one would most likely fail as well, or lose what people have come to rely on.
    package func goals(_ key: String, from template: String) -> [Entry] {
        let entries = workloads[key] ?? []
        return entries.last?.template == template ? [] : entries.reversed().filter { $0.template != template }
    }

    /// Vouches no more for a revision that failed and was left by a rollback, until it is recorded anew.
    ///
    /// - Returns: the new value for the ConfigMap's key; nil when nothing changes, as for what was recorded since.
    /// - Throws: `EncodingError` for a time that cannot be written.
    package mutating func leave(_ template: String, at time: Date, of key: String) throws -> String? {
        guard let entries = workloads[key] else { return nil }
        let kept = entries.filter { $0.template != template || $0.time > time }
        guard kept.count < entries.count else { return nil }
        workloads[key] = kept
        return try Self.text(kept)
    }

    /// Vouches for a revision; it becomes the latest.
    ///
    /// - Returns: the new value for the ConfigMap's key; nil when the ledger is full, or when nothing changes.
    /// - Throws: `EncodingError` for a time that cannot be written.
    package mutating func record(_ entry: Entry, of key: String) throws -> String? {
        var entries = workloads[key] ?? []
        guard entries.last?.template != entry.template else { return nil }
        guard knows(key) || !isFull else { return nil }
        entries.removeAll { $0.template == entry.template }
        entries = (entries + [entry]).suffix(Self.maxRevisions)
        let text = try Self.text(entries)
        workloads[key] = entries
        return text
    }

    private static func text(_ entries: [Entry]) throws -> String {
        String(decoding: try JSONValue(encoding: entries).serialized(), as: UTF8.self)
    }
}
