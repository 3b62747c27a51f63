package import JSON

/// Kubernetes' strategic merge patch: a merge patch in which lists merge by the keys that the schema names, with
/// directives for what merging cannot say.
///
/// - `$patch`: `delete` or `replace`, in an object or an element of a list;
/// - `$retainKeys`: the only members that stay in an object;
/// - `$deleteFromPrimitiveList/NAME`: values to take out of a list of scalars;
/// - `$setElementOrder/NAME`: the order of a list.
package enum StrategicMergePatch {
    /// The object with the patch applied.
    ///
    /// - Throws: ``APIFailure``: 400 for a directive that is malformed, 422 for lists of lists, 500 for what does not
    ///   fit the schema, as the API server answers.
    package static func apply(
        _ patch: JSONObject,
        to object: JSONValue,
        schema: Schema
    ) throws(APIFailure) -> JSONValue {
        .object(try merge(patch, into: object.objectValue ?? [:], schema)).withoutNulls(schema: schema)
    }

    static func merge(
        _ patch: JSONObject,
        into original: JSONObject,
        _ schema: Schema
    ) throws(APIFailure) -> JSONObject {
        if let directive = patch[Directive.patch] { return try obey(directive, patch) }
        var patch = patch
        var result = original
        try retainKeys(&patch, &result)
        for (key, order) in patch where key.hasPrefix(Directive.setElementOrder) {
            try mergeOrdered(order, key, &patch, &result, schema)
        }
        // Sorted, deletions from a list come before additions to it.
        for (key, value) in patch {
            if key.hasPrefix(Directive.deleteFromPrimitiveList) {
                try delete(value, key, &result)
            } else if value.isNull {
                result[key] = nil
            } else {
                result[key] = try merge(value, into: result[key], schema, key)
            }
        }
        return result
    }

    /// What becomes of one member; nil when it goes.
    private static func merge(
        _ value: JSONValue,
        into original: JSONValue?,
        _ schema: Schema,
        _ key: String
    ) throws(APIFailure) -> JSONValue? {
        switch (value, original) {
        case (.object(let patch), .object(let original)):
            let member = schema.part(named: key)
            if member.patchStrategies.contains("replace") { return value }
            return .object(try merge(patch, into: original, member))
        case (.array(let patch), .array(let original)):
            return .array(try mergeList(patch, into: original, schema.part(named: key)))
        default: return value.withoutNullMembers.withoutDirectives
        }
    }

    private static func mergeList(
        _ patch: [JSONValue],
        into original: [JSONValue],
        _ schema: Schema
    ) throws(APIFailure) -> [JSONValue] {
        guard schema.patchStrategies.contains("merge") else { return patch }
        return try StrategicListMerge(schema).merge(patch, into: original)
    }

    private static func obey(_ directive: JSONValue, _ patch: JSONObject) throws(APIFailure) -> JSONObject {
        switch directive {
        case "replace": return patch.filter { $0.key != Directive.patch }
        case "delete": return [:]
        default: throw Directive.unknown(directive, patch)
        }
    }

    /// Takes out of the original what the patch does not say to keep.
    private static func retainKeys(_ patch: inout JSONObject, _ original: inout JSONObject) throws(APIFailure) {
        guard let directive = patch.removeValue(forKey: Directive.retainKeys) else { return }
        guard case .array(let elements) = directive else { throw Directive.malformed("retainKeys") }
        let kept = Set(elements.compactMap(\.stringValue))
        let added = patch.filter {
            !$0.value.isNull && !$0.key.hasPrefix(Directive.deleteFromPrimitiveList)
                && !$0.key.hasPrefix(Directive.setElementOrder)
        }
        guard added.keys.allSatisfy(kept.contains) else { throw Directive.malformed("retainKeys") }
        original = original.filter { kept.contains($0.key) }
    }

    private static func delete(
        _ value: JSONValue,
        _ key: String,
        _ result: inout JSONObject
    ) throws(APIFailure) {
        guard let name = Directive.field(of: key, Directive.deleteFromPrimitiveList) else {
            throw Directive.malformed("primitive list")
        }
        if value.isNull { result[name] = nil }
        guard case .array(let deleted) = value, case .array(let present)? = result[name] else { return }
        if deleted.isEmpty && present.isEmpty { return }
        if try StrategicListMerge.areObjects(present, deleted) { return }
        result[name] = .array(present.filter { !deleted.contains($0) })
    }

    /// Merges a list for which the patch tells the order, and takes both out of the patch.
    private static func mergeOrdered(
        _ order: JSONValue,
        _ key: String,
        _ patch: inout JSONObject,
        _ result: inout JSONObject,
        _ schema: Schema
    ) throws(APIFailure) {
        patch[key] = nil
        guard case .array(let order) = order else { throw Directive.notAList(order) }
        guard let name = Directive.field(of: key, Directive.setElementOrder) else {
            throw Directive.malformed("setElementOrder list")
        }
        let changes = patch.removeValue(forKey: name)
        if let changes, changes.arrayValue == nil { throw Directive.notAList(changes) }
        if let live = result[name], live.arrayValue == nil { throw Directive.notAList(live) }
        let live = result[name]?.arrayValue
        let list = StrategicListMerge(schema.part(named: name))
        try list.check(changes?.arrayValue ?? [], against: order)
        if live != nil || changes != nil { try list.checkElements(live ?? [], changes?.arrayValue ?? []) }
        let merged: [JSONValue]
        switch (live, changes?.arrayValue) {
        case (nil, nil): return
        case (let live?, nil): merged = live
        case (nil, let changes?): merged = changes.compactMap(\.withoutDirectives)
        case (let live?, let changes?): merged = try mergeList(changes, into: live, schema.part(named: name))
        }
        result[name] = .array(try list.arrange(merged, by: order, live: live ?? []))
    }
}

