public import JSON

/// What the server has noted about who owns which fields (`metadata.managedFields`).
///
/// Whoever changes a field owns it from then on, so what a manager still owns has the values that it wrote last: a base
/// for ``ThreeWayMerge`` where nobody has kept one.
public enum ManagedFields {
    /// The part of an object that one manager owns, whether it wrote by apply or by update.
    ///
    /// - Parameters:
    ///   - manager: the field manager's name.
    ///   - object: the whole object, managed fields included.
    /// - Returns: the fields with their present values; an empty object when it owns none. Entries for the status
    ///   subresource (servers before 1.22 do not mark them) and in another format than `FieldsV1` are left out.
    public static func owned(by manager: String, in object: JSONValue) -> JSONValue {
        entries(of: manager, in: object).reduce(.object([:])) { whole, fields in
            ThreeWayMerge.complete(project(object, fields), from: whole)
        }
    }

    /// Whether a manager has applied (not just updated) the object.
    public static func hasApplied(_ manager: String, _ object: JSONValue) -> Bool {
        let entries = object.value(at: ["metadata", "managedFields"])?.arrayValue ?? []
        return entries.contains {
            $0["manager"]?.stringValue == manager && $0["operation"]?.stringValue == "Apply"
        }
    }

    private static func entries(of manager: String, in object: JSONValue) -> [JSONObject] {
        (object.value(at: ["metadata", "managedFields"])?.arrayValue ?? []).compactMap { entry in
            guard entry["manager"]?.stringValue == manager, entry["subresource"]?.stringValue != "status" else {
                return nil
            }
            return entry["fieldsV1"]?.objectValue
        }
    }

    /// The part of a value that a set of fields names: `f:name`, `k:{"name":"web"}`, `v:"x"`, `i:0`; `.` is the value itself.
    private static func project(_ value: JSONValue, _ fields: JSONObject) -> JSONValue {
        guard !fields.isEmpty else { return value }
        switch value {
        case .object(let members): return .object(project(members, fields))
        case .array(let elements): return .array(project(elements, fields))
        default: return value
        }
    }

    private static func project(_ members: JSONObject, _ fields: JSONObject) -> JSONObject {
        var part = JSONObject()
        for (name, nested) in fields where name.hasPrefix("f:") {
            let key = String(name.dropFirst(2))
            if let value = members[key] { part[key] = project(value, nested.objectValue ?? [:]) }
        }
        return part
    }

    private static func project(_ elements: [JSONValue], _ fields: JSONObject) -> [JSONValue] {
        let selectors = fields.compactMap { Selector($0.key, fields: $0.value.objectValue ?? [:]) }
        return elements.enumerated().compactMap { index, element in
            guard let selector = selectors.first(where: { $0.selects(element, at: index) }) else { return nil }
            let part = project(element, selector.fields)
            guard case .key(let identity) = selector.kind else { return part }
            // Without its key the element could not be told apart.
            return ThreeWayMerge.complete(.object(identity), from: part)
        }
    }

    /// Chooses elements of a list.
    private struct Selector {
        enum Kind {
            case key(JSONObject)
            case value(JSONValue)
            case index(Int)
        }

        let kind: Kind
        let fields: JSONObject

        /// Reads a path element; nil for those that choose no list elements, or cannot be read.
        init?(_ text: String, fields: JSONObject) {
            self.fields = fields
            let rest = String(text.dropFirst(2))
            // Whatever a server writes here that is no JSON is passed over, as fields of a later format are.
            let parsed = { Result { try JSONValue(parsing: Array(rest.utf8)) } }
            switch text.prefix(2) {
            case "k:":
                guard case .success(.object(let identity)) = parsed() else { return nil }
                kind = .key(identity)
            case "v:":
                guard case .success(let value) = parsed() else { return nil }
                kind = .value(value)
            case "i:":
                guard let index = Int(rest) else { return nil }
                kind = .index(index)
            default: return nil
            }
        }

        func selects(_ element: JSONValue, at position: Int) -> Bool {
            switch kind {
            case .key(let identity): identity.allSatisfy { element[$0.key] == $0.value }
            case .value(let value): element == value
            case .index(let index): index == position
            }
        }
    }
}
