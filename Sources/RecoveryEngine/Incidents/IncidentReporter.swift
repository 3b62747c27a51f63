package import ControllerRuntime
package import FoundationEssentials
internal import JSON
package import KubernetesClient
package import KubernetesCore
package import RecoveryAPI
package import Telemetry

/// Opens Recoveries for what the controller notices itself: one for each incident, however often it is reported.
///
/// A report that the cache already knows costs no request, so it may be repeated at every look at what failed. Only what
/// says that it is about the incident counts as its Recovery: whoever may create Recoveries in the namespace could take the
/// name, which is easy to tell beforehand.
package struct IncidentReporter: Sendable {
    private let client: KubernetesClient
    private let recoveries: Store<Recovery>
    private let watchedNamespace: String?
    private let recorder: EventRecorder
    private let logger: Logger

    /// How many names are tried for one incident; with those of them taken it is reported again later.
    private static let maxNames = 5

    /// Makes a reporter.
    ///
    /// - Parameters:
    ///   - client: the hub, behind the leader's guard.
    ///   - recoveries: the cache, with the index ``fingerprintIndex``.
    ///   - watchedNamespace: the one namespace whose Recoveries are watched; nil for all.
    ///   - recorder: tells of names that were taken.
    ///   - logger: gets a line for each Recovery that is opened.
    package init(
        client: KubernetesClient,
        recoveries: Store<Recovery>,
        watchedNamespace: String?,
        recorder: EventRecorder,
        logger: Logger
    ) {
        self.client = client
        self.recoveries = recoveries
        self.watchedNamespace = watchedNamespace
        self.recorder = recorder
        self.logger = logger
    }

    /// Name of the index over Recoveries by fingerprint.
    package static let fingerprintIndex = "fingerprint"

    /// Opens the Recovery of an incident, or counts one more occurrence of it in the Recovery that it has.
    ///
    /// - Returns: the incident's Recovery; nil in a namespace that is not watched, where it would wait for nobody.
    /// - Throws: `ClientError`; a repeated report does no harm.
    @discardableResult
    package func report(_ incident: Incident) async throws -> ObjectKey? {
        guard watchedNamespace == nil || watchedNamespace == incident.namespace else { return nil }
        let known = recoveries.byIndex(Self.fingerprintIndex, incident.fingerprint).filter(incident.isCovered)
        if let recovery = Self.newest(known) {
            if incident.occurrences(after: recovery) != nil { try await count(incident, in: recovery.metadata.key) }
            return recovery.metadata.key
        }
        return try await open(incident)
    }

    /// Writes that the failure of a Recovery which has ended without success is over; what comes later is another incident.
    ///
    /// Nobody else remembers it: a new leader would take the next failure for the one that this Recovery has given up.
    ///
    /// - Parameters:
    ///   - key: the Recovery.
    ///   - now: the date.
    /// - Throws: `ClientError`; a repeated call does no harm.
    package func noteHealed(_ key: ObjectKey, now: Date) async throws {
        try await client.withRetryOnConflict {
            let live = try await client.get(Recovery.self, key)
            guard live.needsHealedTime else { return }
            let known = live.status?.occurrences
            try await write(
                Occurrences(count: known?.count ?? 1, lastTime: known?.lastTime, healedTime: now),
                to: live
            )
        }
    }

    /// Creates the Recovery of an incident, unless a live list shows one.
    private func open(_ incident: Incident) async throws -> ObjectKey {
        let list = try await client.list(
            Recovery.self,
            namespace: incident.namespace,
            options: ListOptions(labelSelector: "\(MetadataName.fingerprint)=\(incident.fingerprint)")
        )
        if let recovery = Self.newest(list.items.filter(incident.isCovered)) { return recovery.metadata.key }
        var taken: [String] = []
        while true {
            let recovery = incident.recovery(after: list.items, taken: taken)
            let key = recovery.metadata.key
            do {
                _ = try await client.create(recovery)
                logger.info("recovery opened", ["recovery": key.description, "reason": incident.reason])
                return key
            } catch let error as ClientError where error.apiError?.isAlreadyExists == true {
                // Ours, with a lost answer, or another leader's: either way the incident has its Recovery.
                if try await isSubject(incident, of: key) { return key }
                taken.append(key.name)
                if taken.count == Self.maxNames { throw error }
            }
        }
    }

    /// Whether what has the name of an incident's Recovery is about the incident; where it is not, that is said on it.
    private func isSubject(_ incident: Incident, of key: ObjectKey) async throws -> Bool {
        let found = try await client.get(Recovery.resource, key)
        do {
            if incident.isSubject(of: try Recovery(json: found.content)) { return true }
        } catch {
            // Nobody can read it, so nobody recovers from anything by it.
            logger.debug("a Recovery cannot be read", ["recovery": key.description, "error": "\(error)"])
        }
        let reference = ObjectReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Recovery.resource.kind,
            namespace: key.namespace,
            name: key.name,
            uid: found.uid
        )
        recorder.record(
            .warning,
            reason: EventReason.nameTaken,
            message: "It is not about the failure that the controller has found (\(incident.errorType), "
                + "\(incident.reason)), but has the name of the Recovery for it, which gets the next number instead",
            about: reference
        )
        return false
    }

    /// Writes that the failure has come back; what others wrote meanwhile is looked at first.
    private func count(_ incident: Incident, in key: ObjectKey) async throws {
        try await client.withRetryOnConflict {
            let live = try await client.get(Recovery.self, key)
            guard incident.isCovered(by: live), let occurrences = incident.occurrences(after: live) else { return }
            try await write(occurrences, to: live)
        }
    }

    /// - Throws: `ClientError` when the Recovery is not what it was.
    private func write(_ occurrences: Occurrences, to live: Recovery) async throws {
        var metadata: [String: JSONValue] = [:]
        metadata["resourceVersion"] = live.metadata.resourceVersion.map(JSONValue.string)
        metadata["uid"] = live.metadata.uid.map(JSONValue.string)
        _ = try await client.patch(
            Recovery.self,
            live.metadata.key,
            [
                "metadata": .object(JSONObject(metadata)),
                "status": ["occurrences": try JSONValue(encoding: occurrences)],
            ],
            type: .merge,
            subresource: "status"
        )
    }

    /// The one that was opened last.
    private static func newest(_ recoveries: [Recovery]) -> Recovery? {
        recoveries.max { left, right in
            let order = { (recovery: Recovery) in recovery.metadata.creationTimestamp ?? .distantPast }
            return (order(left), left.metadata.name ?? "") < (order(right), right.metadata.name ?? "")
        }
    }
}

extension Recovery {
    /// Whether it has given up a failure that nobody has seen the end of yet.
    var needsHealedTime: Bool {
        isFinal && state != .completed && status?.occurrences?.healedTime == nil
    }
}
