package import FoundationEssentials
internal import JSON
package import KubernetesCore

/// Whether an object of any kind is well, judged as kstatus does: by generation and the usual conditions.
package enum ObjectHealth: Sendable, Hashable {
    /// Nothing says otherwise.
    case healthy
    /// The object says, for this reason, that it is not.
    case unhealthy(String)

    private static let mustBeTrue = ["Ready", "Available"]
    private static let mustNotBeTrue = ["Stalled", "Failed", "ReplicaFailure"]

    /// Judges an object.
    package static func of(_ object: Unstructured) -> ObjectHealth {
        if object.deletionTimestamp != nil { return .unhealthy("it is being deleted") }
        let status = object.content["status"]
        if let observed = status?["observedGeneration"]?.intValue, let generation = object.generation,
            observed < generation
        {
            return .unhealthy("its controller has not seen generation \(generation) yet")
        }
        for condition in status?["conditions"]?.arrayValue ?? [] {
            guard let type = condition["type"]?.stringValue, let value = condition["status"]?.stringValue else {
                continue
            }
            let isBad =
                mustBeTrue.contains(type) && value != "True" || mustNotBeTrue.contains(type) && value == "True"
            if isBad {
                let reason = condition["reason"]?.stringValue ?? ""
                return .unhealthy("condition \(type) is \(value)" + (reason.isEmpty ? "" : " (\(reason))"))
            }
        }
        return .healthy
    }

    /// Why an object is not well: as its conditions say, else as its kind tells of itself, such as by its pods that are ready.
    static func problem(of object: Unstructured) -> String? {
        if case .unhealthy(let reason) = of(object) { return reason }
        return WorkloadReadiness.problem(of: object)
    }

    /// Since when the object has been as it says: the latest change of a condition that is judged; nil without any.
    package static func lastChange(of object: Unstructured) -> Date? {
        (object.content["status"]?["conditions"]?.arrayValue ?? []).compactMap { condition in
            guard let type = condition["type"]?.stringValue, mustBeTrue.contains(type) || mustNotBeTrue.contains(type)
            else { return nil }
            return condition["lastTransitionTime"]?.stringValue.flatMap(RFC3339.date(from:))
        }.max()
    }
}
