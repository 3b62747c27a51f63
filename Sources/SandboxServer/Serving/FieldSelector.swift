internal import JSON

/// Which fields a resource can be selected by.
package struct FieldLabels: Sendable {
    /// How the server words that a field is none of them.
    private enum Refusal: Sendable {
        case unknown, unsupported, notOfJob
    }

    private let names: Set<String>
    private let refusal: Refusal

    /// The fields of a resource.
    ///
    /// - Parameters:
    ///   - resource: The resource.
    ///   - custom: `selectableFields` of a CustomResourceDefinition as paths (`spec.color`); nil for built-in kinds.
    package init(_ resource: ResourceID, custom: [String]? = nil) {
        if let custom {
            names = Set(Self.metadata + custom.map { $0.first == "." ? String($0.dropFirst()) : $0 })
            refusal = .unsupported
        } else if let known = Self.builtin[resource.qualifiedName] {
            // These two have no namespace and say so.
            let isClusterScoped = ["nodes", "namespaces"].contains(resource.qualifiedName)
            names = Set((isClusterScoped ? ["metadata.name"] : Self.metadata) + known)
            refusal = resource.plural == "jobs" ? .notOfJob : .unsupported
        } else {
            names = Set(Self.metadata)
            refusal = .unknown
        }
    }

    /// - Throws: ``APIFailure`` 400 when there is no such field.
    func check(_ field: String) throws(APIFailure) {
        guard !names.contains(field) else { return }
        switch refusal {
        case .unknown:
            throw .badRequest(
                "\(field.goQuoted) is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            )
        case .unsupported: throw .badRequest("field label not supported: \(field)")
        case .notOfJob: throw .badRequest("field label \(field.goQuoted) not supported for Job")
        }
    }

    private static let metadata = ["metadata.name", "metadata.namespace"]

    private static let builtin: [String: [String]] = [
        "pods": [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
            "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
        ],
        "nodes": ["spec.unschedulable"],
        "namespaces": ["status.phase"],
        "secrets": ["type"],
        "services": ["spec.clusterIP", "spec.type"],
        "replicationcontrollers": ["status.replicas"],
        "jobs.batch": ["status.successful"],
        "events": reference("involvedObject") + ["reason", "reportingComponent", "source", "type"],
        "events.events.k8s.io": reference("regarding") + ["reason", "reportingController", "type"],
    ]

    private static func reference(_ field: String) -> [String] {
        ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map { "\(field).\($0)" }
    }
}

/// A parsed `fieldSelector`: all its terms have to hold.
package struct FieldSelector: Sendable, Hashable {
    /// One comparison.
    struct Term: Sendable, Hashable {
        /// The path, as `spec.nodeName`.
        var field: String
        var value: String
        var isNegated: Bool
    }

    let terms: [Term]

    /// Selects one name.
    init(name: String) {
        terms = [Term(field: "metadata.name", value: name, isNegated: false)]
    }

    /// Parses `a=b,c!=d`, where a backslash takes the meaning from the character behind it.
    ///
    /// - Throws: ``APIFailure`` 400 in the real server's words.
    package init(parsing text: String) throws(APIFailure) {
        var terms: [Term] = []
        for part in Self.split(text) where !part.isEmpty {
            guard let (field, symbol, value) = Self.cut(part) else {
                throw .badRequest("invalid selector: '\(text)'; can't understand '\(part)'")
            }
            terms.append(Term(field: field, value: try Self.unescape(value), isNegated: symbol == "!="))
        }
        self.terms = terms
    }

    /// The name that every selected object has to have, when there is one.
    var requiredName: String? {
        terms.first { $0.field == "metadata.name" && !$0.isNegated }?.value
    }

    /// The same selector, when all its fields exist.
    func checked(against labels: FieldLabels) throws(APIFailure) -> FieldSelector {
        for term in terms { try labels.check(term.field) }
        return self
    }

    /// Whether an object has the values; missing fields are empty.
    ///
    /// `content` is the parsed object, made when it is needed and not there.
    func matches(_ object: StoredObject, content: inout JSONValue?) -> Bool {
        for term in terms {
            let value: String
            switch term.field {
            case "metadata.name": value = object.name.name
            case "metadata.namespace": value = object.name.namespace
            default:
                let parsed = content ?? object.selectableContent
                content = parsed
                value = Self.value(of: term.field, in: parsed)
            }
            guard (value == term.value) != term.isNegated else { return false }
        }
        return true
    }

    private static func value(of field: String, in content: JSONValue) -> String {
        let path = field.split(separator: ".").map(String.init)
        let fallback = defaults[field] ?? ""
        // Events of both groups are one thing, whichever shape was stored.
        let found = content.value(at: path) ?? synonyms[path[0]].flatMap { content.value(at: [$0] + path.dropFirst()) }
        switch found {
        case .string(let text): return text
        case .number(let number): return number.literal
        case .bool(let flag): return String(flag)
        case .object(let members): return members["component"]?.stringValue ?? fallback
        default: return fallback
        }
    }

    private static let synonyms = [
        "involvedObject": "regarding", "regarding": "involvedObject",
        "reportingComponent": "reportingController", "reportingController": "reportingComponent",
        "source": "deprecatedSource",
    ]

    /// What the server compares where a field is missing.
    private static let defaults = [
        "spec.unschedulable": "false", "spec.hostNetwork": "false", "status.replicas": "0", "status.successful": "0",
    ]

    // MARK: parsing

    /// Cuts at commas that no backslash precedes.
    private static func split(_ text: String) -> [Substring] {
        var parts: [Substring] = []
        var start = text.startIndex
        var isEscaped = false
        for index in text.indices {
            if !isEscaped, text[index] == "," {
                parts.append(text[start..<index])
                start = text.index(after: index)
            }
            isEscaped = !isEscaped && text[index] == "\\"
        }
        return parts + [text[start...]]
    }

    private static func cut(_ part: Substring) -> (field: String, symbol: String, value: Substring)? {
        for index in part.indices {
            for symbol in ["!=", "==", "="] where part[index...].hasPrefix(symbol) {
                let value = part[part.index(index, offsetBy: symbol.count)...]
                return (String(part[..<index]), symbol, value)
            }
        }
        return nil
    }

    private static func unescape(_ value: Substring) throws(APIFailure) -> String {
        var result = ""
        var rest = value
        while let character = rest.popFirst() {
            switch character {
            case "\\":
                guard let escaped = rest.popFirst(), "\\,=".contains(escaped) else {
                    throw .badRequest("invalid field selector: invalid escape sequence: \\\(rest.first ?? " ")")
                }
                result.append(escaped)
            case ",", "=":
                throw .badRequest("invalid field selector: unescaped character in value: \(character)")
            default:
                result.append(character)
            }
        }
        return result
    }
}

extension StoredObject {
    private static let projection = JSONProjection.all.dropping("metadata").dropping("data")

    /// The object without its metadata and data, which no field selector looks into.
    fileprivate var selectableContent: JSONValue {
        do {
            return try JSONValue(parsing: bytes, projection: Self.projection)
        } catch {
            // The store wrote these bytes itself; a selector finds nothing in others.
            return [:]
        }
    }
}
