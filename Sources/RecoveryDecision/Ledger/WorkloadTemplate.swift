package import JSON
internal import RecoveryAPI

/// The pod template of a workload, as far as it tells one revision from another.
///
/// A ReplicaSet adds a label to it, a ControllerRevision a directive, and a restart an annotation; none of them makes
/// another revision.
package enum WorkloadTemplate {
    private static let hashLabels = ["pod-template-hash", "controller-revision-hash"]
    private static let restartedAt = "kubectl.kubernetes.io/restartedAt"

    /// SHA-256 (hexadecimal) of what the template is about.
    package static func hash(_ template: JSONValue) -> String {
        var template = written(template)
        template.set(nil, at: ["metadata", "annotations", restartedAt])
        return SHA256.hexDigest(of: pruned(template).serialized())
    }

    /// A kept template as it is written back into the workload.
    package static func written(_ kept: JSONValue) -> JSONValue {
        var template = kept
        template["$patch"] = nil
        for label in hashLabels { template.set(nil, at: ["metadata", "labels", label]) }
        return template
    }

    /// Without nulls and empty objects, which servers leave out or not.
    private static func pruned(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            var kept = JSONObject()
            for (name, member) in members {
                let member = pruned(member)
                if !member.isNull, member.objectValue?.isEmpty != true { kept[name] = member }
            }
            return .object(kept)
        case .array(let elements): return .array(elements.map(pruned))
        default: return value
        }
    }
}
