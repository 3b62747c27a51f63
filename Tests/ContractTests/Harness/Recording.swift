import Foundation
import JSON

/// The normalised answers of a real server to the scenarios: one file for each file of scenarios, one line for each answer.
enum Recording {
    /// The answers of kube-apiserver 1.20.2.
    static let directory = Fixtures.directory.appending(path: "kube-1.20.2")

    /// The recorded answers by scenario.
    static func load() throws -> [String: [Exchange]] {
        var answers: [String: [Exchange]] = [:]
        for url in try Fixtures.files(in: directory, ending: "jsonl") {
            for line in try Fixtures.bytes(url).split(separator: UInt8(ascii: "\n")) {
                let value = try JSONValue(parsing: line)
                answers[value["scenario"]?.stringValue ?? "", default: []].append(try Exchange(value))
            }
        }
        return answers
    }

    /// Replaces the recording.
    static func store(_ answers: [(scenario: String, exchanges: [Exchange])]) throws {
        for old in try Fixtures.files(in: directory, ending: "jsonl") { try FileManager.default.removeItem(at: old) }
        for (file, scenarios) in Dictionary(grouping: answers, by: { $0.scenario.prefix { $0 != "/" } }) {
            var text = ""
            for (scenario, exchanges) in scenarios {
                for exchange in exchanges {
                    var value = exchange.value
                    value["scenario"] = .string(scenario)
                    text += value.text + "\n"
                }
            }
            try text.write(to: directory.appending(path: "\(file).jsonl"), atomically: true, encoding: .utf8)
        }
    }
}
