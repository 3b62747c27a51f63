internal import FoundationEssentials
package import JSON

/// Server-side apply: merges what one manager wants into an object and records that it owns those fields.
///
/// ```swift
/// let result = try ServerSideApply.apply(config: wanted, live: stored, manager: "me", force: false, in: context)
/// ```
package enum ServerSideApply {
    /// The object after `config` has been applied; without `live` a new object.
    ///
    /// The answer is not yet defaulted. Fields that the manager applied the last time and does not any more go, unless
    /// somebody else owns them, too.
    ///
    /// - Throws: ``APIFailure``: 409 with a cause for each field that another manager owns with another value, 400 for
    ///   another kind or version or managed fields in the configuration, 500 for what does not fit the schema.
    package static func apply(
        config: JSONValue,
        live: JSONValue?,
        manager: String,
        force: Bool,
        in context: ManagedFields.Context
    ) throws(APIFailure) -> JSONValue {
        try check(config, context)
        let managers = try startingPoint(live, context)
        let attempt = Attempt(
            config: config,
            live: live?.unmanaged ?? [:],
            identity: context.identity(manager, .apply),
            context: context
        )
        do throws(ApplyConflicts) {
            return try attempt.result(managers, force: force).syncingLastApplied(config, manager: manager)
        } catch {
            // kubectl takes over what it has applied on the client's side before.
            guard manager == "kubectl", let own = live?.lastAppliedFields(context) else { throw error.failure }
            let foreign = error.subtracting(own)
            guard foreign.isEmpty else { throw foreign.failure }
        }
        do throws(ApplyConflicts) {
            return try attempt.result(managers, force: true).syncingLastApplied(config, manager: manager)
        } catch {
            throw error.failure
        }
    }

    private static func check(_ config: JSONValue, _ context: ManagedFields.Context) throws(APIFailure) {
        let version = config["apiVersion"]?.stringValue ?? ""
        let kind = config["kind"]?.stringValue ?? ""
        let type = "\(version.contains("/") ? version : "/" + version), Kind=\(kind)"
        guard version == context.apiVersion, kind == context.kind else {
            throw .badRequest("invalid object type: \(type)")
        }
        if let managedFields = config.managedFields, !managedFields.isNull {
            throw .badRequest("metadata.managedFields must be nil")
        }
        let problems = TypeProblems(of: config, schema: context.schema)
        guard !problems.isEmpty else { return }
        let metadata = config["metadata"]
        let name = "\(metadata?["namespace"]?.stringValue ?? "")/\(metadata?["name"]?.stringValue ?? "")"
        throw APIFailure(
            code: 500,
            reason: "",
            message: "failed to create typed patch object (\(name); \(type)): \(problems.description)"
        )
    }

    /// Who owns what before the apply; fields of an object that nobody tracks belong to `before-first-apply`.
    private static func startingPoint(
        _ live: JSONValue?,
        _ context: ManagedFields.Context
    ) throws(APIFailure) -> FieldManagers {
        var managers: FieldManagers
        do throws(FieldManagers.Malformed) {
            managers = try FieldManagers(decoding: live?.managedFields)
        } catch {
            throw APIFailure(code: 500, reason: "", message: "failed to decode managed fields: \(error.message)")
        }
        if managers.isEmpty, let live {
            managers.track(from: nil, to: live.unmanaged, manager: "before-first-apply", in: context)
        }
        managers.reconcile(with: context.schema)
        return managers
    }
}

/// One apply, apart from what is special to kubectl.
private struct Attempt {
    let config: JSONValue
    let live: JSONValue
    let identity: FieldManagers.Identity
    let context: ManagedFields.Context

    private var schema: Schema { context.schema }

    func result(_ before: FieldManagers, force: Bool) throws(ApplyConflicts) -> JSONValue {
        var managers = before
        let last = before[identity]
        managers[identity] = FieldManagers.Entry(
            apiVersion: context.apiVersion,
            time: last?.time,
            fields: FieldSet(of: config, schema: schema).subtractingTrees(context.resetFields)
        )
        let merged = FieldMerge.merge(config, into: live, schema: schema) ?? [:]
        var result = pruned(merged, last: last?.fields ?? FieldSet(), owned: managers.allFields)
            .withoutNulls(schema: schema)
        let comparison = FieldComparison(from: live, to: result, schema: schema).excluding(context.resetFields)
        let conflicts = ApplyConflicts(managers, with: comparison.changed, except: identity)
        guard force || conflicts.isEmpty else { throw conflicts }
        managers.disown(comparison.changed.union(comparison.removed), except: identity)
        if var own = managers[identity] {
            own.fields = own.fields.subtracting(.untracked)
            if result != live { own.time = context.now }
            managers[identity] = own
        }
        result.managedFields = managers.encoded
        return result
    }

    /// The merged object without what the manager has applied the last time and nobody owns any more.
    private func pruned(_ merged: JSONValue, last: FieldSet, owned: FieldSet) -> JSONValue {
        guard !last.isEmpty else { return merged }
        let last = last.includingNamedParents(schema: schema)
        let all = FieldSet(of: merged, schema: schema).includingNamedParents(schema: schema)
        let owned = owned.includingNamedParents(schema: schema)
        // Removing an element or object takes with it what others own inside: first see what would be left of it, add
        // what has owners, and then remove only what was the manager's own.
        let left = fields(of: merged.removing(last, schema: schema)).union(owned)
        let kept = fields(of: merged.removing(all.subtracting(left), schema: schema))
        return merged.removing(all.subtracting(kept).intersection(last), schema: schema) ?? [:]
    }

    private func fields(of value: JSONValue?) -> FieldSet {
        FieldSet(of: value ?? [:], schema: schema).includingNamedParents(schema: schema)
    }
}
