import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision

/// What must hold of the Recoveries that a policy's detection opens: one for each incident, and none for what has not
/// failed for long enough.
///
/// When targets failed is taken from what was written to them.
struct DetectionInvariants {
    /// From when to when targets were not Ready, by name; the last one may be open.
    private var outages: [String: [(from: Date, to: Date?)]] = [:]
    private var forSeconds: Int?
    private var problems: [String] = []
    /// How many Recoveries were opened.
    private(set) var count = 0

    /// Seconds that a request which was sent in time may be on its way, retries included.
    private static let patience = 120.0

    /// What was found since the last time.
    mutating func takeProblems() -> [String] {
        defer { problems = [] }
        return problems
    }

    mutating func apply(_ policy: RecoveryPolicy?) {
        // One that is gone has been looked for until a moment ago.
        guard let policy else { return }
        forSeconds = policy.spec.detection?.conditions?.first?.effectiveForSeconds
    }

    mutating func applyTarget(_ key: ObjectKey, _ object: JSONValue?) {
        let condition = object?.value(at: ["status", "conditions"])?.arrayValue?.first
        guard let time = condition?["lastTransitionTime"]?.stringValue.flatMap(RFC3339.date(from:)) else { return }
        let isOut = outages[key.name]?.last.map { $0.to == nil } ?? false
        if condition?["status"]?.stringValue == "False" {
            if !isOut { outages[key.name, default: []].append((time, nil)) }
        } else if isOut, let last = outages[key.name]?.indices.last {
            outages[key.name]?[last].to = time
        }
    }

    /// A Recovery was created, while the others are there.
    mutating func opened(_ recovery: Recovery, among others: [Recovery]) {
        guard recovery.metadata.labels?[MetadataName.policy] != nil else { return }
        count += 1
        let key = recovery.metadata.key
        let fingerprint = recovery.metadata.labels?[MetadataName.fingerprint]
        let twins = others.filter { $0.metadata.labels?[MetadataName.fingerprint] == fingerprint && !$0.isFinal }
        if let twin = twins.first { problems.append("\(key) is opened beside \(twin.metadata.key)") }
        guard let forSeconds, let name = recovery.spec.targetRef?.name else {
            return problems.append("\(key) is opened although nothing looks for it")
        }
        let time = recovery.metadata.creationTimestamp ?? .distantPast
        let isFounded = (outages[name] ?? []).contains { outage in
            // Times are whole seconds.
            let due = outage.from.addingTimeInterval(Double(forSeconds) - 1)
            let end = outage.to?.addingTimeInterval(Self.patience) ?? .distantFuture
            return due <= time && time <= end && due <= (outage.to ?? .distantFuture)
        }
        if !isFounded { problems.append("\(key) is opened although \(name) has not failed for \(forSeconds) s") }
    }
}
