internal import JSON

/// The query of a list, watch or deletecollection request, checked as the real server checks it.
///
/// ```swift
/// let options = try ListOptions(query: request.query, labels: FieldLabels(definition.id, custom: []))
/// let page = try store.list(definition.id, namespace: "default", options: options)
/// ```
package struct ListOptions: Sendable {
    /// Which state a list is to show.
    enum Revision: Sendable, Hashable {
        /// The current one, which must have come to this revision.
        case atLeast(UInt64)
        /// The one at this revision.
        case exactly(UInt64)
    }

    /// `labelSelector`.
    package var labels: LabelSelector?
    /// `fieldSelector`.
    package var fields: FieldSelector?
    /// `limit`; nil without one.
    package var limit: Int?
    /// `continue`.
    package var continueToken: String?
    /// `resourceVersion` as sent; empty when it is not.
    package var resourceVersion = ""
    /// `resourceVersionMatch` as sent; empty when it is not.
    package var resourceVersionMatch = ""
    /// `timeoutSeconds`, when it is positive.
    package var timeoutSeconds: Int64?
    /// `watch`.
    package var isWatch = false
    /// `allowWatchBookmarks`.
    package var allowsBookmarks = false
    /// `sendInitialEvents`.
    package var sendInitialEvents: Bool?

    /// The options of a request without a query: everything, now.
    package init() {}

    /// Reads a query; names that are no list options are left to others.
    ///
    /// - Parameters:
    ///   - query: The decoded query of the request; of a name that occurs twice the first value counts.
    ///   - labels: What field selectors of the resource may name.
    ///   - name: The object that the path names, as a watch of a single object does.
    /// - Throws: ``APIFailure`` 400 for what cannot be read, 422 for options that do not go together.
    package init(
        query: [(name: String, value: String)],
        labels: FieldLabels,
        name: String? = nil
    ) throws(APIFailure) {
        let values = Dictionary(query.map { ($0.name, $0.value) }) { first, _ in first }
        try readSelectors(values)
        limit = try Self.integer(values["limit"]).flatMap { $0 > 0 ? Int(clamping: $0) : nil }
        timeoutSeconds = try Self.integer(values["timeoutSeconds"]).flatMap { $0 > 0 ? $0 : nil }
        continueToken = values["continue"].flatMap { $0.isEmpty ? nil : $0 }
        resourceVersion = values["resourceVersion"] ?? ""
        resourceVersionMatch = values["resourceVersionMatch"] ?? ""
        isWatch = Self.boolean(values["watch"]) ?? false
        allowsBookmarks = Self.boolean(values["allowWatchBookmarks"]) ?? false
        sendInitialEvents = Self.boolean(values["sendInitialEvents"])
        let violations = isWatch ? watchViolations : listViolations
        guard violations.isEmpty else {
            throw .invalid(group: "meta.k8s.io", kind: "ListOptions", name: "", violations)
        }
        fields = try fields?.checked(against: labels)
        if let name { try select(name) }
    }

    /// Whether an object is selected.
    package func matches(_ object: StoredObject) -> Bool {
        var content: JSONValue?
        return matches(object, content: &content)
    }

    /// The same for callers who ask about one object several times: its parsed content is kept for the next one.
    func matches(_ object: StoredObject, content: inout JSONValue?) -> Bool {
        (labels?.matches(object.labels) ?? true) && (fields?.matches(object, content: &content) ?? true)
    }

    var hasSelectors: Bool {
        labels?.requirements.isEmpty == false || fields?.terms.isEmpty == false
    }

    /// The limit that counts: a list of any state (`resourceVersion=0`) is not cut, as API documents say.
    var effectiveLimit: Int? {
        resourceVersion == "0" && continueToken == nil ? nil : limit
    }

    /// The state that a list has to show.
    func listRevision(continuing token: ContinueToken?) throws(APIFailure) -> Revision {
        if let token {
            guard resourceVersion.isEmpty || resourceVersion == "0" else {
                throw .badRequest("specifying resource version is not allowed when using continue")
            }
            return token.revision.map { .exactly($0) } ?? .atLeast(0)
        }
        guard !resourceVersion.isEmpty else { return .atLeast(0) }
        let revision: UInt64
        do {
            revision = try parsedRevision()
        } catch {
            throw .badRequest("invalid resource version: \(error.message)")
        }
        // Without a match a limited list of a revision is exact, as it was before there was one.
        let isExact =
            resourceVersionMatch == "Exact" || (resourceVersionMatch.isEmpty && limit != nil && revision > 0)
        return isExact ? .exactly(revision) : .atLeast(revision)
    }

    /// `resourceVersion` as a number; 0 when it is not set.
    func parsedRevision() throws(APIFailure) -> UInt64 {
        guard !resourceVersion.isEmpty else { return 0 }
        if resourceVersion.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            if let revision = UInt64(resourceVersion) { return revision }
            throw .badRevision(resourceVersion, "value out of range")
        }
        throw .badRevision(resourceVersion, "invalid syntax")
    }

    private mutating func readSelectors(_ values: [String: String]) throws(APIFailure) {
        if let text = values["labelSelector"] { labels = try LabelSelector(parsing: text) }
        if let text = values["fieldSelector"] { fields = try FieldSelector(parsing: text) }
    }

    /// Narrows to the one object that the path names.
    private mutating func select(_ name: String) throws(APIFailure) {
        guard let fields, !fields.terms.isEmpty else {
            fields = FieldSelector(name: name)
            return
        }
        guard fields.requiredName == name else {
            throw .badRequest("fieldSelector metadata.name doesn't match requested name")
        }
    }

    // MARK: query values

    /// A whole number as Go reads it; nil without one.
    ///
    /// - Throws: ``APIFailure`` 400 for anything else.
    static func integer(_ text: String?) throws(APIFailure) -> Int64? {
        guard let text else { return nil }
        if let value = Int64(text) { return value }
        let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        let why = isNumber ? "value out of range" : "invalid syntax"
        throw .badRequest("strconv.ParseInt: parsing \(text.goQuoted): \(why)")
    }

    /// Everything but `0` and `false` is true, the empty value too.
    private static func boolean(_ text: String?) -> Bool? {
        text.map { $0 != "0" && $0.lowercased() != "false" }
    }
}

