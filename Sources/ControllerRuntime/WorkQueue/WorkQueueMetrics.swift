public import Telemetry

/// The `workqueue_*` metrics of one queue, under the names that dashboards of Go controllers expect.
@usableFromInline
struct WorkQueueMetrics: Sendable {
    /// More priorities than this share one label value, so that computed priorities cannot make series without end.
    private static let maxPriorities = 25

    @usableFromInline let queueDuration: HistogramSeries
    @usableFromInline let workDuration: HistogramSeries
    private let depth: Gauge
    private let adds: CounterSeries
    private let retries: CounterSeries
    private let unfinished: GaugeSeries
    private let longestRunning: GaugeSeries
    private let labels: [String]
    private let seenPriorities = PriorityLabels(limit: maxPriorities)

    init(name: String, registry: MetricsRegistry) {
        let names = ["name", "controller"]
        let buckets = Histogram.exponentialBuckets(start: 1e-8, factor: 10, count: 12)
        labels = [name, name]
        depth = registry.gauge("workqueue_depth", help: "Keys that are ready.", labels: names + ["priority"])
        // From the start, as dashboards take what is missing for a mistake.
        depth.set(0, labels: labels + ["0"])
        adds = registry.counter("workqueue_adds_total", help: "Keys that became ready.", labels: names).series(labels)
        retries = registry.counter(
            "workqueue_retries_total",
            help: "Delayed and rate-limited adds.",
            labels: names
        ).series(labels)
        queueDuration = registry.histogram(
            "workqueue_queue_duration_seconds",
            help: "How long keys were ready before a worker took them.",
            labels: names,
            buckets: buckets
        ).series(labels)
        workDuration = registry.histogram(
            "workqueue_work_duration_seconds",
            help: "How long workers had keys.",
            labels: names,
            buckets: buckets
        ).series(labels)
        unfinished = registry.gauge(
            "workqueue_unfinished_work_seconds",
            help: "Sum of the times that the keys in work have been in work.",
            labels: names
        ).series(labels)
        longestRunning = registry.gauge(
            "workqueue_longest_running_processor_seconds",
            help: "The longest time that a key in work has been in work.",
            labels: names
        ).series(labels)
    }

    /// Writes what is only known by looking at the whole queue.
    func publish(depths: [Int: Int], processingTimes: [Duration], adds: Int, retries: Int) {
        for (label, count) in seenPriorities.label(depths) {
            depth.set(Double(count), labels: labels + [label])
        }
        self.adds.raise(to: Double(adds))
        self.retries.raise(to: Double(retries))
        unfinished.set(processingTimes.reduce(.zero, +).inSeconds)
        longestRunning.set((processingTimes.max() ?? .zero).inSeconds)
    }
}
