import Synchronization

/// Counts of observations by size, with their sum.
public final class Histogram: MetricFamily {
    /// The bounds that Prometheus clients use for durations of requests, in seconds.
    public static let defaultBuckets: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    let shape: MetricShape
    private let table: SeriesTable<HistogramSeries>

    init(_ shape: MetricShape) {
        self.shape = shape
        let bounds = if case .histogram(let bounds) = shape.kind { bounds } else { [Double]() }
        table = SeriesTable(shape) { HistogramSeries(bounds: bounds) }
    }

    /// `count` bounds that start at `start` and grow by `factor` each.
    public static func exponentialBuckets(start: Double, factor: Double, count: Int) -> [Double] {
        var bounds: [Double] = []
        var next = start
        for _ in 0..<max(0, count) {
            bounds.append(next)
            next *= factor
        }
        return bounds
    }

    /// The series of these label values, which exists (empty) from now on; keep it where observing must be cheap.
    public func series(_ labelValues: [String]) -> HistogramSeries {
        table[labelValues]
    }

    /// Counts one observation in the series of these label values.
    public func observe(_ value: Double, _ labelValues: String...) {
        table[labelValues].observe(value)
    }

    /// Counts one observation in the series of these label values.
    public func observe(_ value: Double, labels labelValues: [String]) {
        table[labelValues].observe(value)
    }

    func write(to text: inout String) {
        table.write(to: &text)
    }
}

/// One set of counts of a ``Histogram``.
public final class HistogramSeries: MetricSeries {
    private struct State {
        /// Observations per bucket, not cumulative; the last one is `+Inf`.
        var counts: [UInt64]
        var sum: Double = 0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    /// The number of observations.
    public var count: UInt64 { state.withLock { $0.counts.reduce(0, &+) } }

    /// The sum of all observations.
    public var sum: Double { state.withLock { $0.sum } }

    /// Counts one observation; one that is not a number falls into `+Inf`, as in Go's client.
    public func observe(_ value: Double) {
        let bucket = value.isNaN ? bounds.count : firstBound(atLeast: value)
        state.withLock { state in
            state.counts[bucket] &+= 1
            state.sum += value
        }
    }

    func write(name: String, labels: String, to text: inout String) {
        let now = state.withLock { $0 }
        let prefix = labels.isEmpty ? "" : labels + ","
        var cumulative: UInt64 = 0
        for (bound, count) in zip(bounds + [.infinity], now.counts) {
            cumulative &+= count
            let le = "\(prefix)le=\"\(ExpositionText.number(bound))\""
            ExpositionText.sample(name + "_bucket", labels: le, value: String(cumulative), to: &text)
        }
        ExpositionText.sample(name + "_sum", labels: labels, value: ExpositionText.number(now.sum), to: &text)
        ExpositionText.sample(name + "_count", labels: labels, value: String(cumulative), to: &text)
    }

    /// The index of the first bound that is not below `value`; the number of bounds when all are.
    private func firstBound(atLeast value: Double) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
