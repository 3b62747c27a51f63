import Telemetry

/// The `controller_runtime_*` metrics of one controller, under the names of Go's controller-runtime.
struct ControllerMetrics: Sendable {
    /// The bounds of controller-runtime's reconcile time, in seconds.
    private static let timeBuckets: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5,
        1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
    ]

    let success: CounterSeries
    let failure: CounterSeries
    let requeue: CounterSeries
    let requeueAfter: CounterSeries
    let errors: CounterSeries
    let terminalErrors: CounterSeries
    let timeouts: CounterSeries
    let time: HistogramSeries
    let activeWorkers: GaugeSeries

    init(controller: String, maxConcurrent: Int, registry: MetricsRegistry) {
        let prefix = "controller_runtime_"
        func counter(_ name: String, _ help: String) -> CounterSeries {
            registry.counter(prefix + name, help: help, labels: ["controller"]).series([controller])
        }
        let total = registry.counter(
            prefix + "reconcile_total",
            help: "Reconciles by result.",
            labels: ["controller", "result"]
        )
        // All results exist from the start, so that rates are right from the first one on.
        success = total.series([controller, "success"])
        failure = total.series([controller, "error"])
        requeue = total.series([controller, "requeue"])
        requeueAfter = total.series([controller, "requeue_after"])
        errors = counter("reconcile_errors_total", "Reconciles that failed, terminal errors included.")
        terminalErrors = counter("terminal_reconcile_errors_total", "Reconciles that failed and are not retried.")
        timeouts = counter("reconcile_timeouts_total", "Reconciles that ran into their time limit.")
        time = registry.histogram(
            prefix + "reconcile_time_seconds",
            help: "How long reconciles took.",
            labels: ["controller"],
            buckets: Self.timeBuckets
        ).series([controller])
        activeWorkers = registry.gauge(
            prefix + "active_workers",
            help: "Reconciles that run now.",
            labels: ["controller"]
        ).series([controller])
        registry.gauge(
            prefix + "max_concurrent_reconciles",
            help: "Reconciles that may run at the same time.",
            labels: ["controller"]
        ).series([controller]).set(Double(maxConcurrent))
    }
}
