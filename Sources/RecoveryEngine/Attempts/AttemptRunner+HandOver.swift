internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision

extension AttemptRunner {
    /// Makes sure that there is a Recovery which takes over, and ends the attempt as superseded by it.
    ///
    /// Where the chain of hand-overs would turn back or grow too long, the server refuses the successor, or the one that
    /// there is has given up already, the attempt has failed instead, and is tried again. One that is asked to end
    /// meanwhile has no successor.
    ///
    /// - Throws: `ClientError` where another try may help.
    func handOver(to request: SuccessorRequest, from prepared: Prepared, _ ending: inout Ending) async throws {
        let recovery = prepared.journal.recovery
        if let reason = prepared.journal.stopReason, reason != .suspended {
            ending = Ending(.stopped(reason), message: reason.explanation)
            return
        }
        do {
            if let refusal = HandOver.refusal(of: request.error.type, from: recovery) {
                ending.message += "; \(refusal)"
                ending.error = ending.message
            } else if let successor = try await successor(request, from: prepared) {
                ending.outcome = .superseded(by: successor)
            }
        } catch let givenUp as GivenUp {
            ending.message += "; not handed over: \(givenUp.words)"
            ending.error = ending.message
            ending.nextSteps = givenUp.recovery.status?.escalation?.nextSteps ?? []
        } catch let error as ClientError where error.isLasting {
            ending.message += "; not handed over: \(Attempt.describe(error))"
            ending.error = ending.message
        }
        ending.successor = nil
    }

    /// The Recovery that takes over; nil when it would be in a namespace that is not watched.
    private func successor(_ request: SuccessorRequest, from prepared: Prepared) async throws -> RecoveryReference? {
        let recovery = prepared.journal.recovery
        let error = HandOver.error(request.error, from: recovery)
        switch request.subject {
        case .same: return RecoveryReference(name: try await createSuccessor(error, of: recovery))
        case .cluster(let name, let since):
            return try await report(error, from: prepared, in: environment.controllerNamespace, since: since) {
                $0.clusterRef = NameReference(name: name)
            }
        case .object(let target, let since):
            return try await report(error, from: prepared, in: recovery.metadata.namespace ?? "", since: since) {
                $0.targetRef = target
            }
        }
    }

    /// Reports what was found as an incident, which finds or opens its Recovery.
    ///
    /// One that had completed before this attempt began did not repair what is broken now: the next one is opened.
    ///
    /// - Throws: `ClientError`; ``GivenUp``.
    private func report(
        _ error: ReportedError,
        from prepared: Prepared,
        in namespace: String,
        since: Date,
        about describe: (inout Incident) -> Void
    ) async throws -> RecoveryReference? {
        guard let type = error.knownType else { return nil }
        let recovery = prepared.journal.recovery
        var incident = Incident(type, namespace: namespace, since: since)
        incident.severity = error.effectiveSeverity
        incident.component = error.component ?? ""
        incident.operation = error.operation ?? ""
        incident.reason = error.context?["reason"] ?? type.rawValue
        incident.message = error.message ?? ""
        incident.context = error.context ?? [:]
        let isNear = namespace == recovery.metadata.namespace
        if isNear { incident.parentRef = NameReference(name: recovery.metadata.name ?? "") }
        describe(&incident)
        guard var key = try await environment.incidents.report(incident) else { return nil }
        let successor = try await environment.client.get(Recovery.self, key)
        if successor.state == .completed {
            incident.since = prepared.attempt.execution.startTime ?? .distantPast
            key = try await environment.incidents.report(incident) ?? key
        } else if successor.isFinal {
            throw GivenUp(recovery: successor)
        }
        return RecoveryReference(namespace: isNear ? nil : key.namespace, name: key.name)
    }

    /// The Recovery of the same target; its name follows from ours, so that a second try finds the first one's.
    private func createSuccessor(_ error: ReportedError, of recovery: Recovery) async throws -> String {
        var spec = RecoverySpec(error: error)
        spec.clusterRef = recovery.spec.clusterRef
        spec.logicalCluster = recovery.spec.logicalCluster
        spec.targetRef = recovery.spec.targetRef
        spec.serviceAccountName = recovery.spec.serviceAccountName
        spec.parentRef = NameReference(name: recovery.metadata.name ?? "")
        let name = RecoveryNaming.successorName(of: recovery, errorType: error.type)
        var metadata = ObjectMeta(name: name, namespace: recovery.metadata.namespace)
        metadata.labels = recovery.incidentLabels(errorType: error.type)
        let successor = Recovery(metadata: metadata, spec: spec)
        do {
            _ = try await environment.client.create(successor)
        } catch let error as ClientError where error.apiError?.isAlreadyExists == true {
            let existing = try await environment.client.get(
                Recovery.self,
                ObjectKey(namespace: recovery.metadata.namespace, name: name)
            )
            guard existing.spec.parentRef == spec.parentRef else { throw error }
        }
        return name
    }
}

/// The Recovery that would take over has ended, and what it was about is as broken as before.
private struct GivenUp: Error {
    var recovery: Recovery

    var words: String {
        "Recovery \(recovery.metadata.key) ended as \(recovery.state.rawValue)"
            + (recovery.status?.message.nonEmpty.map { ": \($0)" } ?? "")
    }
}

extension Recovery {
    /// The labels of the Recovery that takes over: of the incident that detection knows by another error type now.
    fileprivate func incidentLabels(errorType: String) -> [String: String]? {
        guard metadata.labels?[MetadataName.fingerprint] != nil, let lock = status?.target.flatMap(LockKey.init) else {
            return nil
        }
        var labels = metadata.labels ?? [:]
        labels[MetadataName.fingerprint] = lock.fingerprint(errorType: errorType)
        labels[MetadataName.errorType] = errorType
        return labels
    }
}

extension ClientError {
    /// Whether the same request would be refused again: what it needs is taken, forbidden or gone.
    ///
    /// So it is in a namespace that is full or being deleted. That this process may not act says nothing about the request.
    fileprivate var isLasting: Bool {
        if case .refused = self { return false }
        return switch disposition {
        case .terminal, .gone: true
        case .retry, .retryAfter, .conflict: false
        }
    }
}
