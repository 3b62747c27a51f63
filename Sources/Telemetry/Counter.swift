/// A number that only grows.
public final class Counter: MetricFamily {
    let shape: MetricShape
    private let table: SeriesTable<CounterSeries>

    init(_ shape: MetricShape) {
        self.shape = shape
        table = SeriesTable(shape) { CounterSeries() }
    }

    /// The series of these label values, which exists (with 0) from now on; keep it where increments must be cheap.
    public func series(_ labelValues: [String]) -> CounterSeries {
        table[labelValues]
    }

    /// Adds `amount` to the series of these label values; what is negative or not a number is ignored.
    public func increment(by amount: Double = 1, _ labelValues: String...) {
        table[labelValues].increment(by: amount)
    }

    /// Adds `amount` to the series of these label values; what is negative or not a number is ignored.
    public func increment(by amount: Double = 1, labels labelValues: [String]) {
        table[labelValues].increment(by: amount)
    }

    /// The present value of the series of these label values; makes it when it is new.
    public func value(_ labelValues: String...) -> Double {
        table[labelValues].value
    }

    func write(to text: inout String) {
        table.write(to: &text)
    }
}

/// One time series of a ``Counter``.
public final class CounterSeries: MetricSeries {
    private let total = AtomicDouble()

    /// The present value.
    public var value: Double { total.value }

    /// Adds `amount`; what is negative or not a number is ignored.
    public func increment(by amount: Double = 1) {
        guard amount >= 0 else { return }
        total.add(amount)
    }

    /// Takes over a total that is counted elsewhere; a smaller one is ignored.
    public func raise(to newTotal: Double) {
        total.raise(to: newTotal)
    }

    func write(name: String, labels: String, to text: inout String) {
        ExpositionText.sample(name, labels: labels, value: ExpositionText.number(value), to: &text)
    }
}
