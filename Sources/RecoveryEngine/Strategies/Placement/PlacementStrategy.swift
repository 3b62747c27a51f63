package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// Finds a Placement clusters that suit it: counts what the members have, decides anew, and waits until the copies are
/// ready there.
///
/// A copy that fits where it is stays. One that does not is left only for another one: the decision says `leaving`, and the
/// placement controller removes it once the new one is synced and ready. While a Migration moves the Placement nothing is
/// decided here.
///
/// Parameters: `relax` ([]): the constraints that may be given up when no cluster meets all, in the order `spread` (spread
/// constraints with DoNotPlace count as PlaceAnyway), `taints` (NoSchedule counts as PreferNoSchedule).
package struct PlacementStrategy: RecoveryStrategy {
    static let relaxParameter = "relax"

    /// Priority 60, five minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.placement,
        errorTypes: [
            ErrorType.placementConstraint.rawValue, ErrorType.placementCapacity.rawValue,
            ErrorType.placementPolicy.rawValue,
        ],
        priority: 60,
        timeout: .seconds(300),
        destructiveness: .mutating
    )

    private let reservations: CapacityReservations

    /// Makes the strategy.
    ///
    /// - Parameter reservations: what other placements are about to take of the members.
    package init(reservations: CapacityReservations = CapacityReservations()) {
        self.reservations = reservations
    }

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        let words = PlacementRelaxation.allCases.map(\.rawValue)
        check.expect(Self.relaxParameter, "a list of \(words.joined(separator: ", ")), each at most once") { value in
            guard let given = value.arrayValue?.map(\.stringValue) else { return false }
            return given.allSatisfy { $0.map(words.contains) ?? false } && Set(given).count == given.count
        }
        return check.violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let words = attempt.parameters[Self.relaxParameter]?.arrayValue ?? []
        let run = PlacementRun(
            attempt: attempt,
            target: try await PlacementTarget(attempt),
            reservations: reservations,
            relaxations: words.compactMap { $0.stringValue.flatMap(PlacementRelaxation.init) }.sorted()
        )
        return try await run.recover()
    }
}
