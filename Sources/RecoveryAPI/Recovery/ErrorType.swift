/// The error types the controller knows; any other name is a custom type and just as legal.
package enum ErrorType: String, CaseIterable, Codable, Hashable {
    case clusterUnreachable = "ClusterUnreachable"
    case clusterUnavailable = "ClusterUnavailable"
    case networkConnectivity = "NetworkConnectivity"
    case clusterAuth = "ClusterAuth"
    case resourceConflict = "ResourceConflict"
    case syncConflict = "SyncConflict"
    case placementConstraint = "PlacementConstraint"
    case placementCapacity = "PlacementCapacity"
    case placementPolicy = "PlacementPolicy"
    case syncFailure = "SyncFailure"
    case syncTimeout = "SyncTimeout"
    case migrationFailure = "MigrationFailure"
    case migrationTimeout = "MigrationTimeout"
    case componentUnhealthy = "ComponentUnhealthy"
    case internalError = "InternalError"

    /// Whether errors of this type are worth another try when the report does not say.
    ///
    /// Every type with a strategy of its own is, and so is an unhealthy component (the health monitor's report in the
    /// seeds). An internal error is not: nobody knows what a repetition would do.
    package var isRetryable: Bool { self != .internalError }

    /// The default for any type name; custom types are not retryable unless the report says so.
    package static func isRetryable(_ name: String) -> Bool {
        ErrorType(rawValue: name)?.isRetryable ?? false
    }

    /// Whether a name can be an error type at all, known or custom.
    package static func isLegal(_ name: String) -> Bool {
        name.utf8.count <= TextRule.camelCase.maxLength && TextRule.camelCase.problem(name) == nil
    }
}
