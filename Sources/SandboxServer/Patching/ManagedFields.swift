package import FoundationEssentials
package import JSON

/// Who set which field of an object: `metadata.managedFields`, kept by the server at every write.
///
/// The rules are those of sigs.k8s.io/structured-merge-diff. Objects of all versions are taken for the same: there is
/// no conversion.
package enum ManagedFields {
    /// What a write is about, beside the objects and the manager.
    package struct Context: Sendable {
        /// The version that the objects are written in, as `apps/v1`.
        let apiVersion: String
        /// As `Deployment`.
        let kind: String
        /// As `status`; empty for the object itself.
        let subresource: String
        /// The shape of the objects in that version.
        let schema: Schema
        /// Whether the kind comes from a CustomResourceDefinition.
        let isCustom: Bool
        /// The fields that this request cannot change: nobody comes to own them.
        let resetFields: FieldSet
        /// The time of the write.
        let now: Date

        /// The facts of a request for objects of one version of a resource.
        package init(
            _ definition: ResourceDefinition,
            _ version: ResourceDefinition.Version,
            subresource: String = "",
            now: Date
        ) {
            apiVersion = definition.apiVersion(version.name)
            kind = definition.kind
            self.subresource = subresource
            schema = version.schema
            isCustom = definition.isCustom
            resetFields = Self.resetFields(version, subresource, isCustom: definition.isCustom)
            self.now = now
        }

        /// The status is not the object's to write, and little else is the status's.
        private static func resetFields(
            _ version: ResourceDefinition.Version,
            _ subresource: String,
            isCustom: Bool
        ) -> FieldSet {
            switch subresource {
            case "" where version.hasStatus: FieldSet(paths: [[.field("status")]])
            case "status" where isCustom: FieldSet(paths: [[.field("metadata")], [.field("spec")]])
            case "status": FieldSet(paths: [[.field("spec")]])
            default: FieldSet()
            }
        }

        /// The manager of this write; one without a name is called `unknown`.
        func identity(_ manager: String, _ operation: FieldManagers.Operation) -> FieldManagers.Identity {
            FieldManagers.Identity(
                manager: manager.isEmpty ? "unknown" : manager,
                operation: operation,
                apiVersion: apiVersion,
                subresource: subresource
            )
        }
    }

    /// The new object with its managed fields brought up to date; for create (`old` is nil), update and the patches
    /// that are not server-side apply.
    ///
    /// Call it with the defaulted object, before the server fills in metadata of its own. A request may set managed
    /// fields itself, and an empty list or entry makes everybody forget; not through a subresource.
    package static func update(old: JSONValue?, new: JSONValue, manager: String, in context: Context) -> JSONValue {
        var result = new
        result.managedFields = nil
        var managers = startingPoint(old: old, new: new, subresource: context.subresource)
        // Without entries nothing is tracked until the first apply.
        if managers.isEmpty && old != nil { return result }
        managers.track(from: old?.unmanaged, to: result, manager: manager, in: context)
        result.managedFields = managers.encoded
        return result
    }

    private static func startingPoint(old: JSONValue?, new: JSONValue, subresource: String) -> FieldManagers {
        if subresource.isEmpty {
            if isReset(new.managedFields) { return FieldManagers() }
            if let sent = decoded(new.managedFields), !sent.isEmpty { return sent }
        }
        return decoded(old?.managedFields) ?? FieldManagers()
    }

    private static func isReset(_ document: JSONValue?) -> Bool {
        guard case .array(let entries)? = document else { return false }
        return entries.isEmpty || entries == [[:]]
    }

    private static func decoded(_ document: JSONValue?) -> FieldManagers? {
        do throws(FieldManagers.Malformed) {
            return try FieldManagers(decoding: document)
        } catch {
            // The server keeps what it had rather than refuse the write.
            return nil
        }
    }

    /// The new object with the times of the old one, when those are all that differs.
    ///
    /// A write that changes nothing must not make a new version. Call it last, before the object is stored.
    package static func revertingIdleTimes(old: JSONValue, new: JSONValue) -> JSONValue {
        guard let before = old.managedFields?.arrayValue, let after = new.managedFields?.arrayValue, before != after,
            before.map(\.withoutTime) == after.map(\.withoutTime), old.unmanaged == new.unmanaged
        else { return new }
        return old
    }

    /// The name that stands for a client: the `fieldManager` of the request, else the first part of its `User-Agent`.
    package static func manager(fieldManager: String, userAgent: String) -> String {
        guard fieldManager.isEmpty else { return fieldManager }
        var result = ""
        for scalar in userAgent.unicodeScalars.prefix(while: { $0 != "/" }) where scalar.isPrintable {
            guard result.utf8.count + String(scalar).utf8.count <= 128 else { break }
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}

extension FieldManagers {
    /// Records what a manager has changed that does not apply.
    mutating func track(
        from old: JSONValue?,
        to new: JSONValue,
        manager: String,
        in context: ManagedFields.Context
    ) {
        reconcile(with: context.schema)
        let zero = context.isCustom ? [:] : context.schema.zeroValue
        let comparison = FieldComparison(
            from: zero.filledUp(old ?? [:]),
            to: zero.filledUp(new),
            schema: context.schema
        ).excluding(context.resetFields)
        disown(comparison.changed.union(comparison.removed))
        let taken = comparison.changed.subtracting(.untracked)
        guard !taken.isEmpty else { return mergeAncient() }
        let identity = context.identity(manager, .update)
        self[identity] = Entry(
            apiVersion: context.apiVersion,
            time: context.now,
            fields: taken.union(self[identity]?.fields ?? FieldSet())
        )
        mergeAncient()
    }
}

extension FieldSet {
    /// The fields that identify an object or that the server alone sets: they have no managers.
    static let untracked = FieldSet(
        paths: [[.field("apiVersion")], [.field("kind")], [.field("metadata")]]
            + [
                "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
                "managedFields", "resourceVersion",
            ].map { [.field("metadata"), .field($0)] }
    )
}

extension JSONValue {
    /// `metadata.managedFields`.
    var managedFields: JSONValue? {
        get { self["metadata"]?["managedFields"] }
        set {
            guard newValue != nil || managedFields != nil else { return }
            set(newValue, at: ["metadata", "managedFields"])
        }
    }

    /// The object without `metadata.managedFields`.
    var unmanaged: JSONValue {
        var result = self
        result.managedFields = nil
        return result
    }

    fileprivate var withoutTime: JSONValue {
        var result = self
        result["time"] = nil
        return result
    }

    /// An object with the members of another laid over it, at all levels of objects that both have.
    fileprivate func filledUp(_ other: JSONValue) -> JSONValue {
        guard case .object(let members) = self, case .object(let others) = other else {
            return other.isNull ? self : other
        }
        return .object(members.merging(others) { $0.filledUp($1) })
    }
}

extension Unicode.Scalar {
    /// Whether Go prints it: no control, format or separator characters, save the space.
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
