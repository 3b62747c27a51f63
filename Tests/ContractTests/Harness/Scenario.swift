import Foundation
import JSON

/// Requests in the wire format that are sent one after the other, in a namespace of their own.
///
/// Written as YAML in `Fixtures/Scenarios`; the README there explains the fields.
struct Scenario: Sendable {
    /// `file/name`.
    let name: String
    let steps: [Step]
    /// Whether it wants a namespace: `$ns`.
    let wantsNamespace: Bool

    init(_ value: JSONValue, file: String) throws {
        guard let title = value["name"]?.stringValue, let steps = value["steps"]?.arrayValue else {
            throw FixtureError("\(file): a scenario needs a name and steps: \(value.text.prefix(200))")
        }
        try self.init(name: "\(file)/\(title)", steps: steps.map { try Step($0) }, namespace: true)
    }

    init(name: String, steps: [Step], namespace: Bool) {
        self.name = name
        self.wantsNamespace = namespace
        var counts: [String: Int] = [:]
        self.steps = steps.map { step in
            var step = step
            counts[step.name, default: 0] += 1
            if let count = counts[step.name], count > 1 { step.name += " #\(count)" }
            return step
        }
    }

    /// The namespace of the scenario.
    var namespace: String {
        let letters = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return String("c-\(String(letters))".prefix(60)).trimmingCharacters(in: CharacterSet(charactersIn: "-"))
    }

    /// All scenarios of `Fixtures/Scenarios`.
    static func all() throws -> [Scenario] {
        try Fixtures.files(in: Fixtures.directory.appending(path: "Scenarios"), ending: "yaml").flatMap { url in
            let file = url.deletingPathExtension().lastPathComponent
            return try (Fixtures.yaml(url).arrayValue ?? []).map { try Scenario($0, file: file) }
        }
    }
}

/// One step of a scenario.
struct Step: Sendable {
    /// What the step does with its request.
    enum Action: Sendable, Hashable {
        /// Sends it and waits for the whole answer.
        case send
        /// Sends it and keeps the stream of events open under the step's name.
        case open
        /// Reads events of the stream of that name.
        case collect(String)
    }

    /// What goes out as the body.
    enum Body: Sendable, Hashable {
        case none
        /// A document, written as JSON.
        case document(JSONValue)
        /// A text as it is.
        case text(String)
        /// The body of the answer to the step of that name, changed by a merge patch.
        case answer(String, JSONValue)
    }

    /// Unique in the scenario.
    var name: String
    var action = Action.send
    var method = "GET"
    var path = ""
    var headers: [String: String] = [:]
    var body = Body.none
    /// Adds so many bytes to `data.padding` of the body.
    var padding = 0
    /// Variables that are taken from the answer.
    var saves: [String: [String]] = [:]
    /// What the answer has to hold before the scenario goes on: the request is repeated until then.
    var until: [String: JSONValue] = [:]
    /// How many events to read from a watch; nil reads to its end.
    var events: Int?
    /// Whether the request comes from nobody in particular.
    var isAnonymous = false
    /// Whether the server gives items or events in any order.
    var isUnordered = false
    /// Whether the answer is compared; preparations need not be.
    var isCompared = true

    private static let mediaTypes = [
        "json": "application/json", "yaml": "application/yaml", "merge": "application/merge-patch+json",
        "jsonpatch": "application/json-patch+json", "strategic": "application/strategic-merge-patch+json",
        "apply": "application/apply-patch+yaml",
    ]
    private static let representations = [
        "table": "application/json;as=Table;v=v1;g=meta.k8s.io",
        "partial": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        "partials": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    ]

    init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    init(_ value: JSONValue) throws {
        name = value["name"]?.stringValue ?? ""
        for verb in ["get", "post", "put", "patch", "delete", "head", "options", "open"] {
            guard let path = value[verb]?.stringValue else { continue }
            method = verb == "open" ? "GET" : verb.uppercased()
            self.path = path
            if verb == "open" { action = .open }
            if name.isEmpty { name = "\(verb) \(path.split(separator: "/").suffix(2).joined(separator: "/"))" }
        }
        if let stream = value["collect"]?.stringValue {
            action = .collect(stream)
            if name.isEmpty { name = "collect \(stream)" }
        }
        guard !path.isEmpty || value["collect"] != nil else {
            throw FixtureError("a step without a path: \(value.text)")
        }
        readBody(value)
        readHeaders(value)
        saves = (value["save"]?.objectValue?.dictionary ?? [:]).compactMapValues { path in
            path.stringValue?.split(separator: ".").map(String.init)
        }
        until = value["until"]?.objectValue?.dictionary ?? [:]
        events = value["events"]?.intValue.map { Int($0) }
        isAnonymous = value["anonymous"]?.boolValue ?? false
        isUnordered = value["unordered"]?.boolValue ?? false
        isCompared = !(value["setup"]?.boolValue ?? false)
    }

    private mutating func readBody(_ value: JSONValue) {
        if let document = value["body"] { body = .document(document) }
        if let text = value["text"]?.stringValue { body = .text(text) }
        if let base = value["base"]?.stringValue { body = .answer(base, value["merge"] ?? [:]) }
        padding = Int(value["padding"]?.intValue ?? 0)
    }

    private mutating func readHeaders(_ value: JSONValue) {
        let type = value["type"]?.stringValue ?? (body == .none ? nil : "json")
        if let type { headers["Content-Type"] = Self.mediaTypes[type] ?? type }
        if let accept = value["accept"]?.stringValue { headers["Accept"] = Self.representations[accept] ?? accept }
        if let token = value["token"]?.stringValue { headers["Authorization"] = "Bearer \(token)" }
        if let user = value["user"]?.stringValue { headers["Impersonate-User"] = user }
        headers.merge(value["headers"]?.stringDictionary ?? [:]) { $1 }
    }
}
