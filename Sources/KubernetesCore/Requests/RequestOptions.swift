import JSON

/// How much the answer may lag behind the newest state (resourceVersionMatch).
public enum ResourceVersionMatch: String, Sendable, Hashable {
    /// At least as new as the version given.
    case notOlderThan = "NotOlderThan"
    /// Exactly the version given.
    case exact = "Exact"
}

/// Options of reading one object.
public struct GetOptions: Sendable, Hashable {
    /// nil or empty for the newest state, `0` for whatever the server has cached.
    public var resourceVersion: String?

    /// Makes options.
    public init(resourceVersion: String? = nil) {
        self.resourceVersion = resourceVersion
    }

    var query: [(String, String)] { QueryBuilder.build { $0.add("resourceVersion", resourceVersion) } }
}

/// Options of reading a collection.
public struct ListOptions: Sendable, Hashable {
    /// A label selector as text, such as `app=web`.
    public var labelSelector: String?
    /// A field selector as text, such as `metadata.name=web`.
    public var fieldSelector: String?
    /// The most items of one page; nil for all at once.
    public var limit: Int?
    /// The token of the previous page.
    public var `continue`: String?
    /// nil for the newest state, `0` for whatever the server has cached.
    public var resourceVersion: String?
    /// How `resourceVersion` is meant.
    public var resourceVersionMatch: ResourceVersionMatch?
    /// The server gives up after this many seconds.
    public var timeoutSeconds: Int?

    /// Makes options.
    public init(
        labelSelector: String? = nil,
        fieldSelector: String? = nil,
        limit: Int? = nil,
        continue token: String? = nil,
        resourceVersion: String? = nil,
        resourceVersionMatch: ResourceVersionMatch? = nil,
        timeoutSeconds: Int? = nil
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.limit = limit
        self.continue = token
        self.resourceVersion = resourceVersion
        self.resourceVersionMatch = resourceVersionMatch
        self.timeoutSeconds = timeoutSeconds
    }

    var query: [(String, String)] {
        QueryBuilder.build {
            $0.add("labelSelector", labelSelector)
            $0.add("fieldSelector", fieldSelector)
            $0.add("limit", limit)
            $0.add("continue", self.continue)
            // The server refuses a version together with a token, which carries one itself (k/k#85221).
            if (self.continue ?? "").isEmpty {
                $0.add("resourceVersion", resourceVersion)
                $0.add("resourceVersionMatch", resourceVersionMatch?.rawValue)
            }
            $0.add("timeoutSeconds", timeoutSeconds)
        }
    }
}

/// Options of following a collection.
public struct WatchOptions: Sendable, Hashable {
    /// A label selector as text.
    public var labelSelector: String?
    /// A field selector as text.
    public var fieldSelector: String?
    /// Where to start; nil for the newest state, `0` for any, with synthetic ADDED events for what exists.
    public var resourceVersion: String?
    /// How `resourceVersion` is meant; only with `sendInitialEvents`.
    public var resourceVersionMatch: ResourceVersionMatch?
    /// The server ends the watch after this many seconds.
    public var timeoutSeconds: Int?
    /// Whether to send bookmarks, so that a quiet watch keeps a fresh version.
    public var allowBookmarks: Bool
    /// Whether to send the current state first, ended by a bookmark (KEP-3157).
    public var sendInitialEvents: Bool?

    /// Makes options.
    public init(
        labelSelector: String? = nil,
        fieldSelector: String? = nil,
        resourceVersion: String? = nil,
        resourceVersionMatch: ResourceVersionMatch? = nil,
        timeoutSeconds: Int? = nil,
        allowBookmarks: Bool = true,
        sendInitialEvents: Bool? = nil
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.resourceVersion = resourceVersion
        self.resourceVersionMatch = resourceVersionMatch
        self.timeoutSeconds = timeoutSeconds
        self.allowBookmarks = allowBookmarks
        self.sendInitialEvents = sendInitialEvents
    }

