internal import JSON
internal import KubernetesCore
internal import RecoveryAPI

/// Field paths as one text of bounded length.
enum FieldList {
    private static let maxShown = 12

    static func text(_ fields: [String]) -> String {
        if fields.isEmpty { return "nothing" }
        let rest = fields.count - maxShown
        return fields.prefix(maxShown).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}

/// What a person can do about a conflict that nothing but a person may decide.
struct ConflictAdvice {
    /// The most fields that get a step of their own.
    static let maxFields = 16
    private static let maxValueLength = 256
    private static let maxCommandLength = 4_096

    private let target: TargetAccess
    private let cluster: String?
    /// Values of Secrets never get into status.
    private let isSensitive: Bool

    init(target: TargetAccess, attempt: Attempt) {
        self.target = target
        cluster = attempt.target?.cluster
        isSensitive = target.resource.group.isEmpty && target.resource.plural == "secrets"
    }

    /// What to do with each resolution that decides.
    var choices: [String] {
        [
            "To write what was wanted, create a new Recovery with parameters.resolution TakeOurs",
            "To keep what is there, create a new Recovery with parameters.resolution TakeTheirs",
        ]
    }

    /// The steps for fields that both have changed.
    ///
    /// - Parameters:
    ///   - conflicts: those fields.
    ///   - desired: what was wanted.
    ///   - live: the object as it is; a merge patch has to repeat whole lists of it.
    /// - Returns: the steps in order.
    func decide(_ conflicts: [ThreeWayMerge.Conflict], desired: JSONValue, live: JSONValue) -> [String] {
        let fields = conflicts.prefix(Self.maxFields).map { conflict in
            "Decide \(conflict.path): it was \(text(conflict.base)), wanted is \(text(conflict.ours)), "
                + "now it is \(text(conflict.theirs))"
        }
        return fields + choices + [command(ConflictPlan(desired: desired, base: live, live: live).change)]
    }

    /// The exact difference, and what to type to write it.
    func show(_ plan: ConflictPlan, live: JSONValue) -> [String] {
        let merged = JSONMergePatch.apply(plan.change, to: live)
        let difference = ThreeWayMerge.merge(base: [:], ours: merged, theirs: live).conflicts
        let fields = difference.prefix(Self.maxFields).map { field in
            "\(field.path): now \(text(field.theirs)), wanted \(text(field.ours))"
        }
        let shown = Set(difference.map(\.path))
        let others = plan.mergedFields.filter { !shown.contains($0) }
        let rest = others.isEmpty ? [] : ["added or removed: \(FieldList.text(others))"]
        return fields + rest + [command(plan.change)] + choices
    }

    /// The command that writes a part of the object by hand.
    private func command(_ part: JSONValue) -> String {
        let name =
            target.resource.group.isEmpty
            ? target.resource.plural : "\(target.resource.plural).\(target.resource.group)"
        let namespace = target.key.namespace.map { " --namespace \($0)" } ?? ""
        let place = cluster.map { "on member cluster \($0): " } ?? ""
        // Quotes end at a quote in the shell: it is written as '\''.
        let quoted = part.text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        guard !isSensitive, quoted.utf8.count <= Self.maxCommandLength else {
            return "Or edit it by hand: \(place)kubectl edit \(name) \(target.key.name)\(namespace)"
        }
        return
            "Or write it by hand: \(place)kubectl patch \(name) \(target.key.name)\(namespace) --type=merge -p '\(quoted)'"
    }

    private func text(_ value: JSONValue?) -> String {
        guard let value else { return "absent" }
        if isSensitive { return "(hidden)" }
        let text = value.text
        return text.count > Self.maxValueLength ? text.prefix(Self.maxValueLength) + "..." : text
    }
}
