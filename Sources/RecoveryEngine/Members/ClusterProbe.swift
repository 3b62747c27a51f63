internal import FoundationEssentials
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import Timekeeping

/// Looks at a member cluster's API server and says what it found; repeats nothing by itself but what a server refuses that
/// may be starting.
///
/// A look takes no longer than its calls may, and one timeout more: that is how long an exec plug-in may hold it up. What
/// the plug-in prints later serves the next look.
package struct ClusterProbe: Sendable {
    private let client: KubernetesClient
    private let timeout: Duration
    private let timeSource: any TimeSource

    /// Makes a probe.
    ///
    /// - Parameters:
    ///   - client: the member's, guarded by the attempt that probes.
    ///   - timeout: for each call; reaching the server included.
    ///   - timeSource: measures the latency.
    package init(_ client: KubernetesClient, timeout: Duration, timeSource: any TimeSource) {
        self.client = Self.limited(client, timeout, RetryPolicy(maxRetries: 0))
        self.timeout = timeout
        self.timeSource = timeSource
    }

    private static func limited(
        _ client: KubernetesClient,
        _ timeout: Duration,
        _ policy: RetryPolicy
    ) -> KubernetesClient {
        client.with(requestTimeout: timeout, connectTimeout: timeout, retryPolicy: policy)
    }

    /// Asks `/readyz`: every layer has to work for an answer.
    ///
    /// - Throws: what says nothing about the cluster: a refused call, cancellation.
    package func testEndpoint() async throws -> ClusterFinding {
        let start = timeSource.now()
        return try await finding(calls: 1) {
            _ = try await client.send(.raw("/readyz"))
            var finding = ClusterFinding(.usable, reason: ClusterReason.answering, message: "/readyz is ok")
            finding.latency = start.duration(to: timeSource.now())
            return finding
        }
    }

    /// Makes real calls: the version, a read that goes to the store, and a review of each permission that is required.
    ///
    /// - Throws: what says nothing about the cluster: a refused call, cancellation.
    package func exercise(_ spec: MemberClusterSpec) async throws -> ClusterFinding {
        let start = timeSource.now()
        let required = spec.requiredPermissions ?? []
        return try await finding(calls: 2 + required.reduce(0) { $0 + $1.verbs.count }) {
            let version = try await client.send(.raw("/version")).json()["gitVersion"]?.stringValue
            let latency = start.duration(to: timeSource.now())
            var message = "namespaces can be listed"
            var clusterUID: String?
            do {
                // Of all namespaces the one whose uid tells the cluster from every other one.
                let options = ListOptions(fieldSelector: "metadata.name=kube-system", limit: 1)
                // A refusal that is no finding is not asked again.
                let asking = required.isEmpty ? client : Self.limited(client, timeout, .none)
                let list = try await asking.send(.list(.namespaces, namespace: nil, options: options)).json()
                clusterUID = list["items"]?[index: 0]?.value(at: ["metadata", "uid"])?.stringValue
            } catch let error as ClientError where error.apiError?.isForbidden == true && !required.isEmpty {
                // Nobody said that this credential may list namespaces: what it must be able to do is reviewed.
                message = "the credential is accepted"
            }
            var finding =
                try await missing(required)
                ?? ClusterFinding(
                    .usable,
                    reason: ClusterReason.answering,
                    message: message
                )
            finding.version = version
            finding.clusterUID = clusterUID
            finding.latency = latency
            return finding
        }
    }

    /// What the credential may not do although it is required.
    ///
    /// - Returns: of each permission the verbs that are denied; permissions without any are left out.
    /// - Throws: `ClientError`.
    package func missingPermissions(_ required: [RequiredPermission]) async throws -> [RequiredPermission] {
        var missing: [RequiredPermission] = []
        for permission in required {
            var denied = permission
            denied.verbs = []
            for verb in permission.verbs {
                let attributes = AccessAttributes(
                    verb: verb,
                    group: permission.group ?? "",
                    resource: permission.resource,
                    subresource: permission.subresource.nonEmpty,
                    namespace: permission.namespace.nonEmpty
                )
                if try await !client.canI(attributes).isAllowed { denied.verbs.append(verb) }
            }
            if !denied.verbs.isEmpty { missing.append(denied) }
        }
        return missing
    }

    /// The finding about rights that are required and missing; nil when there are none.
    private func missing(_ required: [RequiredPermission]) async throws -> ClusterFinding? {
        let missing = try await missingPermissions(required)
        guard !missing.isEmpty else { return nil }
        let denied = missing.flatMap { permission in
            permission.verbs.map { verb in
                "\(verb) \(permission.resource)" + (permission.group.nonEmpty.map { ".\($0)" } ?? "")
            }
        }
        return ClusterFinding(
            .unauthorized,
            reason: ClusterReason.missingPermissions,
            message: "the credential may not: " + denied.prefix(16).joined(separator: ", ")
        )
    }

    /// Turns failures that are about the cluster into findings.
    private func finding(
        calls: Int,
        _ body: @escaping @Sendable () async throws -> ClusterFinding
    ) async throws -> ClusterFinding {
        let limit = timeout * (calls + 1)
        do {
            return try await withDeadline(timeSource.now().advanced(by: limit), timeSource, body)
        } catch is DeadlineExceeded {
            return late(limit)
        } catch let error as ClientError {
            guard let finding = ClusterFinding(error) else { throw error }
            return finding
        }
    }

    /// Every call has its own timeout, so what took longer is a plug-in, where there is one.
    private func late(_ limit: Duration) -> ClusterFinding {
        let words = "after \(limit.components.seconds) s"
        guard case .exec(let plugin) = client.configuration.credentials else {
            return ClusterFinding(
                .unreachable,
                layer: .http,
                reason: ClusterReason.httpTimeout,
                message: "no answer \(words)"
            )
        }
        return ClusterFinding(
            .unasked,
            reason: ClusterReason.credentialUnavailable,
            message: "exec plug-in \(plugin.command): no credential \(words)"
        )
    }
}
