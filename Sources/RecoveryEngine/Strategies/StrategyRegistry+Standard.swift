package import HTTPTransport
package import RecoveryDecision

extension StrategyRegistry {
    /// The strategies that are built in.
    ///
    /// - Parameters:
    ///   - members: where they get the clients of member clusters from, and write what they find about them.
    ///   - transport: how URLs in policies are reached.
    ///   - addresses: where such URLs may lead.
    ///   - reservations: what placements are about to take of members.
    /// - Returns: the registry; custom strategies can be added to it.
    package static func standard(
        members: MemberClients,
        transport: any HTTPTransport,
        addresses: AddressRule = AddressRule(),
        reservations: CapacityReservations = CapacityReservations()
    ) -> StrategyRegistry {
        StrategyRegistry([
            GenericStrategy(), ResourceConflictStrategy(),
            ClusterConnectivityStrategy(members: members), ClusterAuthStrategy(members: members),
            PlacementStrategy(reservations: reservations),
            SyncStrategy(members: members), MigrationStrategy(members: members, reservations: reservations),
            RestartStrategy(), RollbackStrategy(), ScaleStrategy(), RecreateStrategy(), CordonAndDrainStrategy(),
            JobStrategy(),
            WebhookStrategy(transport: transport, addresses: addresses),
        ])
    }
}
