internal import Telemetry

/// The metric families of placements; no object and no cluster is ever a label.
struct PlacementMetrics: Sendable {
    /// Looks at a placement on a member, by result: Synced, Pending, Failed, Conflict, Removed, Unreachable.
    let syncs: Counter
    /// Objects that had drifted and were repaired.
    let repairs: Counter

    init(registry: MetricsRegistry) {
        syncs = registry.counter(
            "tmc_placement_syncs_total",
            help: "Looks at the objects of a placement on a member cluster.",
            labels: ["result"]
        )
        for result in ["Synced", "Pending", "Failed", "Conflict", "Removed", "Unreachable"] {
            _ = syncs.series([result])
        }
        repairs = registry.counter(
            "tmc_placement_drift_repairs_total",
            help: "Placed objects that had drifted on a member cluster and were repaired.",
            labels: []
        )
    }
}
