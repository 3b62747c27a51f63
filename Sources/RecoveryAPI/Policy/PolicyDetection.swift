package import KubernetesCore

/// Where a policy notices failures.
package struct PolicyDetection: Codable, Hashable, Sendable {
    /// Status conditions of any kind.
    package var conditions: [ConditionDetector]?
    /// Deployments, StatefulSets, DaemonSets, pods and Jobs, by the rules built in.
    package var workloads: WorkloadDetector?
    /// Nodes that are not ready.
    package var nodes: NodeDetector?
    /// Kubernetes events, counted.
    package var events: [EventDetector]?
    /// HTTP requests to Services.
    package var httpProbes: [HTTPProbe]?
    /// The conditions of MemberClusters.
    package var clusterHealth: ClusterHealthDetector?
    /// Alerts received by the webhook receiver.
    package var alerts: [AlertDetector]?

    /// Makes a detection that looks at nothing.
    package init() {}
}

/// Whether missing data counts as a failure.
package enum MissingData: String, CaseIterable, Codable, Hashable {
    /// No data is not a failure.
    case ignore = "Ignore"
    /// No data is one.
    case fail = "Fail"
}

/// Notices a status condition of objects of one kind.
package struct ConditionDetector: Codable, Hashable, Sendable {
    /// Group and version of the kind.
    package var apiVersion: String
    /// The kind.
    package var kind: String
    /// Labels of the objects; absent, all of the namespace.
    package var selector: LabelSelector?
    /// The condition's type.
    package var type: String
    /// The condition's status that is a failure; `False` when absent.
    package var status: Open<ConditionStatusWord>?
    /// The condition's reason, when only that one is a failure.
    package var reason: String?
    /// Seconds that the failure lasts before it is one.
    package var forSeconds: Int?
    /// Seconds of health after which the next failure is a new incident.
    package var healthyForSeconds: Int?
    /// Whether an object without the condition has failed; `Ignore` when absent.
    package var onNoData: Open<MissingData>?
    /// The error type to open.
    package var errorType: String
    /// The catalogue code to open.
    package var code: String?
    /// The severity to open; `Medium` when absent.
    package var severity: Open<Severity>?

    /// Makes a detector for a condition that is `False`.
    package init(apiVersion: String, kind: String, type: String, errorType: String) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.type = type
        self.errorType = errorType
    }

    /// The failing status, with the default applied.
    package var effectiveStatus: ConditionStatusWord { status?.value ?? .false }
    /// Whether missing data is a failure, with the default applied.
    package var effectiveOnNoData: MissingData { onNoData?.value ?? .ignore }
}

/// The three statuses of a Kubernetes condition.
package enum ConditionStatusWord: String, CaseIterable, Codable, Hashable {
    case `true` = "True"
    case `false` = "False"
    case unknown = "Unknown"
}

/// The kinds of workload whose failures are known without configuration.
package enum WorkloadKind: String, CaseIterable, Codable, Hashable {
    case deployment = "Deployment"
    case statefulSet = "StatefulSet"
    case daemonSet = "DaemonSet"
    case pod = "Pod"
    case job = "Job"
}

/// Notices workloads that do not become, or do not stay, ready.
package struct WorkloadDetector: Codable, Hashable, Sendable {
    /// Whether it looks; true when absent.
    package var enabled: Bool?
    /// The kinds; absent, all.
    package var kinds: [Open<WorkloadKind>]?
    /// Labels of the objects; absent, all of the namespace.
    package var selector: LabelSelector?
    /// Seconds that the failure lasts before it is one.
    package var forSeconds: Int?
    /// Seconds of health after which the next failure is a new incident.
    package var healthyForSeconds: Int?
    /// The severity to open; `Medium` when absent.
    package var severity: Open<Severity>?

    /// Makes a detector for all workloads.
    package init() {}

    /// Whether it looks, with the default applied.
    package var isEnabled: Bool { enabled ?? true }

    /// The kinds, with the default applied; unknown words are left out.
    package var effectiveKinds: [WorkloadKind] { kinds?.compactMap(\.value) ?? WorkloadKind.allCases }
}

/// Notices nodes that are not ready; only in the controller's own namespace, since nodes are cluster scoped.
package struct NodeDetector: Codable, Hashable, Sendable {
    /// Whether it looks; true when absent.
    package var enabled: Bool?
    /// Labels of the nodes; absent, all.
    package var selector: LabelSelector?
    /// Seconds that the failure lasts before it is one.
    package var forSeconds: Int?
    /// Seconds of health after which the next failure is a new incident.
    package var healthyForSeconds: Int?
    /// The severity to open; `Medium` when absent.
    package var severity: Open<Severity>?

    /// Makes a detector for all nodes.
    package init() {}

    /// Whether it looks, with the default applied.
    package var isEnabled: Bool { enabled ?? true }
}

