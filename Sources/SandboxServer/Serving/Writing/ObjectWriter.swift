internal import FoundationEssentials
package import JSON

/// Creates and changes objects as the API server does: what comes in has been decoded, what goes into the store is
/// complete and valid.
///
/// Objects are in the form of the request's version; everything happens inside one transaction of the store.
package struct ObjectWriter: Sendable {
    /// What a write came to.
    package struct Outcome: Sendable {
        /// The object as the client gets to see it.
        package var object: JSONValue
        /// Whether it is new.
        package var isCreated = false
    }

    let call: APICall
    let options: WriteOptions
    /// Whether the managed fields of the object have been settled already, by server-side apply.
    var isApply = false

    /// Makes a writer for one request.
    package init(_ call: APICall, _ options: WriteOptions, isApply: Bool = false) {
        self.call = call
        self.options = options
        self.isApply = isApply
    }

    private var resource: ServedResource { call.resource }
    private var hasStatus: Bool { resource.version.hasStatus }

    // MARK: create

    /// Stores a new object.
    ///
    /// - Throws: ``APIFailure`` 403, 404 for what the namespace does not allow, 409 when the name is taken, 422 when
    ///   the object breaks rules.
    package func create(
        _ object: JSONValue,
        _ tx: inout ObjectStore.Transaction
    ) throws(APIFailure) -> Outcome {
        var object = object
        try setNamespace(&object)
        guard (object["metadata"]?["resourceVersion"]?.stringValue ?? "").isEmpty else {
            throw APIFailure(
                code: 500,
                reason: "",
                message: "resourceVersion should not be set on objects to be created"
            )
        }
        if hasStatus, resource.storage != Builtin.nodes { object["status"] = nil }
        setDefaults(&object)
        object = managed(object, old: nil)
        try NamespaceAdmission.check(call, object, &tx)
        try ServiceAccountAdmission.check(call, object, &tx)
        ObjectMetadata.begin(&object, now: call.now)
        var stored = resource.stored(object)
        resource.rules.complete(&stored, nil)
        if Generations.areCounted(resource.definition) { stored.set(1, at: ["metadata", "generation"]) }
        object = resource.served(stored)
        let causes =
            ObjectMetadata.violations(
                object,
                rule: ObjectNames.rule(for: resource.id),
                needsFinalizerDomains: needsFinalizerDomains
            )
            + bodyViolations(object, stored, old: nil, storedOld: nil)
        let name = stored.objectName
        guard causes.isEmpty else { throw resource.invalid(name: name.name, causes) }
        if let existing = tx.get(resource.storage, name) {
            throw .alreadyExists(resource.id, name: name.name, isDeleting: existing.isBeingDeleted)
        }
        guard !options.isDryRun else { return Outcome(object: object, isCreated: true) }
        return Outcome(object: try resource.served(tx.put(resource.storage, name, stored)), isCreated: true)
    }

    /// An object's namespace is that of the path.
    private func setNamespace(_ object: inout JSONValue) throws(APIFailure) {
        let wanted = resource.definition.isNamespaced ? call.info.namespace : ""
        let named = object["metadata"]?["namespace"]?.stringValue ?? ""
        guard wanted.isEmpty || named.isEmpty || named == wanted else {
            throw .badRequest(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        }
        object.set(wanted.isEmpty ? nil : .string(wanted), at: ["metadata", "namespace"])
    }

    // MARK: update

    /// Replaces an object by what `change` makes of it; creates it when it is missing and the kind allows that.
    ///
    /// With `mayCreate` a missing object is made; `change` gets nil for it.
    ///
    /// - Throws: ``APIFailure`` as ``create(_:_:)`` does, 404 when there is no such object, and what `change` throws.
    package func update(
        mayCreate: Bool = false,
        _ tx: inout ObjectStore.Transaction,
        _ change: (JSONValue?) throws(APIFailure) -> JSONValue
    ) throws(APIFailure) -> Outcome {
        guard let storedOld = tx.get(resource.storage, call.objectName) else {
            guard mayCreate else { throw call.notFound }
            return try create(try named(try change(nil)), &tx)
        }
        let old = try storedOld.value()
        let current = resource.served(old)
        var object = try change(current)
        if isApply, object == current { return Outcome(object: current) }
        object = try named(object)
        try checkPreconditions(object, current)
        keepOtherParts(of: current, &object)
        ObjectMetadata.carry(from: current, into: &object)
        setDefaults(&object)
        object = managed(object, old: current)
        var stored = resource.stored(object)
        resource.rules.complete(&stored, old)
        if Generations.increases(resource, from: old, to: stored) {
            stored.set(.number((old["metadata"]?["generation"]?.intValue ?? 0) &+ 1), at: ["metadata", "generation"])
        }
        object = resource.served(stored)
        let causes =
            ObjectMetadata.violations(object, old: current, needsFinalizerDomains: needsFinalizerDomains)
            + bodyViolations(object, stored, old: current, storedOld: old)
        guard causes.isEmpty else { throw resource.invalid(name: call.info.name, causes) }
        return try finish(stored, old: old, &tx)
    }

    private func finish(
        _ changed: JSONValue,
        old: JSONValue,
        _ tx: inout ObjectStore.Transaction
    ) throws(APIFailure) -> Outcome {
        let stored = ManagedFields.revertingIdleTimes(old: old, new: changed)
        guard stored != old, !options.isDryRun else { return Outcome(object: resource.served(stored)) }
        if Deletion.isComplete(stored, resource) {
            tx.remove(resource.storage, call.objectName)
            return Outcome(object: resource.served(stored))
        }
        return Outcome(object: try resource.served(tx.put(resource.storage, call.objectName, stored)))
    }

    /// The name and namespace of the object have to be those of the path.
    private func named(_ object: JSONValue) throws(APIFailure) -> JSONValue {
        var object = object
        let name = object["metadata"]?["name"]?.stringValue ?? ""
        guard !name.isEmpty else {
            throw .badRequest(
                "the name of the object (\(call.info.name) based on URL) was undeterminable: name must be provided"
            )
        }
        guard name == call.info.name else {
            throw .badRequest(
                "the name of the object (\(name)) does not match the name on the URL (\(call.info.name))"
            )
        }
        let namespace = object["metadata"]?["namespace"]?.stringValue ?? ""
        guard resource.definition.isNamespaced else {
            object.set(nil, at: ["metadata", "namespace"])
            return object
        }
        guard namespace.isEmpty || namespace == call.info.namespace else {
            throw .badRequest(
                "the namespace of the object (\(namespace)) does not match the namespace on the request "
                    + "(\(call.info.namespace))"
            )
        }
        object.set(.string(call.info.namespace), at: ["metadata", "namespace"])
        return object
    }

    private func checkPreconditions(_ object: JSONValue, _ current: JSONValue) throws(APIFailure) {
        if !object.uid.isEmpty, object.uid != current.uid {
            throw .conflict(
                resource.id,
                name: call.info.name,
                "Precondition failed: UID in precondition: \(object.uid), UID in object meta: \(current.uid)"
            )
        }
        let version = object["metadata"]?["resourceVersion"]?.stringValue ?? ""
        if version.isEmpty || version == "0" {
            guard UpdateStrategy.needsResourceVersion(resource.definition) else { return }
            let cause = APIFailure.Cause.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            throw resource.invalid(name: call.info.name, [cause])
        }
        guard UInt64(version) != nil else {
            throw APIFailure(
                code: 500,
                reason: "",
                message: "resourceVersion: Invalid value: \(version.goQuoted): strconv.ParseUint: parsing "
                    + "\(version.goQuoted): invalid syntax"
            )
        }
        guard version == current["metadata"]?["resourceVersion"]?.stringValue else {
            throw .modified(resource.id, name: call.info.name)
        }
    }

    /// What the endpoint does not write stays as it is: `status` for the object itself, all else for `status`.
    private func keepOtherParts(of current: JSONValue, _ object: inout JSONValue) {
        if resource.storage == Builtin.namespaces, call.info.subresource != "finalize" {
            object.set(current["spec"]?["finalizers"], at: ["spec", "finalizers"])
        }
        guard hasStatus else { return }
        guard call.info.subresource == "status" else {
            object["status"] = current["status"]
            return
        }
        let metadata = object["metadata"]
        let status = object["status"]
        object = current
        object["status"] = status
        if resource.definition.isCustom {
            object.set(metadata?["managedFields"], at: ["metadata", "managedFields"])
        } else {
            object["metadata"] = metadata
            let fixed = resource.id.group == "apps" ? "labels" : "ownerReferences"
            object.set(current["metadata"]?[fixed], at: ["metadata", fixed])
        }
    }

    // MARK: both

    private func setDefaults(_ object: inout JSONValue) {
        resource.version.schema.applyDefaults(to: &object)
        // The rules speak of the stored form.
        if resource.version.conversion == nil { resource.rules.setDefaults(&object) }
    }

    private func managed(_ object: JSONValue, old: JSONValue?) -> JSONValue {
        guard !isApply else { return object }
        return ManagedFields.update(old: old, new: object, manager: options.manager, in: managedContext)
    }

    /// What the managed fields have to know of this request.
    var managedContext: ManagedFields.Context {
        ManagedFields.Context(
            resource.definition,
            resource.version,
            subresource: call.info.subresource,
            now: call.now
        )
    }

    /// Custom resources may have finalizers of any name, and CustomResourceDefinitions as well.
    private var needsFinalizerDomains: Bool {
        !resource.definition.isCustom && resource.storage != CustomResources.id
    }

    /// What the kind's rules and the schema say; what both say is said once.
    private func bodyViolations(
        _ object: JSONValue,
        _ stored: JSONValue,
        old: JSONValue?,
        storedOld: JSONValue?
    ) -> [APIFailure.Cause] {
        guard resource.definition.isCustom else {
            let isStatus = call.info.subresource == "status"
            let rules =
                isStatus
                ? resource.rules.validateStatus(stored, storedOld) : resource.rules.validate(stored, storedOld)
            return rules + resource.version.schema.validate(object, old: old).filter { !rules.contains($0) }
        }
        let subresource = call.info.subresource
        return CustomResources.violations(by: object, old: old, in: resource.version, subresource: subresource)
    }
}
