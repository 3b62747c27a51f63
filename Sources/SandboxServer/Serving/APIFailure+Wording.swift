/// The answers that many handlers give, worded as in k8s.io/apimachinery's `api/errors`.
extension APIFailure {
    /// 404: there is no such object.
    package static func notFound(_ resource: ResourceID, name: String) -> APIFailure {
        about(resource, name, code: 404, reason: "NotFound", "\(resource.qualifiedName) \"\(name)\" not found")
    }

    /// 409: the name is taken, perhaps by an object that is about to go.
    package static func alreadyExists(_ resource: ResourceID, name: String, isDeleting: Bool = false) -> APIFailure {
        let message = "\(resource.qualifiedName) \"\(name)\" already exists"
        return about(
            resource,
            name,
            code: 409,
            reason: "AlreadyExists",
            isDeleting ? "object is being deleted: \(message)" : message
        )
    }

    /// 409: what was asked for does not fit the object's present state.
    package static func conflict(_ resource: ResourceID, name: String, _ why: String) -> APIFailure {
        let message = "Operation cannot be fulfilled on \(resource.qualifiedName) \"\(name)\": \(why)"
        return about(resource, name, code: 409, reason: "Conflict", message)
    }

    /// 409: somebody else changed the object first.
    package static func modified(_ resource: ResourceID, name: String) -> APIFailure {
        let why = "the object has been modified; please apply your changes to the latest version and try again"
        return conflict(resource, name: name, why)
    }

    /// 403: not now, or not by anybody.
    package static func forbidden(_ resource: ResourceID, name: String, _ why: String) -> APIFailure {
        let object = name.isEmpty ? resource.qualifiedName : "\(resource.qualifiedName) \"\(name)\""
        return about(resource, name, code: 403, reason: "Forbidden", "\(object) is forbidden: \(why)")
    }

    /// 400: the request itself is wrong.
    package static func badRequest(_ message: String) -> APIFailure {
        APIFailure(code: 400, reason: "BadRequest", message: message)
    }

    /// 406: the answer has no such shape.
    package static func notAcceptable(_ message: String) -> APIFailure {
        APIFailure(code: 406, reason: "NotAcceptable", message: message)
    }

    /// 422: the object breaks rules; one message for all of them.
    package static func invalid(group: String, kind: String, name: String, _ causes: [Cause]) -> APIFailure {
        let qualified = group.isEmpty ? kind : "\(kind).\(group)"
        var texts: [String] = []
        // The same rule broken at the same place is said once in the text, as in Go's aggregates.
        for cause in causes {
            let text = "\(cause.field.isEmpty ? "<nil>" : cause.field): \(cause.message)"
            if !texts.contains(text) { texts.append(text) }
        }
        let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        var failure = APIFailure(
            code: 422,
            reason: "Invalid",
            message: "\(qualified) \"\(name)\" is invalid" + (texts.isEmpty ? "" : ": \(list)")
        )
        failure.name = name.isEmpty ? nil : name
        failure.group = group
        failure.kind = kind
        failure.causes = causes
        return failure
    }

    /// 405: the path exists, the method does not.
    package static let methodNotAllowed = generic(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource"
    )

    /// 405: the CustomResourceDefinition is being deleted.
    package static func terminating(_ resource: ResourceID) -> APIFailure {
        let message = "create not allowed while custom resource definition is terminating"
        return about(resource, "", code: 405, reason: "MethodNotAllowed", message)
    }

    /// 404: a known group has no such resource.
    package static let unknownResource = generic(
        404,
        "NotFound",
        "the server could not find the requested resource"
    )

    /// 401: who is asking is not known.
    package static let unauthorized = APIFailure(code: 401, reason: "Unauthorized", message: "Unauthorized")

    /// 413: the body is larger than the server takes.
    package static func tooLarge(limit: Int) -> APIFailure {
        APIFailure(
            code: 413,
            reason: "RequestEntityTooLarge",
            message: "Request entity too large: limit is \(limit)"
        )
    }

    /// 500: a failure that has no place of its own.
    package static func internalError(_ message: String) -> APIFailure {
        APIFailure(code: 500, reason: "InternalError", message: "Internal error occurred: \(message)")
    }

    /// A failure whose `details` are written although they are empty.
    package static func generic(_ code: Int, _ reason: String, _ message: String) -> APIFailure {
        var failure = APIFailure(code: code, reason: reason, message: message)
        failure.hasDetails = true
        return failure
    }

    private static func about(
        _ resource: ResourceID,
        _ name: String,
        code: Int,
        reason: String,
        _ message: String
    ) -> APIFailure {
        var failure = APIFailure(code: code, reason: reason, message: message)
        failure.name = name.isEmpty ? nil : name
        failure.group = resource.group
        failure.kind = resource.plural
        return failure
    }
}

extension APIFailure.Cause {
    /// A value has to be there and is not.
    package static func required(_ field: String, _ why: String = "") -> Self {
        Self(reason: "FieldValueRequired", message: "Required value" + (why.isEmpty ? "" : ": \(why)"), field: field)
    }

    /// A value must not be there.
    package static func forbidden(_ field: String, _ why: String) -> Self {
        Self(reason: "FieldValueForbidden", message: "Forbidden: \(why)", field: field)
    }
}