/// The names of directives and what is said when they are wrong.
enum Directive {
    static let patch = "$patch"
    static let retainKeys = "$retainKeys"
    static let deleteFromPrimitiveList = "$deleteFromPrimitiveList"
    static let setElementOrder = "$setElementOrder"

    /// The field that a directive is about: what stands behind the slash.
    static func field(of key: String, _ directive: String) -> String? {
        guard key.hasPrefix(directive + "/") else { return nil }
        return String(key.dropFirst(directive.count + 1))
    }

    static func malformed(_ what: String) -> APIFailure {
        .badRequest("invalid patch format of \(what)")
    }

    /// A failure that the API server has no place of its own for.
    static func failure(_ message: String) -> APIFailure {
        APIFailure(code: 500, reason: "", message: message)
    }

    static func unknown(_ directive: JSONValue, _ patch: JSONObject) -> APIFailure {
        failure("unknown patch type: \(directive.goPrinted) in map: \(JSONValue.object(patch).goPrinted)")
    }

    static func notAList(_ value: JSONValue) -> APIFailure {
        failure("expected a []interface {}, but received a \(value.decodedGoType)")
    }
}

extension Schema {
    /// What a strategic merge patch does with a member, as `merge` and `retainKeys`.
    var patchStrategies: [Substring] { patchStrategy?.split(separator: ",") ?? [] }
}

extension JSONValue {
    /// The value without members that are null, at all levels.
    var withoutNullMembers: JSONValue {
        switch self {
        case .object(let members):
            .object(JSONObject(members.filter { !$0.value.isNull }.mapValues(\.withoutNullMembers)))
        case .array(let elements): .array(elements.map(\.withoutNullMembers))
        default: self
        }
    }

    /// The value without the objects that are there only to direct the merge; nil when it is one itself.
    var withoutDirectives: JSONValue? {
        switch self {
        case .object(let members):
            members[Directive.patch] == nil
                ? .object(JSONObject(members.compactMapValues(\.withoutDirectives))) : nil
        case .array(let elements): .array(elements.compactMap(\.withoutDirectives))
        default: self
        }
    }
}
