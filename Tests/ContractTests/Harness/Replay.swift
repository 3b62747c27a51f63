import Foundation
import JSON

/// The requests that were recorded at a kube-apiserver 1.36.2, as one scenario, and its answers.
///
/// Versions and tokens that the recorded requests took from earlier answers are taken from the answers of the server
/// that is asked now. What was done between the recorded requests stands in `between.yaml` beside the differences.
struct Replay {
    /// `Tests/SandboxServerTests/Fixtures/kube-1.36.2`.
    static let recordings = Fixtures.checkout.appending(path: "Tests/SandboxServerTests/Fixtures/kube-1.36.2")

    let scenario: Scenario
    /// The recorded answers, normalised.
    let answers: [Exchange]

    init() throws {
        let between = try Fixtures.yaml(Fixtures.directory.appending(path: "kube-1.36.2/between.yaml"))
        let definition = String(
            decoding: try Fixtures.bytes(Self.recordings.appending(path: "crd-in-use.yaml")),
            as: UTF8.self
        )
        var steps: [Step] = []
        var recorded: [Exchange] = []
        var names: [String: String] = [:]
        for url in try Fixtures.files(in: Self.recordings, ending: "json") {
            let name = url.deletingPathExtension().lastPathComponent
            for step in between[name]?.arrayValue ?? [] {
                var step = try Step(step)
                step.isCompared = false
                if step.body == .text("$definition") { step.body = .text(definition) }
                steps.append(step)
                for variable in step.saves.keys { names[String(variable.dropFirst())] = variable }
            }
            let pair = try JSONValue(parsing: try Fixtures.bytes(url))
            guard let request = pair["request"], let response = pair["response"] else { throw FixtureError(name) }
            var step = try Step(["get": request["path"] ?? "", "name": .string(name)])
            step.method = request["method"]?.stringValue ?? ""
            step.path = Self.replacing(names, in: step.path)
            step.headers = request["headers"]?.stringDictionary ?? [:]
            step.headers["User-Agent"] = "recorder"
            step.body = Self.body(request["body"] ?? .null, names)
            Self.note(response["body"] ?? .null, path: ["body"], names: &names, saves: &step.saves)
            steps.append(step)
            recorded.append(
                Exchange(
                    step: name,
                    status: Int(response["status"]?.intValue ?? 0),
                    headers: response["headers"]?.stringDictionary ?? [:],
                    body: response["body"] ?? .null
                )
            )
        }
        let scenario = Scenario(name: "replay", steps: steps, namespace: false)
        var normalizer = Normalizer(scenario)
        answers = recorded.map { normalizer.normalize($0) }
        self.scenario = scenario
    }

    private static func body(_ body: JSONValue, _ names: [String: String]) -> Step.Body {
        switch body {
        case .null: .none
        case .string(let text): .text(text)
        default: .document(replacing(names, in: body))
        }
    }

    /// Gives the versions and tokens of an answer names, and has the step save what it gets in their places.
    private static func note(
        _ value: JSONValue,
        path: [String],
        names: inout [String: String],
        saves: inout [String: [String]]
    ) {
        switch value {
        case .object(let members):
            for (key, member) in members {
                if ["resourceVersion", "continue"].contains(key), let text = member.stringValue, text.count > 4 {
                    let name = key == "continue" ? "continue" : "v\(text)"
                    names[text] = name
                    saves[name] = path + [key]
                } else {
                    note(member, path: path + [key], names: &names, saves: &saves)
                }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                note(element, path: path + ["\(index)"], names: &names, saves: &saves)
            }
        default: break
        }
    }

    private static func replacing(_ names: [String: String], in text: String) -> String {
        names.reduce(text) { $0.replacingOccurrences(of: $1.key, with: "$\($1.value)") }
    }

    private static func replacing(_ names: [String: String], in value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(replacing(names, in: text))
        case .array(let elements): .array(elements.map { replacing(names, in: $0) })
        case .object(let members): .object(JSONObject(members.map { ($0.key, replacing(names, in: $0.value)) }))
        default: value
        }
    }
}
