internal import FoundationEssentials
internal import JSON

/// The fields that others own with another value than what is applied.
struct ApplyConflicts: Error {
    private var fields: [(manager: FieldManagers.Identity, paths: [[PathElement]])]

    var isEmpty: Bool { fields.isEmpty }

    /// Which of the changed fields others own.
    init(_ managers: FieldManagers, with changed: FieldSet, except owner: FieldManagers.Identity) {
        fields = managers.entries
            .filter { $0.key != owner }
            .map { (manager: $0.key, paths: $0.value.fields.intersection(changed).paths) }
            .filter { !$0.paths.isEmpty }
            .sorted { Self.order($0.manager) < Self.order($1.manager) }
    }

    private static func order(_ manager: FieldManagers.Identity) -> (String, String, String, String) {
        (manager.manager, manager.operation.rawValue, manager.apiVersion, manager.subresource)
    }

    /// The conflicts about fields that are not in the set.
    func subtracting(_ allowed: FieldSet) -> ApplyConflicts {
        var result = self
        result.fields =
            fields
            .map { (manager: $0.manager, paths: $0.paths.filter { !allowed.contains($0) }) }
            .filter { !$0.paths.isEmpty }
        return result
    }

    /// The answer: 409 with a cause for each field.
    var failure: APIFailure {
        let count = fields.reduce(0) { $0 + $1.paths.count }
        var failure = APIFailure(code: 409, reason: "Conflict", message: "")
        if count == 1, let only = fields.first, let path = only.paths.first {
            failure.message =
                "Apply failed with 1 conflict: conflict with \(only.manager.description): \(Self.text(path))"
        } else {
            let lines = fields.flatMap { manager, paths in
                ["conflicts with \(manager.description):"] + paths.map { "- \(Self.text($0))" }
            }
            failure.message = "Apply failed with \(count) conflicts: " + lines.joined(separator: "\n")
        }
        failure.causes = fields.flatMap { manager, paths in
            paths.map { path in
                APIFailure.Cause(
                    reason: "FieldManagerConflict",
                    message: "conflict with \(manager.description)",
                    field: Self.text(path)
                )
            }
        }
        return failure
    }

    private static func text(_ path: [PathElement]) -> String {
        path.map(\.description).joined()
    }
}

extension FieldManagers.Identity {
    /// As conflicts name a manager.
    fileprivate var description: String {
        var text = manager.goQuoted
        if !subresource.isEmpty { text += " with subresource \(subresource.goQuoted)" }
        if operation == .update { text += " using \(apiVersion)" }
        return text
    }
}
