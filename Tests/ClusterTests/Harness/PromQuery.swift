/// What a PromQL expression asks for: the metrics, with the labels and values that their matchers name.
///
/// Reads what the shipped rules and the dashboard use, not the whole language; what it does not know it takes for a
/// metric, so that a test which knows all metrics finds it.
struct PromQuery {
    /// One metric.
    struct Selector: Equatable {
        var metric: String
        /// The values that each label may have, as far as they are written out.
        var labels: [String: [String]] = [:]
    }

    private(set) var selectors: [Selector] = []
    /// The labels that results are grouped by.
    private(set) var groupings: [String] = []

    private static let operators: Set<String> = ["and", "or", "unless", "sum", "max", "min"]
    private static let groupers: Set<String> = ["by", "without", "on", "ignoring"]
    private var rest: Substring

    init(_ text: String) {
        rest = text[...]
        while let next = rest.first {
            if next == "[" {
                skip(through: "]")
            } else if next == "\"" {
                _ = string()
            } else if next.isNumber {
                _ = take { $0.isLetter || $0.isNumber || $0 == "." }
            } else if next.isLetter || next == "_" {
                readWord()
            } else {
                rest.removeFirst()
            }
        }
    }

    private mutating func readWord() {
        let word = take { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
        _ = take(while: \.isWhitespace)
        if Self.groupers.contains(word) {
            rest = rest.dropFirst()
            groupings += take { $0 != ")" }.split { $0 == "," || $0.isWhitespace }.map(String.init)
        } else if Self.operators.contains(word) || rest.first == "(" {
            return
        } else {
            var selector = Selector(metric: word)
            if rest.first == "{" { readMatchers(into: &selector) }
            selectors.append(selector)
        }
    }

    private mutating func readMatchers(into selector: inout Selector) {
        rest.removeFirst()
        while let next = rest.first, next != "}" {
            if next == "," || next.isWhitespace {
                rest.removeFirst()
                continue
            }
            let label = take { $0 != "=" && $0 != "!" }
            let comparison = take { $0 == "=" || $0 == "!" || $0 == "~" }
            let value = string()
            let isWritten = !value.contains("$") && !value.contains(".")
            selector.labels[label] =
                !isWritten ? [] : comparison.hasSuffix("~") ? value.split(separator: "|").map(String.init) : [value]
        }
        rest = rest.dropFirst()
    }

    private mutating func string() -> String {
        rest = rest.dropFirst()
        let text = take { $0 != "\"" }
        rest = rest.dropFirst()
        return text
    }

    private mutating func skip(through end: Character) {
        _ = take { $0 != end }
        rest = rest.dropFirst()
    }

    private mutating func take(while isMeant: (Character) -> Bool) -> String {
        let taken = rest.prefix(while: isMeant)
        rest = rest[taken.endIndex...]
        return String(taken)
    }
}

extension PromQuery {
    /// Labels that Prometheus adds to what it scrapes, and those of histograms.
    private static let given: Set<String> = ["job", "instance", "namespace", "pod", "le"]

    /// What it asks for that nobody exports.
    func problems(exported: [String: [[String: String]]]) -> [String] {
        var problems: [String] = []
        var known = Self.given
        for selector in selectors {
            guard let series = exported[selector.metric] else {
                problems.append("no metric \(selector.metric)")
                continue
            }
            known.formUnion(series.flatMap(\.keys))
            for (label, values) in selector.labels.sorted(by: { $0.key < $1.key }) where !Self.given.contains(label) {
                let there = Set(series.compactMap { $0[label] })
                if there.isEmpty { problems.append("no label \(label) at \(selector.metric)") }
                for value in values where !there.contains(value) {
                    problems.append("no \(label)=\(value) at \(selector.metric)")
                }
            }
        }
        return problems + groupings.filter { !known.contains($0) }.map { "no label \($0) to group by" }
    }
}
