package import KubernetesCore
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

    /// Throws when the request must not be sent.
    ///
    /// - Parameters:
    ///   - request: what is about to be sent.
    ///   - asServiceAccount: whether this very client sends it as a ServiceAccount of a tenant; only then protected kinds
    ///     may be written. Clients of members never do: they have the fleet's credential, whoever asked.
    /// - Throws: `Refusal`.
    package func check(_ request: APIRequest, asServiceAccount: Bool = false) throws {
        try checkOpen()
        guard !request.isIdempotent, !asServiceAccount, let resource = request.resource else { return }
        if Self.isProtected(resource) {
            throw Refusal(
                description:
                    "\(resource.plural) are written only as a ServiceAccount, and on the hub only; "
                    + "set spec.serviceAccountName for those, and change those of a member by hand"
            )
        }
    }

    /// Kinds whose change gives power: no strategy writes them with the controller's own rights.
    private static func isProtected(_ resource: APIResource) -> Bool {
        switch resource.group {
        case "": ["secrets", "serviceaccounts"].contains(resource.plural)
        case "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io",
            "certificates.k8s.io", "apiregistration.k8s.io":
            true
        default: false
        }
    }
}
