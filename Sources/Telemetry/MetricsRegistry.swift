import Synchronization

/// All metrics of a process, and their text for a Prometheus server.
///
///     let registry = MetricsRegistry()
///     let requests = registry.counter("requests_total", help: "Requests served.", labels: ["code"])
///     requests.increment("200")
///     let text = registry.exposition()
///
/// Nothing here traps or throws: a metric is never worth a crash. A wrong number of label values, an invalid name or a
/// name that is taken by another shape is ignored, and noted in ``misuses`` for the tests of whoever wires the program.
public final class MetricsRegistry: Sendable {
    /// The `Content-Type` of ``exposition()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private struct State {
        var families: [String: any MetricFamily] = [:]
        var collectors: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    private let misuse = MisuseLog()

    /// Makes an empty registry.
    public init() {}

    /// The names of metrics that were registered or used wrongly, sorted; empty in a correct program.
    public var misuses: [String] { misuse.names }

    /// The counter called `name`; the same one again when the labels are the same.
    public func counter(_ name: String, help: String, labels: [String] = []) -> Counter {
        register(Counter(shape(name, help, labels, .counter)))
    }

    /// The gauge called `name`; the same one again when the labels are the same.
    public func gauge(_ name: String, help: String, labels: [String] = []) -> Gauge {
        register(Gauge(shape(name, help, labels, .gauge)))
    }

    /// The histogram called `name`; the same one again when labels and buckets are the same.
    ///
    /// - Parameters:
    ///   - name: The name, without `_bucket`, `_sum` or `_count`.
    ///   - help: One sentence for people.
    ///   - labels: The names of the labels; `le` is not allowed.
    ///   - buckets: The upper bounds; sorted here, and `+Inf` is always added.
    /// - Returns: The registered family.
    public func histogram(
        _ name: String,
        help: String,
        labels: [String] = [],
        buckets: [Double] = Histogram.defaultBuckets
    ) -> Histogram {
        let bounds = Set(buckets.filter(\.isFinite)).sorted()
        return register(Histogram(shape(name, help, labels, .histogram(bounds))))
    }

    /// Calls `collector` before each exposition, so that it can set gauges whose value costs something to know.
    public func onCollect(_ collector: @escaping @Sendable () -> Void) {
        state.withLock { $0.collectors.append(collector) }
    }

    /// All metrics in the text format 0.0.4: families sorted by name, series by label values.
    public func exposition() -> String {
        let collectors = state.withLock { $0.collectors }
        for collect in collectors { collect() }
        let families = state.withLock { $0.families }
        var text = ""
        for (_, family) in families.sorted(by: { $0.key < $1.key }) {
            family.write(to: &text)
        }
        return text
    }

    private func shape(_ name: String, _ help: String, _ labels: [String], _ kind: MetricShape.Kind) -> MetricShape {
        MetricShape(name: name, help: help, labels: labels, kind: kind, misuse: misuse)
    }

    /// The registered family of this name if it has the same shape; else `candidate`, which stays unseen when it may
    /// not be registered.
    private func register<Family: MetricFamily>(_ candidate: Family) -> Family {
        let shape = candidate.shape
        guard shape.isValid else {
            misuse.note(shape.name)
            return candidate
        }
        return state.withLock { state in
            guard let existing = state.families[shape.name] else {
                state.families[shape.name] = candidate
                return candidate
            }
            if let same = existing as? Family, same.shape.matches(shape) { return same }
            misuse.note(shape.name)
            return candidate
        }
    }
}
