import Foundation
import HTTPTransport
import JSON
import Timekeeping

/// Sends the requests of a scenario to one server and gathers the normalised answers.
struct ScenarioRunner {
    let scenario: Scenario
    let endpoint: Endpoint
    let transport: any HTTPTransport
    /// How long to repeat a request until its answer is as wanted.
    var patience = Duration.seconds(60)
    private var normalizer: Normalizer
    private var variables: [String: String] = [:]
    private var answers: [String: JSONValue] = [:]
    private var streams: [String: EventReader] = [:]

    init(_ scenario: Scenario, endpoint: Endpoint, transport: any HTTPTransport) {
        self.scenario = scenario
        self.endpoint = endpoint
        self.transport = transport
        normalizer = Normalizer(scenario)
    }

    /// The answers, in order.
    mutating func run() async throws -> [Exchange] {
        if scenario.wantsNamespace { try await prepareNamespace() }
        var exchanges: [Exchange] = []
        for step in scenario.steps {
            let answer: Exchange
            do {
                answer = try await self.answer(to: step)
            } catch {
                throw FixtureError("\(scenario.name)/\(step.name): \(error)")
            }
            answers[step.name] = answer.body
            for (variable, path) in step.saves {
                variables[variable] = answer.value.value(atPath: path).map { $0.stringValue ?? $0.text }
            }
            guard step.isCompared else { continue }
            var compared = answer
            if step.isUnordered { compared.body = Self.ordered(answer.body) }
            exchanges.append(normalizer.normalize(compared))
        }
        return exchanges
    }

    /// The document with all lists sorted: those of objects by name.
    private static func ordered(_ value: JSONValue) -> JSONValue {
        func key(_ element: JSONValue) -> String {
            (element["object"] ?? element)["metadata"]?["name"]?.stringValue ?? element.text
        }
        switch value {
        case .array(let elements): return .array(elements.map(ordered).sorted { key($0) < key($1) })
        case .object(let members): return .object(JSONObject(members.map { ($0.key, ordered($0.value)) }))
        default: return value
        }
    }

