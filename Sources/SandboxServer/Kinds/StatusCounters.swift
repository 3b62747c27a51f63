internal import JSON

/// What the numbers in the status of a kind have to be to one another.
struct StatusCounters: Sendable {
    /// Those that must not be negative, in the order of the server's messages.
    private var notNegative: [String]
    /// Those that count some of `status.replicas`.
    private var parts: [String] = []
    /// What `availableReplicas` is measured by in messages; nil where the kind has no such rule.
    private var ready: String?
    /// Whether `collisionCount` only rises.
    private var countsCollisions = false

    /// The kinds whose status is checked.
    static let all: [ResourceID: StatusCounters] = [
        Builtin.deployments: StatusCounters(
            notNegative: [
                "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
                "unavailableReplicas", "collisionCount",
            ],
            parts: ["updatedReplicas", "readyReplicas", "availableReplicas"],
            ready: "readyReplicas",
            countsCollisions: true
        ),
        Builtin.replicaSets: StatusCounters(
            notNegative: [
                "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration",
            ],
            parts: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
            ready: "readyReplicas"
        ),
        Builtin.statefulSets: StatusCounters(
            notNegative: [
                "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas",
                "observedGeneration", "collisionCount",
            ],
            parts: ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
            ready: "status.readyReplicas",
            countsCollisions: true
        ),
        Builtin.daemonSets: StatusCounters(
            notNegative: [
                "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
                "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
                "collisionCount",
            ],
            countsCollisions: true
        ),
        Builtin.jobs: StatusCounters(notNegative: ["active", "succeeded", "failed", "ready", "terminating"]),
        Builtin.disruptionBudgets: StatusCounters(
            notNegative: ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]
        ),
        Builtin.autoscalers: StatusCounters(notNegative: ["currentReplicas", "desiredReplicas"]),
    ]

    /// What is wrong with the status of an object.
    func violations(of object: JSONValue, _ old: JSONValue?) -> [APIFailure.Cause] {
        let status = object["status"]
        let count = { (name: String) in status?[name]?.intValue ?? 0 }
        return Violations.collect { found in
            for name in notNegative { found.notNegative(status, "status", name) }
            for name in parts where count(name) > count("replicas") {
                found.add(
                    .invalid("status.\(name)", .number(count(name)), "cannot be greater than status.replicas")
                )
            }
            if let ready, count("availableReplicas") > count("readyReplicas") {
                let available = JSONValue.number(count("availableReplicas"))
                found.add(.invalid("status.availableReplicas", available, "cannot be greater than \(ready)"))
            }
            if countsCollisions, count("collisionCount") < old?["status"]?["collisionCount"]?.intValue ?? 0 {
                let collisions = JSONValue.number(count("collisionCount"))
                found.add(.invalid("status.collisionCount", collisions, "cannot be decremented"))
            }
        }
    }
}
