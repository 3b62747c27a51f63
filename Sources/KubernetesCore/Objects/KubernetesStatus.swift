/// The answer of the API server that is not an object: most errors, and some successes (meta/v1 Status).
public struct KubernetesStatus: Codable, Sendable, Hashable {
    /// `Success` or `Failure`.
    public var status: String?
    /// For people.
    public var message: String?
    /// For programs: `NotFound`, `Conflict`, `Expired`...
    public var reason: String?
    /// The HTTP status.
    public var code: Int?
    /// Which object, and why.
    public var details: Details?

    /// Facts about the failure.
    public struct Details: Codable, Sendable, Hashable {
        /// The object's name.
        public var name: String?
        /// The API group.
        public var group: String?
        /// The resource or kind; servers use both.
        public var kind: String?
        /// The object's uid.
        public var uid: String?
        /// One entry for each thing that is wrong.
        public var causes: [Cause]?
        /// When to try again.
        public var retryAfterSeconds: Int?

        /// Makes details.
        public init(
            name: String? = nil,
            group: String? = nil,
            kind: String? = nil,
            uid: String? = nil,
            causes: [Cause]? = nil,
            retryAfterSeconds: Int? = nil
        ) {
            self.name = name
            self.group = group
            self.kind = kind
            self.uid = uid
            self.causes = causes
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    /// One reason for the failure.
    public struct Cause: Codable, Sendable, Hashable {
        /// For programs: `FieldValueRequired`, `ResourceVersionTooLarge`...
        public var reason: String?
        /// For people.
        public var message: String?
        /// The field, such as `spec.error.type`.
        public var field: String?

        /// Makes a cause.
        public init(reason: String? = nil, message: String? = nil, field: String? = nil) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// Makes a status.
    public init(
        status: String? = "Failure",
        message: String? = nil,
        reason: String? = nil,
        code: Int? = nil,
        details: Details? = nil
    ) {
        self.status = status
        self.message = message
        self.reason = reason
        self.code = code
        self.details = details
    }

    /// Whether one of the causes has this reason.
    public func hasCause(_ reason: String) -> Bool {
        details?.causes?.contains { $0.reason == reason } ?? false
    }

    /// Whether a resourceVersion or a continue token has become too old (410): list again.
    public var isExpired: Bool { reason == "Expired" || reason == "Gone" || code == 410 }

    /// Whether the server has not yet seen the resourceVersion asked for.
    ///
    /// Modern servers give a cause; older ones only the reason Timeout with a telling message.
    public var isTooLargeResourceVersion: Bool {
        if hasCause("ResourceVersionTooLarge") { return true }
        guard reason == "Timeout", let message else { return false }
        return message.contains("Too large resource version")
    }
}
