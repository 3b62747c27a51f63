import KubernetesCore
import Telemetry

/// The `tmc_reflector_*` metrics of one kind: the earliest sign of list storms and silent watches.
struct ReflectorMetrics: Sendable {
    private let lists: Counter
    private let resource: String
    let watches: CounterSeries
    let shortWatches: CounterSeries
    let silentWatches: CounterSeries
    let events: CounterSeries
    let items: GaugeSeries

    init(resource: APIResource, registry: MetricsRegistry) {
        let name = resource.description
        func counter(_ metric: String, _ help: String) -> CounterSeries {
            registry.counter("tmc_reflector_" + metric, help: help, labels: ["resource"]).series([name])
        }
        self.resource = name
        lists = registry.counter(
            "tmc_reflector_lists_total",
            help: "Lists that were started, by reason.",
            labels: ["resource", "reason"]
        )
        watches = counter("watches_total", "Watches that were started.")
        shortWatches = counter("short_watches_total", "Watches that ended within a second without an event.")
        silentWatches = counter("silent_watches_total", "Watches that were given up because nothing came any more.")
        events = counter("events_total", "Watch events that were received.")
        items = registry.gauge(
            "tmc_reflector_items",
            help: "Objects in the last list.",
            labels: ["resource"]
        ).series([name])
    }

    func countList(_ reason: ReflectorStateMachine.ListReason) {
        lists.increment(resource, reason.rawValue)
    }
}
