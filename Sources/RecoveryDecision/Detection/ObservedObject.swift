package import FoundationEssentials
package import JSON
package import KubernetesCore
internal import RecoveryAPI

/// An object of any kind as detectors see it: read once when it arrives, so that a look at ten thousand costs little.
package struct ObservedObject: Sendable, Hashable {
    /// One entry of `status.conditions`.
    package struct StatusCondition: Sendable, Hashable {
        /// The aspect.
        package var type: String
        /// `True`, `False`, `Unknown`, or whatever the kind's controller writes.
        package var status: String
        /// For programs: why.
        package var reason: String
        /// For people: why, cut to 256 characters.
        package var message: String
        /// When the status last changed.
        package var since: Date?
    }

    /// The owner that manages an object.
    package struct Owner: Sendable, Hashable {
        /// Its group and version.
        package var apiVersion: String
        /// Its kind.
        package var kind: String
        /// Its name.
        package var name: String
    }

    /// Group and version.
    package var apiVersion: String
    /// The kind.
    package var kind: String
    /// Namespace and name.
    package var key: ObjectKey
    /// The labels.
    package var labels: [String: String]
    /// The owner that manages it; nil when nobody does.
    package var owner: Owner?
    /// Whether a Recovery made it, as the strategy Job does: what becomes of it that Recovery knows.
    package var isOfRecovery: Bool
    /// Whether it was asked to go.
    package var isBeingDeleted: Bool
    /// Whether its controller has seen the newest spec; true for kinds that do not say.
    package var isObserved: Bool
    /// Its conditions.
    package var conditions: [StatusCondition]
    /// What it says as an event; nil for all other kinds.
    package var event: ObservedEvent?
    /// How the rules that are built in for its kind judge it; nil for kinds without rules.
    package var workload: TargetVerdict?

    /// Reads an object; fields of a wrong type count as absent.
    package init(_ content: JSONValue) {
        let object = Unstructured(content)
        apiVersion = object.apiVersion
        kind = object.kind
        key = object.key
        labels = object.labels
        owner = Self.owner(content)
        isOfRecovery = (content.value(at: ["metadata", "ownerReferences"])?.arrayValue ?? []).contains {
            $0["apiVersion"]?.stringValue == RecoveryAPI.apiVersion && $0["kind"]?.stringValue == Recovery.resource.kind
        }
        isBeingDeleted = object.isBeingDeleted
        let observed = content.value(at: ["status", "observedGeneration"])?.intValue
        isObserved = observed.flatMap { seen in object.generation.map { seen >= $0 } } ?? true
        conditions = (content.value(at: ["status", "conditions"])?.arrayValue ?? []).map(StatusCondition.init)
        event = kind == "Event" ? ObservedEvent(content) : nil
        workload = WorkloadRules.verdict(on: self, content)
    }

    /// The condition of a type.
    package func condition(_ type: String) -> StatusCondition? { conditions.first { $0.type == type } }

    /// Whether detectors look at it: not when it is on its way out, or nothing is to be done about it.
    package var isWatched: Bool { !isBeingDeleted && !isExcluded }

    /// Whether a person keeps every action away from it, or a Recovery made it.
    package var isExcluded: Bool { labels[MetadataName.exclude] == "true" || isOfRecovery }

    /// The object as the target of a Recovery.
    package var target: DetectedTarget {
        DetectedTarget(
            TargetReference(apiVersion: apiVersion, kind: kind, name: key.name, namespace: key.namespace)
        )
    }

    private static func owner(_ content: JSONValue) -> Owner? {
        let owners = content.value(at: ["metadata", "ownerReferences"])?.arrayValue ?? []
        guard let owner = owners.first(where: { $0["controller"]?.boolValue == true }),
            let name = owner["name"]?.stringValue
        else { return nil }
        return Owner(
            apiVersion: owner["apiVersion"]?.stringValue ?? "",
            kind: owner["kind"]?.stringValue ?? "",
            name: name
        )
    }

    /// What has to be read of an object; all that detectors look at, of any kind.
    package static let projection = JSONProjection.all.keeping(
        ["apiVersion"],
        ["kind"],
        ["metadata", "name"],
        ["metadata", "namespace"],
        ["metadata", "uid"],
        ["metadata", "resourceVersion"],
        ["metadata", "labels"],
        ["metadata", "generation"],
        ["metadata", "deletionTimestamp"],
        ["metadata", "ownerReferences"],
        ["spec", "replicas"],
        ["status", "observedGeneration"],
        ["status", "conditions"],
        ["status", "replicas"],
        ["status", "readyReplicas"],
        ["status", "updatedReplicas"],
        ["status", "desiredNumberScheduled"],
        ["status", "numberReady"],
        ["status", "updatedNumberScheduled"],
        ["status", "phase"],
        ["status", "containerStatuses"],
        ["status", "initContainerStatuses"],
        ["involvedObject"],
        ["reason"],
        ["type"],
        ["message"],
        ["count"],
        ["firstTimestamp"],
        ["lastTimestamp"],
        ["eventTime"],
        ["series"],
        ["source"],
        ["reportingComponent"]
    )
}

extension ObservedObject.StatusCondition {
    fileprivate init(_ condition: JSONValue) {
        type = condition["type"]?.stringValue ?? ""
        status = condition["status"]?.stringValue ?? ""
        reason = condition["reason"]?.stringValue ?? ""
        message = String((condition["message"]?.stringValue ?? "").prefix(256))
        since = condition["lastTransitionTime"]?.stringValue.flatMap { RFC3339.date(from: $0) }
    }
}
