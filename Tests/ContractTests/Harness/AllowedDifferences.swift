import Foundation
import JSON
import Testing

/// The differences that are meant to be, each with the reason; written as YAML.
///
/// ```yaml
/// - path: body.metadata.selfLink     # where; "*" stands for anything
///   steps: ["*"]                     # which file/scenario/step; all when left out
///   server: "*"                      # what the server says, as JSON, or absent; anything when left out
///   sandbox: absent
///   because: Links were removed in 1.24.
/// ```
struct AllowedDifferences: Sendable {
    /// One entry of the file.
    struct Entry: Sendable, CustomStringConvertible {
        let path: String
        let steps: [String]
        let server: String?
        let sandbox: String?
        let reason: String

        init(_ value: JSONValue) throws {
            guard let path = value["path"]?.stringValue, let reason = value["because"]?.stringValue, !reason.isEmpty
            else { throw FixtureError("an allowed difference needs path and because: \(value.text)") }
            let known = Set(["path", "steps", "server", "sandbox", "because"])
            if let odd = value.objectValue?.keys.first(where: { !known.contains($0) }) {
                throw FixtureError("an allowed difference has no \(odd): \(value.text)")
            }
            self.path = path
            self.reason = reason
            let steps = value["steps"]?.arrayValue?.compactMap(\.stringValue)
            self.steps = steps ?? [value["steps"]?.stringValue ?? "*"]
            server = value["server"].map { $0.stringValue ?? $0.text }
            sandbox = value["sandbox"].map { $0.stringValue ?? $0.text }
        }

        var description: String { "\(steps.joined(separator: ", ")): \(path) (\(reason))" }

        /// Whether the entry speaks of this difference.
        func covers(_ difference: Difference) -> Bool {
            Wildcard.matches(path, difference.path)
                && steps.contains { Wildcard.matches($0, difference.step) }
                && Self.covers(server, difference.server) && Self.covers(sandbox, difference.sandbox)
        }

        private static func covers(_ pattern: String?, _ value: JSONValue?) -> Bool {
            guard let pattern else { return true }
            guard let value else { return pattern == "absent" }
            return pattern != "absent"
                && (Wildcard.matches(pattern, value.text)
                    || value.stringValue.map { Wildcard.matches(pattern, $0) } == true)
        }
    }

    let entries: [Entry]

    init(_ url: URL) throws {
        entries = try (Fixtures.yaml(url).arrayValue ?? []).map { try Entry($0) }
    }

    /// Records an issue for each difference that is not explained, and for each explanation of nothing.
    func report(_ differences: [Difference]) {
        let (unexplained, unused) = judge(differences)
        for difference in unexplained { Issue.record("\(difference)") }
        for entry in unused { Issue.record("explains nothing any more: \(entry)") }
    }

    /// The differences that no entry covers, and the entries that cover none.
    func judge(_ differences: [Difference]) -> (unexplained: [Difference], unused: [Entry]) {
        var used = Set<Int>()
        let unexplained = differences.filter { difference in
            let covering = entries.indices.filter { entries[$0].covers(difference) }
            used.formUnion(covering)
            return covering.isEmpty
        }
        return (unexplained, entries.indices.filter { !used.contains($0) }.map { entries[$0] })
    }
}

/// Patterns in which "*" stands for any text.
enum Wildcard {
    static func matches(_ pattern: String, _ text: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return pattern == text }
        guard text.hasPrefix(first) else { return false }
        var rest = text.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}