    /// Makes the namespace and waits for what the controllers put into every namespace.
    private mutating func prepareNamespace() async throws {
        variables["ns"] = scenario.namespace
        variables["core"] = "/api/v1/namespaces/\(scenario.namespace)"
        variables["apps"] = "/apis/apps/v1/namespaces/\(scenario.namespace)"
        var create = try Step(["post": "/api/v1/namespaces", "name": "namespace"])
        create.body = .document(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "$ns"]])
        create.headers["Content-Type"] = "application/json"
        let made = try await answer(to: create)
        guard made.status == 201 else { throw FixtureError("no namespace for \(scenario.name): \(made.body.text)") }
        for path in ["serviceaccounts/default", "configmaps/kube-root-ca.crt"] {
            var step = try Step(["get": .string("/api/v1/namespaces/$ns/\(path)")])
            // The 1.20 server has a service account's Secret made by another controller.
            step.until = ["status": 200, path.hasPrefix("s") ? "body.metadata.name" : "body.kind": .any]
            _ = try await answer(to: step)
        }
    }

    private mutating func answer(to step: Step) async throws -> Exchange {
        let time = SystemTimeSource()
        let start = time.now()
        while true {
            let exchange = try await once(step)
            let isReached = step.until.allSatisfy { path, wanted in
                let found = exchange.value.value(atPath: path.split(separator: ".").map(String.init))
                return wanted == .any ? found != nil : (found ?? .null) == wanted
            }
            // The last answer then is what is compared, and shows what was missing.
            guard !isReached, start.duration(to: time.now()) < patience else { return exchange }
            try await time.sleep(for: .milliseconds(50))
        }
    }

    private mutating func once(_ step: Step) async throws -> Exchange {
        switch step.action {
        case .collect(let name):
            guard let reader = streams[name] else { throw FixtureError("\(scenario.name): no stream \(name)") }
            return Exchange(
                step: step.name,
                status: 200,
                headers: [:],
                body: .array(try await reader.read(step.events))
            )
        case .open:
            let stream = try await transport.stream(try request(for: step))
            streams[step.name] = EventReader(stream.body)
            return Exchange(step: step.name, status: stream.status, headers: headers(stream.headers), body: .null)
        case .send where step.events != nil || step.path.contains("watch="):
            let stream = try await transport.stream(try request(for: step))
            let body: JSONValue =
                if stream.status == 200 {
                    .array(try await EventReader(stream.body).read(step.events))
                } else {
                    Self.document(try await stream.body.collect(upTo: 1 << 20))
                }
            return Exchange(step: step.name, status: stream.status, headers: headers(stream.headers), body: body)
        case .send:
            let response = try await transport.perform(try request(for: step))
            return Exchange(
                step: step.name,
                status: response.status,
                headers: headers(response.headers),
                body: Self.document(response.body)
            )
        }
    }

    private func headers(_ headers: [HTTPHeader]) -> [String: String] {
        var compared: [String: String] = [:]
        for name in Exchange.comparedHeaders {
            let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
            if !values.isEmpty { compared[name] = values.joined(separator: "; ") }
        }
        return compared
    }

    /// The body as a document; one that is not JSON as text.
    private static func document(_ bytes: [UInt8]) -> JSONValue {
        guard !bytes.isEmpty else { return .null }
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            return .string(String(decoding: bytes, as: UTF8.self))
        }
    }

    private func request(for step: Step) throws -> HTTPRequest {
        var body: [UInt8]?
        switch step.body {
        case .none: break
        case .text(let text): body = Array(filled(text).utf8)
        case .document(let document): body = padded(filled(document), step.padding).serialized()
        case .answer(let name, let patch):
            guard let answer = answers[name] else { throw FixtureError("\(scenario.name): no answer \(name)") }
            body = JSONMergePatch.apply(filled(patch), to: answer).serialized()
        }
        var headers = step.isAnonymous ? [] : endpoint.headers
        for (name, value) in step.headers.sorted(by: { $0.key < $1.key }) {
            headers.removeAll { $0.name == name }
            headers.append(HTTPHeader(name: name, value: filled(value)))
        }
        if !headers.contains(where: { $0.name == "User-Agent" }) {
            headers.append(HTTPHeader(name: "User-Agent", value: "contract/1.0"))
        }
        return HTTPRequest(
            method: step.method,
            url: endpoint.url + filled(step.path),
            headers: headers,
            body: body,
            security: step.isAnonymous || step.headers["Authorization"] != nil ? endpoint.anonymous : endpoint.security,
            reuse: step.action == .open ? .dedicated : .pooled
        )
    }

    private func padded(_ document: JSONValue, _ count: Int) -> JSONValue {
        guard count > 0 else { return document }
        return JSONMergePatch.apply(["data": ["padding": .string(String(repeating: "x", count: count))]], to: document)
    }

    /// The text with the variables filled in; longer names first, so that none hides another.
    private func filled(_ text: String) -> String {
        guard text.contains("$") else { return text }
        return variables.sorted { $0.key.count > $1.key.count }.reduce(text) { text, variable in
            text.replacingOccurrences(of: "$\(variable.key)", with: variable.value)
        }
    }

    private func filled(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(filled(text))
        case .array(let elements): .array(elements.map(filled))
        case .object(let members): .object(JSONObject(members.map { (filled($0.key), filled($0.value)) }))
        default: value
        }
    }
}

extension JSONValue {
    /// In `until`: the member is there, whatever it is.
    static let any = JSONValue.string("*")

    /// The value at a path of member names and element numbers.
    func value(atPath path: [String]) -> JSONValue? {
        path.reduce(self as JSONValue?) { value, component in
            value?[component] ?? Int(component).flatMap { value?[index: $0] }
        }
    }
}

/// Reads the events of a watch, one at a time.
final class EventReader {
    private var iterator: HTTPBody.AsyncIterator
    private var rest: [UInt8] = []

    init(_ body: HTTPBody) {
        iterator = body.makeAsyncIterator()
    }

    /// The next `count` events; all that come before the end when nil or when the end comes first.
    func read(_ count: Int?) async throws -> [JSONValue] {
        var events: [JSONValue] = []
        while events.count < count ?? .max, let line = try await line() {
            events.append(try JSONValue(parsing: line))
        }
        return events
    }

    private func line() async throws -> [UInt8]? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(rest[..<end])
                rest.removeSubrange(...end)
                if !line.isEmpty { return line }
            } else if let chunk = try await iterator.next() {
                rest += chunk
            } else {
                defer { rest = [] }
                return rest.isEmpty ? nil : rest
            }
        }
    }
}
