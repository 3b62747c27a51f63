package import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization

/// Refuses what an attempt may not send: anything once it has ended, and writes to protected kinds.
///
/// A strategy that ignores its cancellation can go on for a while; its late writes end here.
package final class AttemptFence: Sendable {
    /// Why a request was refused.
    package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        /// The reason, with the remedy where there is one.
        package var description: String
        /// Whether the whole process may not act any more: then the attempt is nobody's to judge, and stays reserved.
        package var isAboutLeadership = false
    }

    private let closed = Mutex<String?>(nil)
    private let mayLead: @Sendable () -> Bool

    /// Makes an open fence.
    ///
    /// - Parameter mayLead: whether this process may still write as the leader.
    package init(mayLead: @escaping @Sendable () -> Bool) {
        self.mayLead = mayLead
    }

    /// Refuses everything from now on.
    package func close(_ reason: String) {
        closed.withLock { $0 = $0 ?? reason }
    }

    /// Whether the fence is closed.
    package var isClosed: Bool { closed.withLock { $0 != nil } }

    /// Throws when nothing may be sent any more; for the controller's own bookkeeping, which no protected kind stops.
    ///
    /// - Throws: `Refusal`.
    package func checkOpen() throws {
        if let reason = closed.withLock({ $0 }) {
            throw Refusal(description: "the attempt has ended (\(reason)); nothing is sent any more")
        }
        if !mayLead() {
            throw Refusal(
                description: "this controller is no longer sure to be the leader; nothing is sent any more",
                isAboutLeadership: true
            )
        }
    }

    /// Whose rights a client has.
    package enum Sender: Sendable {
        /// The controller's own, on the hub.
        case controller
        /// Those of a ServiceAccount that the tenant has named, on the hub.
        case serviceAccount
        /// The fleet's, on a member: nobody is impersonated there, whoever asked.
        case member
    }

    /// Throws when the request must not be sent.
    ///
    /// - Parameters:
    ///   - request: what is about to be sent.
    ///   - sender: who sends it; only as a ServiceAccount protected kinds may be written.
    /// - Throws: `Refusal`.
    package func check(_ request: APIRequest, as sender: Sender = .controller) throws {
        try checkOpen()
        guard !request.isIdempotent, Self.isProtected(request, from: sender) else { return }
        throw Refusal(
            description:
                "\(request.resource?.plural ?? "") are written only as a ServiceAccount, and on the hub only; "
                + "set spec.serviceAccountName for those, and change those of a member by hand"
        )
    }

    /// Kinds whose change gives power: no strategy writes them with rights that are not those of the tenant.
    ///
    /// What tenants may have on members, and what only the controller's namespace may, `PlacementFence` judges there.
    private static func isProtected(_ request: APIRequest, from sender: Sender) -> Bool {
        guard let resource = request.resource else { return false }
        switch sender {
        case .serviceAccount: return false
        case .member: return PlacementFence.handsOutRights(group: resource.group, kind: resource.kind)
        case .controller:
            // What strategies have found out about our own kinds goes into their status.
            if resource.group == RecoveryAPI.group, request.subresource == "status" { return false }
            return PlacementFence.problem(group: resource.group, kind: resource.kind) != nil
        }
    }
}
