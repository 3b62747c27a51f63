package import HTTPServer
internal import JSON
internal import Synchronization

/// The admin endpoint: GET shows the plan, PUT replaces it, DELETE ends all faults.
///
/// The document is `{"seed": 1, "rules": [...], "now": ["compact", "cutWatches"]}`, all members optional; `now` is done
/// at once and not kept. Answers count for each rule the requests that it hit.
extension FaultPlan {
    /// Where the endpoint is.
    package static let path = "/sandbox/faults"

    /// What can be done at once.
    private enum Action: String {
        /// Forget the history, so that old watches and lists get 410.
        case compact
        /// Break the connections of all open watches.
        case cutWatches
    }

    private struct Document {
        var seed: UInt64?
        var rules: [FaultRule] = []
        var actions: [Action] = []
    }

    /// Answers a request to ``path``.
    package func handleAdmin(_ request: HTTPServerRequest) -> HTTPServerResponse {
        switch request.method {
        case "GET", "HEAD":
            return answer()
        case "PUT":
            do throws(APIFailure) {
                apply(try Self.document(request.body))
                return answer()
            } catch {
                return Self.json(error.status, status: error.code)
            }
        case "DELETE":
            apply(Document())
            return answer()
        default:
            let failure = APIFailure.methodNotAllowed
            return Self.json(failure.status, status: failure.code)
        }
    }

    private func apply(_ document: Document) {
        state.withLock { state in
            state.seed = document.seed ?? state.seed
            state.entries = document.rules.map { Entry(rule: $0) }
        }
        for action in document.actions {
            switch action {
            case .compact: store.compact()
            case .cutWatches: watches.cutAll()
            }
        }
    }

    private func answer() -> HTTPServerResponse {
        let (seed, entries) = state.withLock { ($0.seed, $0.entries) }
        let rules = entries.map { entry in
            var rule = entry.rule.json
            rule["hit"] = .number(Int64(entry.hit))
            return rule
        }
        // As text beyond 63 bits, which a seed from PUT cannot have.
        return Self.json(["seed": .number(Int64(clamping: seed)), "rules": .array(rules)], status: 200)
    }

    private static func json(_ value: JSONValue, status: Int) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status,
            headers: [HTTPServerHeader(name: "Content-Type", value: "application/json")],
            body: value.serialized() + "\n".utf8
        )
    }

    private static func document(_ body: [UInt8]) throws(APIFailure) -> Document {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body)
        } catch {
            throw .badRequest("the body is no JSON: \(error)")
        }
        guard let members = value.objectValue else { throw .badRequest("a fault plan has to be an object") }
        var document = Document()
        for (key, value) in members {
            switch key {
            case "seed":
                guard let seed = value.intValue.flatMap({ UInt64(exactly: $0) }) else {
                    throw .badRequest("the value of seed has to be a whole number that is not negative")
                }
                document.seed = seed
            case "rules":
                document.rules = try elements(key, value) { element throws(APIFailure) in
                    // What GET shows can be put back.
                    var rule = element
                    rule["hit"] = nil
                    return try FaultRule(rule)
                }
            case "now":
                document.actions = try elements(key, value) { element throws(APIFailure) in
                    guard let action = element.stringValue.flatMap({ Action(rawValue: $0) }) else {
                        throw .badRequest("now can be compact and cutWatches")
                    }
                    return action
                }
            default:
                throw .badRequest("a fault plan has no member \(key.goQuoted)")
            }
        }
        return document
    }

    private static func elements<Element>(
        _ key: String,
        _ value: JSONValue,
        _ read: (JSONValue) throws(APIFailure) -> Element
    ) throws(APIFailure) -> [Element] {
        guard let values = value.arrayValue else { throw .badRequest("the value of \(key) has to be a list") }
        var elements: [Element] = []
        for value in values { elements.append(try read(value)) }
        return elements
    }
}
