import JSON
import KubernetesCore

/// The label and field selectors of one list or watch.
struct FakeSelector: Sendable {
    private let namespace: String?
    private let labels: [LabelSelector.Requirement]
    private let fields: [(path: [String], isEqual: Bool, value: String)]

    init(namespace: String?, query: [String: String]) {
        self.namespace = namespace
        labels = Self.terms(query["labelSelector"] ?? "").map(Self.requirement)
        fields = Self.terms(query["fieldSelector"] ?? "").map { term in
            let isEqual = !term.contains("!=")
            let parts = term.split(separator: "=", omittingEmptySubsequences: true).map(String.init)
            let field = parts[0].last == "!" ? String(parts[0].dropLast()) : parts[0]
            return (field.split(separator: ".").map(String.init), isEqual, parts.count > 1 ? parts[1] : "")
        }
    }

    func matches(_ object: JSONValue) -> Bool {
        if let namespace, object["metadata"]?["namespace"]?.stringValue != namespace { return false }
        let present = object["metadata"]?["labels"]?.stringDictionary ?? [:]
        return labels.allSatisfy { $0.matches(present) }
            && fields.allSatisfy { field in
                ((object.value(at: field.path)?.stringValue ?? "") == field.value) == field.isEqual
            }
    }

    /// Splits at commas outside of parentheses.
    private static func terms(_ text: String) -> [String] {
        var terms: [String] = []
        var current = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                terms.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        return (terms + [current]).filter { !$0.isEmpty }
    }

    private static func requirement(_ term: String) -> LabelSelector.Requirement {
        if let open = term.firstIndex(of: "(") {
            let words = term[..<open].split(separator: " ").map(String.init)
            let values = term[open...].dropFirst().dropLast().split(separator: ",").map(String.init)
            return .init(key: words[0], operator: words.last == "notin" ? .notIn : .in, values: values)
        }
        if term.hasPrefix("!") { return .init(key: String(term.dropFirst()), operator: .doesNotExist) }
        guard let equals = term.firstIndex(of: "=") else { return .init(key: term, operator: .exists) }
        let isNegated = term[..<equals].last == "!"
        let key = String(isNegated ? term[..<equals].dropLast() : term[..<equals])
        let value = String(term[equals...].drop { $0 == "=" })
        return .init(key: key, operator: isNegated ? .notIn : .in, values: [value])
    }
}
