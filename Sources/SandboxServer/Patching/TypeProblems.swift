internal import JSON

/// What does not fit the schema in an object that is applied, in the words of the API server.
///
/// This is not validation: it finds only what makes it impossible to tell fields apart and to merge them.
struct TypeProblems: CustomStringConvertible {
    private var problems: [String] = []

    var isEmpty: Bool { problems.isEmpty }

    /// All problems in one text.
    var description: String {
        problems.count == 1 ? problems[0] : "errors:" + problems.map { "\n  " + $0 }.joined()
    }

    /// Looks for problems.
    init(of value: JSONValue, schema: Schema) {
        visit(value, schema, "")
    }

    private mutating func report(_ problem: String, at path: String) {
        problems.append(path.isEmpty ? problem : "\(path): \(problem)")
    }

    private mutating func visit(_ value: JSONValue, _ schema: Schema, _ path: String) {
        switch (schema.kind, value) {
        case (_, .null), (.any, _): break
        case (.object, .object(let members)): visitMembers(members, schema, path)
        case (.object, _): report("expected map, got &{\(value.goPrinted)}", at: path)
        case (.array, .array(let elements)): visitElements(elements, schema, path)
        case (.array, _): report("expected list, got &{\(value.goPrinted)}", at: path)
        case (.string, .string), (.boolean, .bool), (.integer, .number), (.number, .number): break
        case (.string, _): report("expected string, got &value.valueUnstructured{Value:\(value.goSyntax)}", at: path)
        case (.boolean, _): report("expected boolean, got &{\(value.goPrinted)}", at: path)
        case (.integer, _), (.number, _):
            report("expected numeric (int or float), got \(value.decodedGoType)", at: path)
        case (.intOrString, _):
            if !value.isScalar { report("expected any scalar, got &{\(value.goPrinted)}", at: path) }
        }
    }

    private mutating func visitMembers(_ members: JSONObject, _ schema: Schema, _ path: String) {
        for (name, value) in members {
            guard schema.properties[name] != nil || schema.allowsUndeclaredMembers else {
                // The server looks no further in this object.
                return report("field not declared in schema", at: "\(path).\(name)")
            }
            visit(value, schema.part(named: name), "\(path).\(name)")
        }
    }

    private mutating func visitElements(_ elements: [JSONValue], _ schema: Schema, _ path: String) {
        guard case .list(let keys) = schema.structure(of: .array(elements)) else {
            for (index, element) in elements.enumerated() { visit(element, schema.element, "\(path)[\(index)]") }
            return
        }
        var seen: Set<PathElement> = []
        for (index, element) in elements.enumerated() {
            if let problem = identityProblem(element, schema, keys) {
                return report("element \(index): \(problem)", at: path)
            }
            let identity = schema.identity(of: element, keys: keys, position: index)
            if !seen.insert(identity).inserted { report("duplicate entries for key \(identity)", at: path) }
            visit(element, schema.element, path + identity.description)
        }
    }

    private func identityProblem(_ element: JSONValue, _ schema: Schema, _ keys: [String]) -> String? {
        switch element {
        case .null:
            return keys.isEmpty
                ? "associative list without keys has an element that's an explicit null"
                : "associative list with keys may not have a null element"
        case .object(_) where keys.isEmpty: return "associative list without keys has an element that's a map type"
        case .array(_) where keys.isEmpty: return "not supported: associative list with lists as elements"
        case .object:
            guard schema.keyMembers(of: element, keys: keys).isEmpty else { return nil }
            let names = keys.map(\.goQuoted).joined(separator: " ")
            return "associative list with keys has an element that omits all key fields [\(names)] "
                + "(and doesn't have default values for any key fields)"
        default:
            return keys.isEmpty ? nil : "associative list with keys may not have non-map elements"
        }
    }
}
