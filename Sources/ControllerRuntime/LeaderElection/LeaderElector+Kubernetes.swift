import JSON
public import KubernetesClient
import KubernetesCore

extension LeaderElector {
    /// Makes an elector; nothing happens before ``run(onStartedLeading:)``.
    ///
    /// - Parameters:
    ///   - configuration: Who, which Lease, and the times.
    ///   - client: A client of its own connections.
    ///   - context: The clock (CLOCK_BOOTTIME in production, since a lease runs on while a machine sleeps); a log
    ///     line for each change of leader and each failed attempt; the metrics `leader_election_master_status` and
    ///     `leader_election_slowpath_total`.
    ///   - events: Gets the LeaderElection events on the Lease.
    ///   - watchdog: Ends the process when it leads without renewing; nil in tests with virtual time.
    ///   - random: Numbers from 0 to 1 for the jitter.
    ///   - onLost: See ``LossHandler``.
    /// - Throws: ``LeaderElectionConfigurationError``.
    public convenience init(
        configuration: LeaderElectionConfiguration,
        client: KubernetesClient,
        context: RuntimeContext,
        events: EventRecorder? = nil,
        watchdog: Watchdog? = nil,
        random: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        onLost: @escaping LossHandler = { _ in }
    ) throws {
        let key = ObjectKey(namespace: configuration.namespace, name: configuration.leaseName)
        // The elector repeats by itself, and in its own time.
        let client = client.with(requestTimeout: configuration.requestTimeout, retryPolicy: .none)
        try self.init(
            configuration: configuration,
            store: KubernetesLeaseStore(client: client, key: key),
            context: context,
            events: events,
            watchdog: watchdog,
            random: random,
            onLost: onLost
        )
    }
}

/// The Lease on an API server.
private struct KubernetesLeaseStore: LeaseStore {
    let client: KubernetesClient
    let key: ObjectKey

    func read() async throws -> JSONValue? {
        do {
            return try await client.get(.leases, key).content
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }

    func create(_ lease: JSONValue) async throws -> JSONValue {
        try await client.create(.leases, Unstructured(lease)).content
    }

    func update(_ lease: JSONValue) async throws -> JSONValue {
        do {
            return try await client.update(.leases, Unstructured(lease)).content
        } catch let error as ClientError where error.apiError?.isConflict == true {
            throw LeaseConflict()
        }
    }
}
