import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Every condition is Unknown first and True or False in the end, without a write of its own.
struct ConditionTests {
    /// The conditions as `Type=Status`, in order.
    private func conditions(_ status: RecoveryStatus?) -> [String] {
        (status?.conditions ?? []).map { "\($0.type)=\($0.status.rawValue)" }
    }

    @Test func theReservationOfTheFirstAttemptHasThemAll() throws {
        let status = try Recovery.make().reserved().status
        #expect(
            conditions(status) == [
                "Accepted=True", "Admitted=True", "Progressing=True", "Verified=Unknown", "Succeeded=Unknown",
                "Stalled=Unknown",
            ]
        )
        #expect(status?.condition(ConditionType.succeeded) == "Unknown NotYetKnown")
        #expect(status?.conditions?.allSatisfy { $0.lastTransitionTime == start && !$0.message.isEmpty } == true)
    }

    @Test func aHoldHasThemAllBeforeAndAfterAcceptance() throws {
        let missing = Recovery.make { $0.spec.policyRef = NameReference(name: "gone") }
        let suspended = Recovery.make { $0.spec.suspend = true }
        for (recovery, accepted) in [(missing, "Accepted=Unknown"), (suspended, "Accepted=True")] {
            let status = try decide(recovery).status
            #expect(
                conditions(status) == [
                    accepted, "Admitted=False", "Progressing=False", "Verified=Unknown", "Succeeded=Unknown",
                    "Stalled=Unknown",
                ]
            )
        }
    }

    @Test(
        "At the end all are decided",
        arguments: [
            (.succeeded, "True", "True", "False"), (.permanent, "False", "False", "True"),
            (.stopped(.cancelled), "False", "False", "False"),
            (.superseded(by: RecoveryReference(name: "x")), "False", "False", "False"),
        ] as [(AttemptOutcome, String, String, String)]
    )
    func ends(_ outcome: AttemptOutcome, _ verified: String, _ succeeded: String, _ stalled: String) throws {
        let ended = try Recovery.make().reserved().settled(outcome, at: at(9))
        #expect(
            conditions(ended.status) == [
                "Accepted=True", "Admitted=True", "Progressing=False", "Verified=\(verified)",
                "Succeeded=\(succeeded)", "Stalled=\(stalled)",
            ]
        )
        #expect(ended.status?.conditions?[type: ConditionType.succeeded]?.lastTransitionTime == at(9))
    }

    @Test func whatWasCancelledBeforeAnybodyLookedIsNeitherValidNorInvalid() throws {
        let status = try decide(Recovery.make { $0.spec.cancel = true }).status
        #expect(
            conditions(status) == [
                "Accepted=Unknown", "Admitted=False", "Progressing=False", "Verified=False", "Succeeded=False",
                "Stalled=False",
            ]
        )
        #expect(status?.condition(ConditionType.admitted) == "False CancelledByUser")
    }

    @Test func anInvalidSpecIsStalled() throws {
        let status = try decide(Recovery.make { $0.spec.error.type = "" }).status
        #expect(
            conditions(status) == [
                "Accepted=False", "Admitted=False", "Progressing=False", "Verified=False", "Succeeded=False",
                "Stalled=True",
            ]
        )
    }

    @Test func conditionsOfOthersStayBehindOurs() throws {
        let foreign = Condition(type: "Seen", status: .true, reason: "Noticed", message: "by somebody else")
        var status = RecoveryStatus()
        status.conditions = [foreign]
        let reserved = try Recovery.make().with(status).reserved().status
        #expect(reserved?.conditions?.map(\.type) == ConditionType.recovery + ["Seen"])
        #expect(reserved?.conditions?.last == foreign)
    }

    @Test func aStatusOfAnOlderVersionGetsThemWithItsNextWrite() throws {
        var recovery = try Recovery.make().reserved()
        recovery.status?.conditions?.removeAll { $0.status == .unknown }
        let ended = recovery.settled(.transient(retryAfter: nil), at: at(5))
        #expect(ended.status?.conditions?.count == 3, "a retry changes no condition that is not there")
        let final = ended.with { $0.spec.cancel = true }
        #expect(try conditions(decide(final, at: at(6)).status).count == 6)
    }
}
