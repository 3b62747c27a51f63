/// A strict reader of the text format 0.0.4, so that tests see what a Prometheus server would.
///
/// It refuses what real servers tolerate: samples without TYPE, families in pieces, duplicates.
public struct ExpositionParser: Sendable {
    /// Why a text is not well formed.
    public struct Failure: Error, CustomStringConvertible {
        /// The line.
        public var line: String
        /// What is wrong with it.
        public var reason: String
        /// Both.
        public var description: String { "\(reason): \(line)" }
    }

    /// One line.
    public struct Sample: Equatable, Sendable {
        /// With the suffix that histograms add.
        public var name: String
        /// By name.
        public var labels: [String: String]
        /// The value now.
        public var value: Double
    }

    /// All samples of one metric.
    public struct Family: Equatable, Sendable {
        /// The word after its name in `# TYPE`.
        public var type: String
        /// What it says about itself.
        public var help: String
        /// In the order of the text.
        public var samples: [Sample] = []
    }

    /// By name.
    public private(set) var families: [String: Family] = [:]
    /// The names in the order of the text.
    public private(set) var order: [String] = []

    /// Reads a whole text.
    ///
    /// - Throws: ``Failure`` with the first line that is wrong.
    public init(_ text: String) throws {
        guard text.isEmpty || text.utf8.last == 0x0A else { throw Failure(line: text, reason: "no final newline") }
        // By byte: "\r\n" is one Character, and only a line feed ends a line.
        var help: (name: String, text: String)?
        for bytes in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
            let line = String(decoding: bytes, as: UTF8.self)
            if line.hasPrefix("# HELP ") {
                let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
                help = (String(parts[0]), try unescape(parts.count > 1 ? String(parts[1]) : "", quotes: false))
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.dropFirst(7).split(separator: " ")
                guard parts.count == 2, let text = help, text.name == parts[0], families[text.name] == nil else {
                    throw Failure(line: line, reason: "TYPE without its HELP, or twice")
                }
                guard ["counter", "gauge", "histogram"].contains(parts[1]) else {
                    throw Failure(line: line, reason: "unknown type")
                }
                families[text.name] = Family(type: String(parts[1]), help: text.text)
                order.append(text.name)
            } else {
                try addSample(line)
            }
        }
    }

    /// The value of the one sample with this name and these labels.
    public func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        families.values.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }

    private mutating func addSample(_ line: String) throws {
        var rest = line.unicodeScalars[...]
        let name = String(String.UnicodeScalarView(rest.prefix { $0 != "{" && $0 != " " }))
        rest = rest.dropFirst(name.unicodeScalars.count)
        var labels: [String: String] = [:]
        if rest.first == "{" { labels = try readLabels(&rest, line: line) }
        guard rest.popFirst() == " ", let value = number(String(String.UnicodeScalarView(rest))) else {
            throw Failure(line: line, reason: "no value")
        }
        guard let current = order.last, let type = families[current]?.type else {
            throw Failure(line: line, reason: "sample before TYPE")
        }
        let allowed = type == "histogram" ? ["_bucket", "_sum", "_count"].map { current + $0 } : [current]
        let sample = Sample(name: name, labels: labels, value: value)
        guard allowed.contains(name) else { throw Failure(line: line, reason: "sample outside of its family") }
        let isNew = families[current]?.samples.contains { $0.name == name && $0.labels == labels } == false
        guard isNew else { throw Failure(line: line, reason: "series twice") }
        families[current]?.samples.append(sample)
    }

    private func readLabels(_ rest: inout Substring.UnicodeScalarView, line: String) throws -> [String: String] {
        var labels: [String: String] = [:]
        rest.removeFirst()
        while true {
            let name = String(String.UnicodeScalarView(rest.prefix { $0 != "=" }))
            rest = rest.dropFirst(name.unicodeScalars.count)
            guard rest.popFirst() == "=", rest.popFirst() == "\"" else { throw Failure(line: line, reason: "label") }
            var raw = String.UnicodeScalarView()
            while let next = rest.popFirst(), next != "\"" {
                raw.append(next)
                if next == "\\", let escaped = rest.popFirst() { raw.append(escaped) }
            }
            guard labels.updateValue(try unescape(String(raw), quotes: true), forKey: name) == nil else {
                throw Failure(line: line, reason: "label twice")
            }
            switch rest.popFirst() {
            case ",": continue
            case "}": return labels
            default: throw Failure(line: line, reason: "labels do not end")
            }
        }
    }

    private func unescape(_ text: String, quotes: Bool) throws -> String {
        var result = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let next = rest.popFirst() {
            guard next == "\\" else {
                result.append(next)
                continue
            }
            switch rest.popFirst() {
            case "\\": result.append("\\")
            case "n": result.append("\n")
            case "\"" where quotes: result.append("\"")
            default: throw Failure(line: text, reason: "bad escape")
            }
        }
        return String(result)
    }

    private func number(_ text: String) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        // Swift would also read "inf" and "nan", which no writer may use.
        default: text.contains { $0.isLetter && $0 != "e" } ? nil : Double(text)
        }
    }
}