    var query: [(String, String)] {
        QueryBuilder.build {
            $0.add("watch", "1")
            $0.add("labelSelector", labelSelector)
            $0.add("fieldSelector", fieldSelector)
            $0.add("resourceVersion", resourceVersion)
            $0.add("resourceVersionMatch", resourceVersionMatch?.rawValue)
            $0.add("timeoutSeconds", timeoutSeconds)
            $0.add("allowWatchBookmarks", allowBookmarks)
            $0.add("sendInitialEvents", sendInitialEvents)
        }
    }
}

/// What the server does about unknown and duplicate fields (from 1.25 on).
public enum FieldValidation: String, Sendable, Hashable {
    /// Drops them.
    case ignore = "Ignore"
    /// Drops them and warns.
    case warn = "Warn"
    /// Refuses the request.
    case strict = "Strict"
}

/// Options of create, update and patch.
public struct WriteOptions: Sendable, Hashable {
    /// Under which name the written fields are recorded; at most 128 characters.
    public var fieldManager: String?
    /// Whether to run all checks but store nothing.
    public var dryRun: Bool
    /// What to do about unknown fields.
    public var fieldValidation: FieldValidation?

    /// Makes options.
    public init(fieldManager: String? = nil, dryRun: Bool = false, fieldValidation: FieldValidation? = nil) {
        self.fieldManager = fieldManager
        self.dryRun = dryRun
        self.fieldValidation = fieldValidation
    }

    var query: [(String, String)] {
        QueryBuilder.build {
            if dryRun { $0.add("dryRun", "All") }
            $0.add("fieldManager", fieldManager)
            $0.add("fieldValidation", fieldValidation?.rawValue)
        }
    }
}

/// What happens to the dependents of a deleted object.
public enum PropagationPolicy: String, Sendable, Hashable {
    /// They lose their owner and stay.
    case orphan = "Orphan"
    /// The garbage collector removes them afterwards.
    case background = "Background"
    /// They go first; the object waits for them.
    case foreground = "Foreground"
}

/// Options of delete and delete-collection; sent as the body.
public struct DeleteOptions: Sendable, Hashable {
    /// Delete only the object with this uid.
    public var preconditionUID: String?
    /// Delete only this version of the object.
    public var preconditionResourceVersion: String?
    /// What happens to dependents; nil for the resource's default.
    public var propagationPolicy: PropagationPolicy?
    /// Seconds for a graceful end; 0 removes at once.
    public var gracePeriodSeconds: Int?
    /// Whether to run all checks but remove nothing.
    public var dryRun: Bool

    /// Makes options.
    public init(
        preconditionUID: String? = nil,
        preconditionResourceVersion: String? = nil,
        propagationPolicy: PropagationPolicy? = nil,
        gracePeriodSeconds: Int? = nil,
        dryRun: Bool = false
    ) {
        self.preconditionUID = preconditionUID
        self.preconditionResourceVersion = preconditionResourceVersion
        self.propagationPolicy = propagationPolicy
        self.gracePeriodSeconds = gracePeriodSeconds
        self.dryRun = dryRun
    }

    /// The wire form; nil when every option has its default: no body is sent.
    var body: JSONValue? {
        guard self != DeleteOptions() else { return nil }
        var value: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
        if let preconditionUID { value.set(.string(preconditionUID), at: ["preconditions", "uid"]) }
        if let preconditionResourceVersion {
            value.set(.string(preconditionResourceVersion), at: ["preconditions", "resourceVersion"])
        }
        value["propagationPolicy"] = propagationPolicy.map { .string($0.rawValue) }
        value["gracePeriodSeconds"] = gracePeriodSeconds.map { .number(JSONNumber(Int64($0))) }
        if dryRun { value["dryRun"] = ["All"] }
        return value
    }
}

/// Collects query parameters in the order in which they are added, leaving out what is nil.
struct QueryBuilder {
    private var items: [(String, String)] = []

    static func build(_ fill: (inout QueryBuilder) -> Void) -> [(String, String)] {
        var builder = QueryBuilder()
        fill(&builder)
        return builder.items
    }

    mutating func add(_ name: String, _ value: String?) {
        if let value { items.append((name, value)) }
    }

    mutating func add(_ name: String, _ value: Int?) {
        if let value { items.append((name, String(value))) }
    }

    mutating func add(_ name: String, _ value: Bool?) {
        if let value { items.append((name, value ? "true" : "false")) }
    }
}
