internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI

/// What the failed write started from: without it nobody can tell a change from a difference.
struct ConflictBase: Sendable {
    static let lastAppliedPath = [
        "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration",
    ]

    let content: JSONValue
    /// Where it comes from, for status.
    let source: String

    /// Finds the base: the parameter; else the object at the version that `desired` was read at, as long as the server
    /// still has it; else what kubectl applied last; else the fields that the named field manager owns; else nothing,
    /// and then every difference is a conflict.
    static func find(
        _ request: ConflictRequest,
        _ target: TargetAccess,
        live: Unstructured
    ) async throws -> ConflictBase {
        if let base = request.base { return ConflictBase(content: base, source: "parameter base") }
        if let version = request.readVersion, let object = try await target.read(at: version, uid: live.uid) {
            return ConflictBase(content: object.content, source: "resourceVersion \(version)")
        }
        if let text = live.content.value(at: lastAppliedPath)?.stringValue,
            case .success(let applied) = Result(catching: { try JSONValue(parsing: text) })
        {
            return ConflictBase(content: applied, source: "last-applied annotation")
        }
        if let manager = request.namedFieldManager {
            let owned = ManagedFields.owned(by: manager, in: try await target.readWithManagedFields())
            return ConflictBase(content: owned, source: "fields managed by \(manager)")
        }
        return ConflictBase(content: [:], source: "unknown")
    }
}
