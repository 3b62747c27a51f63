package import HTTPServer
internal import JSON

/// What the query of a write asks for: `CreateOptions`, `UpdateOptions` and `PatchOptions`.
package struct WriteOptions: Sendable, Hashable {
    /// What is done about fields that the schema does not know, and about keys that occur twice.
    package enum FieldValidation: String, Sendable, Hashable, CaseIterable {
        case ignore = "Ignore"
        case strict = "Strict"
        case warn = "Warn"
    }

    /// Whether nothing is to be stored.
    package var isDryRun = false
    /// Who comes to own the fields; never empty but for apply.
    package var manager = ""
    /// What is done about unknown fields.
    package var fieldValidation = FieldValidation.warn
    /// Whether an apply takes fields away from others.
    package var isForced = false

    /// Reads the query.
    ///
    /// `kind` is the name of the options for messages, as `CreateOptions`.
    ///
    /// - Throws: ``APIFailure`` 422 for values that are not known.
    package init(_ request: HTTPServerRequest, kind: String, isApply: Bool = false) throws(APIFailure) {
        var causes: [APIFailure.Cause] = []
        isDryRun = Self.dryRun(request.query.filter { $0.name == "dryRun" }.map(\.value), &causes)
        if let text = request.queryValue("fieldValidation"), !text.isEmpty {
            if let chosen = FieldValidation(rawValue: text) {
                fieldValidation = chosen
            } else {
                causes.append(
                    .notSupported("fieldValidation", .string(text), ["", "Ignore", "Strict", "Warn"])
                )
            }
        }
        let named = request.queryValue("fieldManager") ?? ""
        causes += Self.managerCauses(named, isApply: isApply)
        isForced = request.queryValue("force") == "true" || request.queryValue("force") == "1"
        if !isApply, request.queryValue("force") != nil, kind == "PatchOptions" {
            causes.append(.forbidden("force", "may not be specified for non-apply patch"))
        }
        guard causes.isEmpty else {
            throw .invalid(group: "meta.k8s.io", kind: kind, name: "", causes)
        }
        manager = ManagedFields.manager(fieldManager: named, userAgent: request.header("User-Agent") ?? "")
    }

    /// Whether `dryRun` has its one value.
    static func dryRun(_ values: [String], _ causes: inout [APIFailure.Cause]) -> Bool {
        for value in values where value != "All" && !value.isEmpty {
            causes.append(.notSupported("dryRun", .string(value), ["All"]))
        }
        return values.contains("All")
    }

    private static func managerCauses(_ manager: String, isApply: Bool) -> [APIFailure.Cause] {
        if manager.isEmpty {
            return isApply ? [.required("fieldManager", "is required for apply patch")] : []
        }
        if manager.utf8.count > 128 {
            return [
                APIFailure.Cause(
                    reason: "FieldValueTooLong",
                    message: "Too long: may not be more than 128 bytes",
                    field: "fieldManager"
                )
            ]
        }
        let isPrintable = manager.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
        return isPrintable
            ? [] : [.invalid("fieldManager", .string(manager), "should only contain printable characters")]
    }
}
