package import JSON
package import KubernetesCore

/// Amounts by resource name, such as `cpu`, `memory` or `pods`; what is not named is nothing.
package struct ResourceAmounts: Sendable, Hashable {
    /// The amounts by resource name.
    package private(set) var amounts: [String: Quantity]

    /// Amounts that are known.
    package init(_ amounts: [String: Quantity] = [:]) {
        self.amounts = amounts
    }

    /// The names that have an amount, sorted.
    package var names: [String] { amounts.keys.sorted() }

    /// The amount of one resource.
    package subscript(name: String) -> Quantity {
        get { amounts[name] ?? .zero }
        set { amounts[name] = newValue }
    }

    /// The sums.
    package static func + (left: ResourceAmounts, right: ResourceAmounts) -> ResourceAmounts {
        ResourceAmounts(left.amounts.merging(right.amounts) { $0 + $1 })
    }

    /// The differences, which may be below zero.
    package static func - (left: ResourceAmounts, right: ResourceAmounts) -> ResourceAmounts {
        left + ResourceAmounts(right.amounts.mapValues { .zero - $0 })
    }

    /// Adds in place.
    package static func += (left: inout ResourceAmounts, right: ResourceAmounts) { left = left + right }

    /// The larger of both, resource by resource.
    package func larger(_ other: ResourceAmounts) -> ResourceAmounts {
        ResourceAmounts(amounts.merging(other.amounts) { max($0, $1) })
    }

    /// So many times everything.
    package func multiplied(by count: Int64) -> ResourceAmounts {
        ResourceAmounts(amounts.mapValues { $0.multiplied(by: count) })
    }

    /// What this asks for and `free` does not have, in words; empty when it fits.
    func shortage(in free: ResourceAmounts) -> [String] {
        names.filter { self[$0] > .zero && self[$0] > free[$0] }.map { "\($0) \(self[$0]) of \(free[$0]) free" }
    }
}

extension ResourceAmounts {
    /// Reads an object of amounts, such as `status.allocatable` of a node; what is no amount is left out.
    package init(_ value: JSONValue?) {
        amounts =
            value?.objectValue?.compactMapValues { amount in
                amount.stringValue.flatMap { Quantity($0) } ?? amount.intValue.map { Quantity($0) }
            } ?? [:]
    }

    /// What the scheduler of a cluster sets aside for a pod (KEP-753 for sidecars): the containers and sidecars
    /// together, or the most that one init container needs, and the overhead; and one of `pods`.
    ///
    /// What the pod asks for as a whole (KEP-2837) takes the place of that sum.
    /// A resource that has a limit only is requested at that limit, as the API server fills it in.
    package init(podSpec: JSONValue) {
        var sidecars = ResourceAmounts()
        var starting = ResourceAmounts()
        for container in podSpec["initContainers"]?.arrayValue ?? [] {
            let requests = Self.requests(ofContainer: container)
            let isSidecar = container["restartPolicy"]?.stringValue == "Always"
            if isSidecar { sidecars += requests }
            starting = starting.larger(isSidecar ? sidecars : sidecars + requests)
        }
        let running = (podSpec["containers"]?.arrayValue ?? []).map(Self.requests).reduce(sidecars, +)
        let whole = ResourceAmounts(podSpec.value(at: ["resources", "requests"])).amounts
        let needed = ResourceAmounts(running.larger(starting).amounts.merging(whole) { _, whole in whole })
        self = needed + ResourceAmounts(podSpec["overhead"])
        self["pods"] = Quantity(1)
    }

    private static func requests(ofContainer container: JSONValue) -> ResourceAmounts {
        let limits = ResourceAmounts(container.value(at: ["resources", "limits"]))
        let requests = ResourceAmounts(container.value(at: ["resources", "requests"]))
        return ResourceAmounts(limits.amounts.merging(requests.amounts) { _, request in request })
    }
}
