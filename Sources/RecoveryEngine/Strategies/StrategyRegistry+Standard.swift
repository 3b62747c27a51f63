internal import RecoveryDecision

extension StrategyRegistry {
    /// The strategies that are built in.
    ///
    /// - Parameter members: where they get the clients of member clusters from, and write what they find about them.
    /// - Returns: the registry; custom strategies can be added to it.
    package static func standard(members: MemberClients) -> StrategyRegistry {
        StrategyRegistry([
            GenericStrategy(), ResourceConflictStrategy(controllerNamespace: members.namespace),
            ClusterConnectivityStrategy(members: members), ClusterAuthStrategy(members: members),
            PlacementStrategy(fence: PlacementFence(controllerNamespace: members.namespace)),
            SyncStrategy(members: members), MigrationStrategy(members: members),
            RestartStrategy(), RollbackStrategy(),
        ])
    }
}
