package import FoundationEssentials

/// Builds the spec of a Recovery from an error, one fact per call.
///
/// The fluent builder of the TMC documents, with the cluster and the resource going to where the API keeps them:
///
///     let spec = RecoveryErrorBuilder(.clusterUnreachable, component: "syncer", operation: "heartbeat")
///         .withMessage("Failed to connect to cluster endpoint")
///         .withCluster("edge-cluster-1", logicalCluster: "root:edge")
///         .withSeverity(.high)
///         .build()
package struct RecoveryErrorBuilder: Sendable {
    private var spec: RecoverySpec

    /// Starts with a type of any name, the component that noticed it and what that component was doing.
    package init(type: String, component: String, operation: String) {
        var error = ReportedError(type: type)
        error.component = component
        error.operation = operation
        spec = RecoverySpec(error: error)
    }

    /// Starts with a known type.
    package init(_ type: ErrorType, component: String, operation: String) {
        self.init(type: type.rawValue, component: component, operation: operation)
    }

    /// Says in words what failed.
    package func withMessage(_ message: String) -> Self { with { $0.error.message = message } }

    /// Names the entry of the error catalogue.
    package func withCode(_ code: String) -> Self { with { $0.error.code = code } }

    /// Says how bad it is.
    package func withSeverity(_ severity: Severity) -> Self { with { $0.error.severity = .known(severity) } }

    /// Overrides the type's default retryability.
    package func withRetryable(_ retryable: Bool) -> Self { with { $0.error.retryable = retryable } }

    /// Says when the failure was noticed.
    package func withTime(_ time: Date) -> Self { with { $0.error.time = time } }

    /// Adds one fact; the last value of a key stays.
    package func withContext(_ key: String, _ value: String) -> Self {
        with { $0.error.context = ($0.error.context ?? [:]).merging([key: value]) { $1 } }
    }

    /// Names the member cluster, and the logical cluster it belongs to.
    package func withCluster(_ name: String, logicalCluster: String? = nil) -> Self {
        with {
            $0.clusterRef = NameReference(name: name)
            $0.logicalCluster = logicalCluster
        }
    }

    /// Names the resource that failed.
    package func withResource(_ target: TargetReference) -> Self { with { $0.targetRef = target } }

    /// The finished spec.
    package func build() -> RecoverySpec { spec }

    private func with(_ change: (inout RecoverySpec) -> Void) -> Self {
        var copy = self
        change(&copy.spec)
        return copy
    }
}
