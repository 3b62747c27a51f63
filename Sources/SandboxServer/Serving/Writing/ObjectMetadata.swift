package import FoundationEssentials
package import JSON

/// The server's rules for `metadata`: what it fills in, what must not change, and how it has to look.
package enum ObjectMetadata {
    /// The letters of generated names: no vowels, so that no words come out.
    private static let nameLetters = Array("bcdfghjklmnpqrstvwxz2456789")
    private static let generatedLength = 5
    private static let longestPrefix = 63 - generatedLength
    private static let standardFinalizers: Set = ["kubernetes", "orphan", "foregroundDeletion"]
    /// The most bytes of all annotations together.
    private static let annotationBytes = 256 << 10

    /// Fills in what a new object gets from the server: name, uid and creation time.
    package static func begin(_ object: inout JSONValue, now: Date) {
        var metadata = object["metadata"].flatMap { $0.objectValue } ?? [:]
        if (metadata["name"]?.stringValue ?? "").isEmpty, let prefix = metadata["generateName"]?.stringValue,
            !prefix.isEmpty
        {
            metadata["name"] = .string(generatedName(prefix))
        }
        metadata["uid"] = .string(UUID().uuidString.lowercased())
        metadata["creationTimestamp"] = RFC3339.string(from: now).map { .string($0) }
        for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion", "generation"] {
            metadata[key] = nil
        }
        object["metadata"] = .object(metadata)
    }

    /// A name that begins with `prefix` and is most likely free.
    static func generatedName(_ prefix: String) -> String {
        var ending = ""
        for _ in 0..<generatedLength {
            if let letter = nameLetters.randomElement() { ending.append(letter) }
        }
        return String(prefix.prefix(longestPrefix)) + ending
    }

    /// Takes over from the old object what an update may leave out or must not change.
    package static func carry(from old: JSONValue, into object: inout JSONValue) {
        var metadata = object["metadata"].flatMap { $0.objectValue } ?? [:]
        let before = old["metadata"]?.objectValue ?? [:]
        for key in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            let value = metadata[key] ?? .null
            if value.isNull || value == "" { metadata[key] = before[key] }
        }
        // What a client says about these is not compared, as on a real server.
        metadata["creationTimestamp"] = before["creationTimestamp"]
        if let deletion = before["deletionTimestamp"] { metadata["deletionTimestamp"] = deletion }
        metadata["generation"] = before["generation"]
        metadata["resourceVersion"] = before["resourceVersion"]
        metadata["generateName"] = metadata["generateName"] ?? before["generateName"]
        metadata["selfLink"] = nil
        object["metadata"] = .object(metadata)
    }

    // MARK: validation

    /// What is wrong with the metadata of a new object; `rule` says how names look.
    package static func violations(
        _ object: JSONValue,
        rule: ObjectNames.Rule,
        needsFinalizerDomains: Bool = false
    ) -> [APIFailure.Cause] {
        let metadata = object["metadata"] ?? [:]
        var causes: [APIFailure.Cause] = []
        if let prefix = metadata["generateName"]?.stringValue, !prefix.isEmpty {
            causes += ObjectNames.violations(prefix, rule, isPrefix: true).map {
                .invalid("metadata.generateName", .string(prefix), $0)
            }
        }
        let name = metadata["name"]?.stringValue ?? ""
        if name.isEmpty {
            causes.append(.required("metadata.name", "name or generateName is required"))
        } else {
            causes += ObjectNames.violations(name, rule).map { .invalid("metadata.name", .string(name), $0) }
        }
        return causes + commonViolations(metadata, needsFinalizerDomains: needsFinalizerDomains)
    }

    /// What is wrong with the metadata of a changed object.
    package static func violations(
        _ object: JSONValue,
        old: JSONValue,
        needsFinalizerDomains: Bool = false
    ) -> [APIFailure.Cause] {
        let metadata = object["metadata"] ?? [:]
        let before = old["metadata"] ?? [:]
        var causes: [APIFailure.Cause] = []
        for key in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
        where metadata[key] != before[key] {
            let value = metadata[key] ?? .null
            causes.append(.invalid("metadata.\(key)", value, "field is immutable"))
        }
        if old.isBeingDeleted {
            let added = object.finalizers.filter { !old.finalizers.contains($0) }
            if !added.isEmpty {
                let list = added.map { "\"\($0)\"" }.joined(separator: ", ")
                causes.append(
                    .forbidden(
                        "metadata.finalizers",
                        "no new finalizers can be added if the object is being deleted, found new finalizers "
                            + "[]string{\(list)}"
                    )
                )
            }
        }
        return causes + commonViolations(metadata, needsFinalizerDomains: needsFinalizerDomains)
    }

    private static func commonViolations(_ metadata: JSONValue, needsFinalizerDomains: Bool) -> [APIFailure.Cause] {
        var causes: [APIFailure.Cause] = []
        for (key, value) in metadata["labels"]?.objectValue ?? [:] {
            let text = value.stringValue ?? ""
            causes += ObjectNames.qualifiedName(key).map { .invalid("metadata.labels", .string(key), $0) }
            causes += ObjectNames.labelValue(text).map { .invalid("metadata.labels", .string(text), $0) }
        }
        causes += annotationViolations(metadata["annotations"]?.objectValue ?? [:])
        let finalizers = (metadata["finalizers"]?.arrayValue ?? []).compactMap(\.stringValue)
        for finalizer in finalizers {
            causes += ObjectNames.qualifiedName(finalizer).map {
                .invalid("metadata.finalizers", .string(finalizer), $0)
            }
        }
        causes += ownerViolations(metadata["ownerReferences"]?.arrayValue ?? [])
        return causes + (needsFinalizerDomains ? domainViolations(finalizers, "metadata.finalizers") : [])
    }

    /// What is wrong with finalizers of built-in kinds: they are the cluster's own, or have a domain.
    static func domainViolations(_ finalizers: [String], _ path: String) -> [APIFailure.Cause] {
        finalizers.enumerated().filter { !$0.element.contains("/") && !standardFinalizers.contains($0.element) }
            .map { index, finalizer in
                let text = "name is neither a standard finalizer name nor is it fully qualified"
                return .invalid("\(path)[\(index)]", .string(finalizer), text)
            }
    }

    private static func annotationViolations(_ annotations: JSONObject) -> [APIFailure.Cause] {
        var causes: [APIFailure.Cause] = []
        var bytes = 0
        for (key, value) in annotations {
            causes += ObjectNames.qualifiedName(key.lowercased()).map {
                .invalid("metadata.annotations", .string(key), $0)
            }
            bytes += key.utf8.count + (value.stringValue?.utf8.count ?? 0)
        }
        if bytes > annotationBytes {
            causes.append(
                APIFailure.Cause(
                    reason: "FieldValueTooLong",
                    message: "Too long: may not be more than \(annotationBytes) bytes",
                    field: "metadata.annotations"
                )
            )
        }
        return causes
    }

    private static func ownerViolations(_ owners: [JSONValue]) -> [APIFailure.Cause] {
        var causes: [APIFailure.Cause] = []
        var controller: String?
        for (index, owner) in owners.enumerated() {
            let field = "metadata.ownerReferences[\(index)]"
            for key in ["apiVersion", "kind", "name", "uid"] where (owner[key]?.stringValue ?? "").isEmpty {
                let why = key == "apiVersion" ? "version must not be empty" : "must not be empty"
                causes.append(.invalid("\(field).\(key)", "", why))
            }
            guard owner["controller"]?.boolValue == true else { continue }
            let name = owner["name"]?.stringValue ?? ""
            if let controller {
                causes.append(
                    .invalid(
                        "metadata.ownerReferences",
                        .array(owners),
                        "Only one reference can have Controller set to true. Found \"true\" in references for "
                            + "\(controller) and \(name)"
                    )
                )
            }
            controller = name
        }
        return causes
    }
}