extension ListOptions {
    private typealias Cause = APIFailure.Cause

    private var listViolations: [APIFailure.Cause] {
        var causes: [Cause] = []
        if !resourceVersionMatch.isEmpty {
            if resourceVersion.isEmpty {
                let why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
                causes.append(.forbidden("resourceVersionMatch", why))
            }
            causes += continueViolation
            if !["Exact", "NotOlderThan"].contains(resourceVersionMatch) {
                let supported = ["Exact", "NotOlderThan", ""]
                let match = resourceVersionMatch
                causes.append(.notSupported("resourceVersionMatch", .string(match), supported))
            }
            if resourceVersionMatch == "Exact", resourceVersion == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""
                causes.append(.forbidden("resourceVersionMatch", why))
            }
        }
        if sendInitialEvents != nil {
            causes.append(.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
        }
        return causes
    }

    private var watchViolations: [APIFailure.Cause] {
        var causes: [Cause] = []
        let isRight = resourceVersionMatch == "NotOlderThan"
        if sendInitialEvents != nil, !isRight {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            causes.append(.forbidden("resourceVersionMatch", why))
        }
        guard !resourceVersionMatch.isEmpty else { return causes }
        if sendInitialEvents == nil {
            let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            causes.append(.forbidden("resourceVersionMatch", why))
        }
        if !isRight {
            let match = resourceVersionMatch
            causes.append(.notSupported("resourceVersionMatch", .string(match), ["NotOlderThan"]))
        }
        return causes + continueViolation
    }

    private var continueViolation: [APIFailure.Cause] {
        guard continueToken != nil else { return [] }
        return [.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")]
    }
}

extension APIFailure {
    /// A resourceVersion that is no number; 500 without a reason, as the real server answers a watch.
    static func badRevision(_ text: String, _ why: String) -> APIFailure {
        let quoted = text.goQuoted
        return APIFailure(
            code: 500,
            reason: "",
            message: "resourceVersion: Invalid value: \(quoted): strconv.ParseUint: parsing \(quoted): \(why)"
        )
    }

    /// 504: nothing has that revision yet.
    static func tooLargeRevision(_ revision: UInt64, current: UInt64) -> APIFailure {
        var failure = APIFailure(
            code: 504,
            reason: "Timeout",
            message: "Timeout: Too large resource version: \(revision), current: \(current)"
        )
        failure.causes = [
            Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "")
        ]
        failure.retryAfterSeconds = 1
        return failure
    }

    /// 410: the history does not reach back to that revision.
    static func expired(_ message: String) -> APIFailure {
        APIFailure(code: 410, reason: "Expired", message: message)
    }

    /// 410: the state of an exact list is forgotten.
    static let expiredList = expired("The resourceVersion for the provided list is too old.")

    /// 410: the state of a continued list is forgotten; the list can go on with the state of now.
    static func expiredContinue(_ token: ContinueToken, in namespace: String?) -> APIFailure {
        var failure = expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new "
                + "list without the continue parameter, or use the continue token in this response to retrieve the "
                + "remainder of the results. Continuing with the provided token results in an inconsistent list - "
                + "objects that were created, modified, or deleted between the time the first chunk was returned "
                + "and now may show up in the list."
        )
        failure.continueToken = token.atAnyRevision.text(in: namespace)
        return failure
    }
}
