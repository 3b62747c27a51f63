package import JSON
package import KubernetesClient
package import KubernetesCore
internal import RecoveryAPI

/// The object that an attempt is to repair: where it is, and how it is read and written.
package struct TargetAccess: Sendable, CustomStringConvertible {
    /// The resource, as the target's server serves it.
    package let resource: APIResource
    /// Namespace and name.
    package let key: ObjectKey
    /// `Deployment production/web`, for messages.
    package let description: String
    /// The client of the server that has the object.
    package let client: KubernetesClient
    private let uid: String?

    /// What to type to look at the object.
    var describeCommand: String {
        let group = resource.group.isEmpty ? "" : ".\(resource.group)"
        let namespace = key.namespace.map { " --namespace \($0)" } ?? ""
        return "kubectl describe \(resource.plural)\(group) \(key.name)\(namespace)"
    }

    /// Finds out how the attempt's target is reached; nil when it has no target object.
    ///
    /// - Throws: `StrategyFailure.permanent` when the server does not know the kind, or has it outside namespaces
    ///   although the Recovery was accepted for one.
    package init?(_ attempt: Attempt, _ client: KubernetesClient) async throws {
        guard let target = attempt.target, let kind = target.kind, let name = target.name else { return nil }
        do {
            resource = try await client.discovery.resource(
                for: GroupVersionKind(apiVersion: target.apiVersion ?? "v1", kind: kind)
            )
        } catch ClientError.noMatch {
            throw StrategyFailure.permanent(
                "the server does not know kind \(kind) in \(target.apiVersion ?? "v1")",
                nextSteps: ["Install the CRD of \(kind), or correct spec.targetRef in a new Recovery"]
            )
        }
        // A kind that nobody knew at acceptance counted as namespaced; that it is not must not open the fence.
        guard resource.isNamespaced || target.namespace == nil || target.cluster != nil else {
            throw StrategyFailure.permanent(
                "\(kind) is cluster-scoped, but was accepted as an object of namespace \(target.namespace ?? "")",
                nextSteps: ["Create a new Recovery: the kind is known now, and who may reach it is decided anew"]
            )
        }
        key = ObjectKey(namespace: resource.isNamespaced ? target.namespace : nil, name: name)
        description = "\(kind) \(key)"
        uid = target.uid
        self.client = client
    }

    /// Reaches another object of the target's server, such as what scales the target.
    init(beside target: TargetAccess, _ resource: APIResource, _ object: Unstructured) {
        self.resource = resource
        key = object.key
        description = "\(resource.kind) \(object.key)"
        uid = object.uid
        client = target.client
    }

    /// The object as it is now.
    ///
    /// - Throws: `StrategyFailure.permanent` when it is gone, or another object has its name.
    package func read() async throws -> Unstructured {
        try await reading { try await client.get(resource, key) }
    }

    /// The object as it is now, together with `metadata.managedFields`, which all other reads drop.
    ///
    /// - Throws: as `read()`.
    func readWithManagedFields() async throws -> JSONValue {
        try await reading {
            let request = APIRequest.get(resource, key)
            let answer = try await client.send(request)
            do {
                return Unstructured(try JSONValue(parsing: answer.body))
            } catch {
                throw ClientError.decoding(error, request: RequestSummary(request))
            }
        }.content
    }

    /// The object as it was at one of its own resourceVersions; nil when the server does not have or show it any more.
    func read(at version: String, uid: String) async throws -> Unstructured? {
        do {
            let list = try await client.list(
                resource,
                namespace: key.namespace,
                options: ListOptions(
                    fieldSelector: "metadata.name=\(key.name)",
                    resourceVersion: version,
                    resourceVersionMatch: .exact
                )
            )
            // Whatever ignores the wish for an exact version must not pass for it.
            return list.items.first { $0.uid == uid && $0.resourceVersion == version }
        } catch ClientError.api {
            // Compacted, from the future, or not permitted: whoever asks can do without.
            return nil
        }
    }

    private func reading(_ get: () async throws -> Unstructured) async throws -> Unstructured {
        do {
            let object = try await get()
            if let uid, object.uid != uid {
                throw StrategyFailure.permanent(
                    "\(description) is not the object that was reported: its uid is \(object.uid), not \(uid)",
                    nextSteps: ["Create a new Recovery for the new object if it fails, too"]
                )
            }
            return object
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            throw StrategyFailure.permanent(
                "\(description) does not exist",
                nextSteps: ["Create the object again, or delete this Recovery"]
            )
        }
    }

    /// Throws when the object must be left alone: it is going, or its label `recovery.tmc.io/exclude` says so.
    ///
    /// - Throws: `StrategyFailure.permanent`.
    func checkMayChange(_ object: Unstructured) throws {
        if object.labels[MetadataName.exclude] == "true" {
            throw StrategyFailure.permanent(
                "\(description) has the label \(MetadataName.exclude)=true; nothing was changed",
                nextSteps: ["Repair \(description) by hand, or remove the label and create a new Recovery"]
            )
        }
        if object.isBeingDeleted {
            throw StrategyFailure.permanent(
                "\(description) is being deleted; nothing was changed",
                nextSteps: ["If it is wanted, create it again once it is gone"]
            )
        }
    }

    /// Merges a patch into the object.
    package func patch(
        _ patch: JSONValue,
        fieldManager: String = MetadataName.fieldManager
    ) async throws -> Unstructured {
        try await client.patch(resource, key, patch, type: .merge, options: WriteOptions(fieldManager: fieldManager))
    }

    /// Applies a part of the object by server-side apply, without taking fields from others.
    ///
    /// The uid keeps the server from making a new object when this one is gone.
    func apply(_ part: JSONValue, uid: String, fieldManager: String) async throws -> Unstructured {
        var part = part
        part.set(.string(uid), at: ["metadata", "uid"])
        return try await client.patch(
            resource,
            key,
            part,
            type: .apply(fieldManager: fieldManager, force: false)
        )
    }
}
