import Synchronization

/// What a metric is called and how its series are told apart.
struct MetricShape: Sendable {
    enum Kind: Sendable, Hashable {
        case counter
        case gauge
        /// With the finite upper bounds, sorted.
        case histogram([Double])

        /// The word after `# TYPE name`.
        var name: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    let name: String
    let help: String
    let labels: [String]
    let kind: Kind
    let misuse: MisuseLog

    /// Whether the names are legal in the text format and no label appears twice.
    var isValid: Bool {
        guard Self.isName(name, allowsColon: true), Set(labels).count == labels.count else { return false }
        return labels.allSatisfy { label in
            guard Self.isName(label, allowsColon: false), !label.hasPrefix("__") else { return false }
            if case .histogram = kind { return label != "le" }
            return true
        }
    }

    /// Whether `other` means the same series; the help text may differ.
    func matches(_ other: MetricShape) -> Bool {
        name == other.name && labels == other.labels && kind == other.kind
    }

    private static func isName(_ text: String, allowsColon: Bool) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x5F: true
            case 0x3A: allowsColon
            default: false
            }
        }
    }
}

/// The names of metrics that were used wrongly; bounded by the number of names in the program.
final class MisuseLog: Sendable {
    private let noted = Mutex<Set<String>>([])

    /// All names, sorted.
    var names: [String] { noted.withLock { $0.sorted() } }

    func note(_ name: String) {
        noted.withLock { _ = $0.insert(name) }
    }
}

/// A metric of the registry, whatever its kind.
protocol MetricFamily: AnyObject, Sendable {
    var shape: MetricShape { get }
    /// Appends HELP, TYPE and all series; nothing when there are no series.
    func write(to text: inout String)
}

/// One time series: what a family keeps for one set of label values.
protocol MetricSeries: AnyObject, Sendable {
    /// Appends the series' lines; `labels` is the rendered `a="b",c="d"` or empty.
    func write(name: String, labels: String, to text: inout String)
}

/// The series of one family by their label values.
final class SeriesTable<Series: MetricSeries>: Sendable {
    private let shape: MetricShape
    private let make: @Sendable () -> Series
    private let series = Mutex<[[String]: Series]>([:])

    init(_ shape: MetricShape, make: @escaping @Sendable () -> Series) {
        self.shape = shape
        self.make = make
        // Without labels there is exactly one series, and it exists from the start.
        if shape.labels.isEmpty { _ = self[[]] }
    }

    /// The series of these label values, made when it is new; one that nobody sees when their number is wrong.
    subscript(_ values: [String]) -> Series {
        guard values.count == shape.labels.count else {
            shape.misuse.note(shape.name)
            return make()
        }
        return series.withLock { series in
            if let known = series[values] { return known }
            let new = make()
            series[values] = new
            return new
        }
    }

    /// Forgets the series of these label values.
    func remove(_ values: [String]) {
        series.withLock { _ = $0.removeValue(forKey: values) }
    }

    /// Forgets all series.
    func removeAll() {
        series.withLock { $0.removeAll() }
    }

    func write(to text: inout String) {
        let all = series.withLock { $0 }
        guard !all.isEmpty else { return }
        text += "# HELP \(shape.name) \(ExpositionText.help(shape.help))\n# TYPE \(shape.name) \(shape.kind.name)\n"
        for (values, series) in all.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let labels = zip(shape.labels, values).map { "\($0)=\"\(ExpositionText.label($1))\"" }
            series.write(name: shape.name, labels: labels.joined(separator: ","), to: &text)
        }
    }
}
