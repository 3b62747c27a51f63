package import JSON

/// An answer that is not a success, as the API server words it: becomes a `Status` object.
///
/// Shapes, reasons and codes follow k8s.io/apimachinery's `meta/v1.Status`.
package struct APIFailure: Error, Sendable, Hashable {
    /// One reason of several, with the field that it is about.
    package struct Cause: Sendable, Hashable {
        /// Machine readable, as `FieldValueRequired`.
        package var reason: String
        /// For people.
        package var message: String
        /// The path of the field, as `spec.replicas`.
        package var field: String

        /// Names a cause.
        package init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// The HTTP status.
    package var code: Int
    /// Machine readable, as `NotFound`; empty when the server gives none.
    package var reason: String
    /// For people.
    package var message: String
    /// `details.name`.
    package var name: String?
    /// `details.group`.
    package var group: String?
    /// `details.kind`: the plural for most reasons, the kind for `Invalid`.
    package var kind: String?
    /// `details.uid`.
    package var uid: String?
    /// `details.causes`.
    package var causes: [Cause] = []
    /// `details.retryAfterSeconds` and the header `Retry-After`.
    package var retryAfterSeconds: Int?
    /// `metadata.continue`: how a list whose revision is forgotten can go on.
    package var continueToken: String?
    /// Whether `details` is written even when it is empty.
    package var hasDetails = false

    /// Makes a failure without details.
    package init(code: Int, reason: String, message: String) {
        self.code = code
        self.reason = reason
        self.message = message
    }

    /// The `Status` object.
    package var status: JSONValue {
        var details: JSONValue = [:]
        details["name"] = name.map { .string($0) }
        details["group"] = group.flatMap { $0.isEmpty ? nil : .string($0) }
        details["kind"] = kind.map { .string($0) }
        details["uid"] = uid.map { .string($0) }
        details["retryAfterSeconds"] = retryAfterSeconds.map { .number($0) }
        if !causes.isEmpty {
            details["causes"] = .array(
                causes.map { cause in
                    var entry: JSONValue = ["reason": .string(cause.reason), "message": .string(cause.message)]
                    if !cause.field.isEmpty { entry["field"] = .string(cause.field) }
                    return entry
                }
            )
        }
        var status: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
            "message": .string(message), "code": .number(code),
        ]
        if let continueToken { status["metadata"] = ["continue": .string(continueToken)] }
        if !reason.isEmpty { status["reason"] = .string(reason) }
        if hasDetails || details.objectValue?.isEmpty == false { status["details"] = details }
        return status
    }
}
