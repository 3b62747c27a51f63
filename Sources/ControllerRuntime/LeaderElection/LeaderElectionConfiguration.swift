import FoundationEssentials
import Glibc

/// How replicas agree on one leader by a Lease object (coordination.k8s.io/v1).
///
/// The times and their rules are those of client-go: a lease of 15 s, a leader that gives up after 10 s without a
/// renewal, an attempt each 2 s.
public struct LeaderElectionConfiguration: Sendable, Hashable {
    /// By how much a candidate stretches its retry period at most, so that replicas do not move in step.
    public static let jitterFactor = 1.2

    /// The namespace of the Lease.
    public var namespace: String
    /// The name of the Lease.
    public var leaseName: String
    /// Who this replica is; unique for each process, see ``uniqueIdentity()``.
    public var identity: String
    /// How long a silent leader is respected by the others, counted from when they saw its last renewal.
    public var leaseDuration: Duration
    /// How long after the start of its last successful renewal a leader may write.
    public var renewDeadline: Duration
    /// The time between two attempts.
    public var retryPeriod: Duration

    /// Makes a configuration with client-go's times.
    public init(
        namespace: String,
        leaseName: String,
        identity: String = Self.uniqueIdentity(),
        leaseDuration: Duration = .seconds(15),
        renewDeadline: Duration = .seconds(10),
        retryPeriod: Duration = .seconds(2)
    ) {
        self.namespace = namespace
        self.leaseName = leaseName
        self.identity = identity
        self.leaseDuration = leaseDuration
        self.renewDeadline = renewDeadline
        self.retryPeriod = retryPeriod
    }

    /// The host's name and a random UUID: no two processes have the same, not even a Pod's restarted container.
    public static func uniqueIdentity() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        let status = unsafe gethostname(&buffer, buffer.count - 1)
        let host = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return "\(status == 0 ? String(decoding: host, as: UTF8.self) : "unknown")_\(UUID().uuidString.lowercased())"
    }

    /// The longest time one request may take, so that a hung one leaves time for another.
    public var requestTimeout: Duration { max(.seconds(1), renewDeadline / 2) }

    /// When a leader that cannot renew gives up, counted from the start of its last successful renewal.
    var lossDeadline: Duration { min(renewDeadline + retryPeriod, leaseDuration) }

    /// When a process that leads without renewing is ended from outside of its tasks: 14 s with the standard times.
    public var watchdogLimit: Duration { leaseDuration - (leaseDuration - renewDeadline) / 5 }

    /// Checks the rules without which two leaders, or none, would be normal.
    ///
    /// - Throws: ``LeaderElectionConfigurationError`` with the first rule that is broken.
    public func validate() throws(LeaderElectionConfigurationError) {
        let rules: [(holds: Bool, rule: String)] = [
            (!identity.isEmpty, "the identity must not be empty"),
            (!leaseName.isEmpty, "the lease name must not be empty"),
            (!namespace.isEmpty, "the lease namespace must not be empty"),
            (leaseDuration >= .seconds(1), "the lease duration must be at least one second"),
            (retryPeriod > .zero, "the retry period must be greater than zero"),
            (leaseDuration > renewDeadline, "the lease duration must be greater than the renew deadline"),
            (
                renewDeadline > retryPeriod * Self.jitterFactor,
                "the renew deadline must be greater than the retry period times \(Self.jitterFactor)"
            ),
        ]
        for rule in rules where !rule.holds {
            throw LeaderElectionConfigurationError(rule: rule.rule)
        }
    }
}

/// A rule of leader election that a configuration breaks.
public struct LeaderElectionConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The rule, as a sentence for people.
    public let rule: String

    /// The rule with its subject.
    public var description: String { "leader election: \(rule)" }
}

/// This process is no longer the leader, or not any more allowed to write as one.
public struct LeadershipLost: Error, Sendable, Hashable, CustomStringConvertible {
    /// Why leadership ended.
    public enum Reason: Sendable, Hashable {
        /// No renewal succeeded in time.
        case notRenewed
        /// Another process holds the lease.
        case takenOver(by: String)
        /// The process does not lead, or its last renewal is too old for another write.
        case notValid
    }

    /// Why leadership ended.
    public let reason: Reason

    /// One sentence for the log.
    public var description: String {
        switch reason {
        case .notRenewed: "leadership lost: the lease could not be renewed in time"
        case .takenOver(let holder): "leadership lost: the lease is held by \"\(holder)\""
        case .notValid: "not the leader, or the lease is too old to write"
        }
    }
}
