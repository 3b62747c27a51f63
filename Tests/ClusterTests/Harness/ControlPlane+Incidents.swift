import KubernetesCore
import RecoveryAPI
import Testing

extension ResolvedTarget {
    /// A Deployment of the hub.
    static func deployment(_ namespace: String, _ name: String) -> ResolvedTarget {
        ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: namespace, name: name)
    }
}

extension ControlPlane {
    /// The first Recovery that detection opens for an object, as soon as it is as expected.
    ///
    /// - Parameters:
    ///   - target: the object; a cluster-scoped one with the controller's namespace.
    ///   - errorType: what detection takes the failure for.
    ///   - limit: how long to wait.
    ///   - isReached: what is expected.
    /// - Returns: the Recovery.
    /// - Throws: `NotReached` with the last state that was seen.
    func incident(
        of target: ResolvedTarget,
        errorType: String = ErrorType.componentUnhealthy.rawValue,
        within limit: Duration = .seconds(150),
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> Recovery {
        let fingerprint = try #require(LockKey(target)).fingerprint(errorType: errorType)
        let name = RecoveryNaming.name(target: target, fingerprint: fingerprint, number: 1)
        let key = ObjectKey(namespace: target.namespace, name: name)
        return try await wait(for: Recovery.self, key, within: limit, until: isReached)
    }
}
