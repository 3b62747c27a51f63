import Foundation
import JSON
import Testing

@testable import SandboxServer

/// Compares with what the library of the real server has answered: see the README beside the fixtures.
@Suite("Ownership and merging as structured-merge-diff 6.3.2")
struct StructuredMergeTests {
    /// One recorded step.
    private struct Step {
        let live: JSONValue
        let managers: JSONObject
        let object: JSONValue
        let manager: String
        let force: Bool
        let isApply: Bool
        let result: JSONValue

        init(_ line: JSONValue) throws {
            live = try #require(line["live"])
            managers = try #require(line["managers"]?.objectValue)
            object = try #require(line["obj"])
            manager = try #require(line["manager"]?.stringValue)
            force = line["force"] == true
            isApply = line["op"] == "apply"
            result = try #require(line["result"])
        }

        /// The state before, as the server stores it; nil before the first step.
        var stored: JSONValue? {
            guard live != [:] || !managers.isEmpty else { return nil }
            var stored = Self.completed(live)
            stored.managedFields = .array(
                managers.map { name, fields in
                    [
                        "manager": .string(name), "operation": name.hasPrefix("a") ? "Apply" : "Update",
                        "apiVersion": "example.com/v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
                    ]
                }
            )
            return stored
        }

        static func completed(_ object: JSONValue) -> JSONValue {
            var object = object
            object["apiVersion"] = "example.com/v1"
            object["kind"] = "Thing"
            return object
        }

        /// An object as the library sees it, and who owns what.
        static func state(_ object: JSONValue) -> (object: JSONValue, managers: JSONValue) {
            let entries = object.managedFields?.arrayValue ?? []
            let managers = entries.map { ($0["manager"]?.stringValue ?? "", $0["fieldsV1"] ?? [:]) }
            return (["spec": object["spec"] ?? [:]], .object(Dictionary(managers) { $1 }))
        }
    }

    private static let folder = "Fixtures/structured-merge-diff-6.3.2/"

    private static func lines(_ name: String) throws -> [JSONValue] {
        let root = try #require(Bundle.module.resourceURL)
        let text = try String(contentsOf: root.appending(path: folder + name), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    private func context() throws -> ManagedFields.Context {
        let root = try #require(Bundle.module.resourceURL)
        let data = try Data(contentsOf: root.appending(path: Self.folder + "schema.json"))
        let properties = try #require(try JSONValue(parsing: Array(data))["properties"])
        return PatchingFixtures.custom(properties)
    }

    @Test("every recorded step")
    func steps() throws {
        let context = try context()
        let steps = try Self.lines("steps.jsonl").map { try Step($0) }
        #expect(steps.count > 100)
        for (number, step) in steps.enumerated() {
            if step.isApply {
                try checkApply(step, context, "step \(number)")
            } else {
                let new = Step.completed(step.object)
                let result = ManagedFields.update(old: step.stored, new: new, manager: step.manager, in: context)
                #expect(Step.state(result).managers == step.result["managers"], "step \(number)")
            }
        }
    }

    private func checkApply(_ step: Step, _ context: ManagedFields.Context, _ comment: Comment) throws {
        do throws(APIFailure) {
            let applied = try ServerSideApply.apply(
                config: Step.completed(step.object),
                live: step.stored,
                manager: step.manager,
                force: step.force,
                in: context
            )
            let state = Step.state(applied)
            let expected = step.result["object"] ?? step.live
            #expect(state.object["spec"] == expected["spec"] ?? [:], comment)
            #expect(state.managers == step.result["managers"], comment)
        } catch {
            let fields = error.causes.map { cause in
                cause.message.split(separator: "\"").dropFirst().prefix(1).joined() + " " + cause.field
            }
            let conflicts = step.result["conflicts"]?.strings ?? []
            #expect(Set(fields) == Set(conflicts), comment)
            if conflicts.isEmpty {
                let problems = try #require(step.result["error"]?.stringValue, comment)
                #expect(error.message.hasSuffix("Kind=Thing): " + problems), comment)
            }
        }
    }
}
