import KubernetesCore
import Telemetry

/// The `informer_*` metrics of one informer, under client-go's names.
struct InformerMetrics: Sendable {
    private let queuedItems: GaugeSeries
    private let storeVersion: GaugeSeries

    init(resource: APIResource, registry: MetricsRegistry) {
        let names = ["name", "group", "version", "resource"]
        let labels = [resource.description, resource.group, resource.version, resource.plural]
        queuedItems = registry.gauge(
            "informer_queued_items",
            help: "Notifications that wait for handlers.",
            labels: names
        ).series(labels)
        storeVersion = registry.gauge(
            "informer_store_resource_version",
            help: "The 15 least significant digits of the version up to which the store has seen all changes.",
            labels: names
        ).series(labels)
    }

    func publish(queued: Int, resourceVersion: String) {
        queuedItems.set(Double(queued))
        // More digits than that would lose the last ones in a double.
        if let version = Double(String(resourceVersion.suffix(15))) { storeVersion.set(version) }
    }
}
