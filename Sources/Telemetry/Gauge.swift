/// A number that goes up and down.
public final class Gauge: MetricFamily {
    let shape: MetricShape
    private let table: SeriesTable<GaugeSeries>

    init(_ shape: MetricShape) {
        self.shape = shape
        table = SeriesTable(shape) { GaugeSeries() }
    }

    /// The series of these label values, which exists (with 0) from now on; keep it where changes must be cheap.
    public func series(_ labelValues: [String]) -> GaugeSeries {
        table[labelValues]
    }

    /// Sets the series of these label values.
    public func set(_ value: Double, _ labelValues: String...) {
        table[labelValues].set(value)
    }

    /// Sets the series of these label values.
    public func set(_ value: Double, labels labelValues: [String]) {
        table[labelValues].set(value)
    }

    /// Adds `amount`, which may be negative, to the series of these label values.
    public func add(_ amount: Double, _ labelValues: String...) {
        table[labelValues].add(amount)
    }

    /// Adds `amount`, which may be negative, to the series of these label values.
    public func add(_ amount: Double, labels labelValues: [String]) {
        table[labelValues].add(amount)
    }

    /// The present value of the series of these label values; makes it when it is new.
    public func value(_ labelValues: String...) -> Double {
        table[labelValues].value
    }

    /// Forgets the series of these label values, for things that are gone.
    public func remove(labels labelValues: [String]) {
        table.remove(labelValues)
    }

    /// Forgets all series, for collectors that write a fresh picture each time.
    public func removeAll() {
        table.removeAll()
    }

    func write(to text: inout String) {
        table.write(to: &text)
    }
}

/// One time series of a ``Gauge``.
public final class GaugeSeries: MetricSeries {
    private let current = AtomicDouble()

    /// The present value.
    public var value: Double { current.value }

    /// Sets the value.
    public func set(_ value: Double) {
        current.set(value)
    }

    /// Adds `amount`, which may be negative.
    public func add(_ amount: Double) {
        current.add(amount)
    }

    func write(name: String, labels: String, to text: inout String) {
        ExpositionText.sample(name, labels: labels, value: ExpositionText.number(value), to: &text)
    }
}
