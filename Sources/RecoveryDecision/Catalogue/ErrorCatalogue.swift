package import JSON
package import RecoveryAPI

/// What error codes mean: category, level, strategy, and what a person should do.
///
/// The entries that come with the program are the data file `errors.yaml`; those of a ConfigMap replace or add to them by
/// code. An entry that is malformed is named and skipped, and hides no other.
package struct ErrorCatalogue: Sendable, Hashable {
    /// The entries by code.
    package private(set) var entries: [String: CatalogueEntry] = [:]

    /// Makes an empty catalogue, which knows no code.
    package init() {}

    /// The most entries that are kept; a ConfigMap could hold more lines than anybody reads.
    package static let maxEntries = 2_000

    /// What the catalogue says about a reported error.
    package func entry(for error: ReportedError) -> CatalogueEntry? {
        error.code.flatMap { entries[$0] }
    }

    /// Adds or replaces entries.
    ///
    /// - Parameters:
    ///   - document: a parsed file with the list `errors`.
    ///   - strategies: the names that an entry's strategy may have; nil when any may.
    /// - Returns: what was skipped, and why.
    package mutating func merge(_ document: JSONValue, strategies: Set<String>? = nil) -> [String] {
        guard let list = document["errors"]?.arrayValue else { return ["errors: must be a list"] }
        var problems: [String] = []
        var seen: Set<String> = []
        for (index, value) in list.enumerated() {
            let name = value["code"]?.stringValue ?? "errors[\(index)]"
            if let problem = Self.problem(value, strategies) {
                problems.append("\(name): \(problem)")
            } else if !seen.insert(name).inserted {
                problems.append("\(name): is there twice; the first one counts")
            } else if entries[name] == nil, entries.count >= Self.maxEntries {
                problems.append("\(name): there are more than \(Self.maxEntries) entries")
            } else if case .success(let entry) = Result(catching: { try value.decode(CatalogueEntry.self) }) {
                entries[name] = entry
            } else {
                problems.append("\(name): a field has the wrong type")
            }
        }
        return problems
    }

    private static let fields = ["code", "title", "category", "level", "strategy", "steps"]

    private static func problem(_ value: JSONValue, _ strategies: Set<String>?) -> String? {
        guard let object = value.objectValue else { return "must be a mapping" }
        if let unknown = object.map(\.key).sorted().first(where: { !fields.contains($0) }) {
            return "\(unknown) is no field of an entry"
        }
        for field in ["code", "category"] where value[field]?.stringValue?.isEmpty != false {
            return "\(field) is missing"
        }
        if let code = value["code"]?.stringValue, let problem = CatalogueEntry.problem(code: code) {
            return "code \(problem)"
        }
        if let strategy = value["strategy"]?.stringValue, strategies?.contains(strategy) == false {
            return "there is no strategy \(strategy)"
        }
        guard let level = value["level"]?.stringValue, EscalationLevel(rawValue: level) != nil else {
            return "level must be one of \(EscalationLevel.allCases.map(\.rawValue).joined(separator: ", "))"
        }
        guard let steps = value["steps"] else { return nil }
        let texts = steps.arrayValue?.compactMap(\.stringValue) ?? []
        guard !texts.isEmpty, texts.count == steps.arrayValue?.count, texts.count <= CatalogueEntry.maxSteps,
            texts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 1_024 })
        else { return "steps must be 1 to \(CatalogueEntry.maxSteps) texts of at most 1024 bytes" }
        return nil
    }
}
