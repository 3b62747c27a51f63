/// What goes wrong with which requests.
///
/// ```swift
/// let rule = try FaultRule(parsing: "verbs=get,list resources=pods status=429 retryAfterSeconds=1 rate=0.1")
/// ```
package struct FaultRule: Sendable, Hashable {
    /// The verbs that it is about, as RBAC names them; empty for all.
    package var verbs: [String] = []
    /// The resources, as `pods`, `deployments.apps` or `pods/status`; empty for all, and for paths like `/readyz`.
    package var resources: [String] = []
    /// The namespaces; empty for all.
    package var namespaces: [String] = []
    /// How the `User-Agent` begins; empty for all.
    package var userAgents: [String] = []
    /// The part of these requests that it hits, from 0 to 1.
    package var rate = 1.0
    /// How many requests it hits at most; nil for no limit.
    package var count: Int?
    /// How long the answer waits.
    package var latency = Duration.zero
    /// The status to answer with instead; nil for the true answer.
    package var status: Int?
    /// `Retry-After` of that answer; nil for the usual.
    package var retryAfterSeconds: Int?
    /// Whether the connection is reset without an answer.
    package var isRefused = false
    /// What happens to a watch that is begun.
    package var watch = WatchFault.none

    /// Hits all requests and does nothing to them.
    package init() {}

    /// Whether a request is one that it is about.
    func concerns(_ info: RequestInfo, userAgent: String) -> Bool {
        if watch.kind != nil, info.verb != "watch" { return false }
        let resource = ResourceID(group: info.group, plural: info.plural)
        let suffix = info.subresource.isEmpty ? "" : "/\(info.subresource)"
        return (verbs.isEmpty || verbs.contains(info.verb))
            && (resources.isEmpty || resources.contains(resource.qualifiedName + suffix)
                || resources.contains(resource.plural + suffix))
            && (namespaces.isEmpty || namespaces.contains(info.namespace))
            && (userAgents.isEmpty || userAgents.contains { userAgent.hasPrefix($0) })
    }
}
