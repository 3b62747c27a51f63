/// JSON merge patches, RFC 7386.
public enum JSONMergePatch {
    /// The target with the patch applied: null removes a member, objects merge, all else replaces.
    public static func apply(_ patch: JSONValue, to target: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = target.objectValue ?? [:]
        for (key, change) in changes {
            members[key] = change.isNull ? nil : apply(change, to: members[key] ?? .null)
        }
        return .object(members)
    }

    /// The smallest patch that turns one document into another; `{}` when they are equal objects.
    ///
    /// A merge patch cannot express a member that is null: members that become null are removed.
    public static func diff(from old: JSONValue, to new: JSONValue) -> JSONValue {
        guard case .object(let oldMembers) = old, case .object(let newMembers) = new else { return new }
        var changes = JSONObject()
        for (key, newValue) in newMembers where oldMembers[key] != newValue {
            if let oldValue = oldMembers[key] {
                changes[key] = diff(from: oldValue, to: newValue)
            } else if !newValue.isNull {
                changes[key] = diff(from: [:], to: newValue)
            }
        }
        for key in oldMembers.keys where newMembers[key] == nil {
            changes[key] = .null
        }
        return .object(changes)
    }
}