/// The two types of Kubernetes events.
package enum EventTypeWord: String, CaseIterable, Codable, Hashable {
    case normal = "Normal"
    case warning = "Warning"
}

/// Notices events about one object that come too often.
package struct EventDetector: Codable, Hashable, Sendable {
    /// The events' reason.
    package var reason: String
    /// The events' type; absent, both.
    package var type: Open<EventTypeWord>?
    /// The kind the events are about; absent, any.
    package var kind: String?
    /// How many events in the window are a failure; 1 when absent.
    package var count: Int?
    /// The window in seconds; 300 when absent.
    package var windowSeconds: Int?
    /// Seconds of health after which the next failure is a new incident.
    package var healthyForSeconds: Int?
    /// The error type to open.
    package var errorType: String
    /// The catalogue code to open.
    package var code: String?
    /// The severity to open; `Medium` when absent.
    package var severity: Open<Severity>?

    /// Makes a detector for a single event.
    package init(reason: String, errorType: String) {
        self.reason = reason
        self.errorType = errorType
    }

    /// The threshold, with the default applied.
    package var effectiveCount: Int { count ?? 1 }
    /// The window in seconds, with the default applied.
    package var effectiveWindowSeconds: Int { windowSeconds ?? 300 }
}

/// Asks a Service over HTTP.
package struct HTTPProbe: Codable, Hashable, Sendable {
    /// Name of the probe, unique in the policy.
    package var name: String
    /// An `http` or `https` URL; loopback, link-local and metadata addresses are refused unless configured.
    package var url: String
    /// Seconds between requests; 15 when absent.
    package var intervalSeconds: Int?
    /// Seconds that a request may take; 5 when absent.
    package var timeoutSeconds: Int?
    /// Failures in a row that are a failure; 3 when absent.
    package var failureThreshold: Int?
    /// Successes in a row that end it; 1 when absent.
    package var successThreshold: Int?
    /// The status that is a success; absent, 200 to 399.
    package var expectedStatus: Int?
    /// Seconds of health after which the next failure is a new incident.
    package var healthyForSeconds: Int?
    /// The error type to open.
    package var errorType: String
    /// The catalogue code to open.
    package var code: String?
    /// The severity to open; `Medium` when absent.
    package var severity: Open<Severity>?
    /// The object to be repaired.
    package var targetRef: TargetReference?

    /// Makes a probe with the default thresholds.
    package init(name: String, url: String, errorType: String) {
        self.name = name
        self.url = url
        self.errorType = errorType
    }

    /// Seconds between requests, with the default applied.
    package var effectiveIntervalSeconds: Int { intervalSeconds ?? 15 }
    /// Seconds for a request, with the default applied.
    package var effectiveTimeoutSeconds: Int { timeoutSeconds ?? 5 }
    /// Failures in a row, with the default applied.
    package var effectiveFailureThreshold: Int { failureThreshold ?? 3 }
    /// Successes in a row, with the default applied.
    package var effectiveSuccessThreshold: Int { successThreshold ?? 1 }
}

/// Notices MemberClusters whose conditions turn False; only in the controller's own namespace.
package struct ClusterHealthDetector: Codable, Hashable, Sendable {
    /// Whether it looks; true when absent.
    package var enabled: Bool?
    /// Labels of the MemberClusters; absent, all.
    package var clusterSelector: LabelSelector?
    /// Seconds of health after which the next failure is a new incident.
    package var healthyForSeconds: Int?
    /// The severity to open; `High` when absent.
    package var severity: Open<Severity>?

    /// Makes a detector for all clusters.
    package init() {}

    /// Whether it looks, with the default applied.
    package var isEnabled: Bool { enabled ?? true }

    /// The severity, with the default applied.
    package var effectiveSeverity: Severity { severity?.value ?? .high }
}

/// Turns alerts of an Alertmanager into Recoveries.
package struct AlertDetector: Codable, Hashable, Sendable {
    /// Labels that the alert must carry, with these values.
    package var matchLabels: [String: String]
    /// The error type to open.
    package var errorType: String
    /// The catalogue code to open.
    package var code: String?
    /// The severity to open; `Medium` when absent.
    package var severity: Open<Severity>?
    /// The object to be repaired.
    package var targetRef: TargetReference?

    /// Makes a detector for alerts with these labels.
    package init(matchLabels: [String: String], errorType: String) {
        self.matchLabels = matchLabels
        self.errorType = errorType
    }
}
