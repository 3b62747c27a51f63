import JSON
import Testing

@testable import SandboxServer

/// What holds whatever is applied and changed in whatever order.
@Suite("Ownership of fields, under random changes")
struct FieldOwnershipTests {
    private let context = PatchingFixtures.custom([
        "spec": [
            "type": "object",
            "properties": [
                "text": ["type": "string"],
                "set": ["type": "array", "x-kubernetes-list-type": "set", "items": ["type": "string"]],
                "list": ["type": "array", "items": ["type": "string"]],
                "items": [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": [
                        "type": "object",
                        "properties": [
                            "name": ["type": "string"], "value": ["type": "string"],
                            "labels": ["type": "object", "additionalProperties": ["type": "string"]],
                        ],
                    ],
                ],
                "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
            ],
        ]
    ])

    /// SplitMix64: the same changes for the same seed.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }

        mutating func text() -> JSONValue { .string(["1", "2", "3"].randomElement(using: &self) ?? "") }

        mutating func subset(_ names: [String]) -> [String] {
            names.filter { _ in Bool.random(using: &self) }.shuffled(using: &self)
        }

        mutating func map(_ names: [String]) -> JSONValue {
            .object(JSONObject(subset(names).map { ($0, text()) }))
        }

        /// A configuration without empty lists of type set or map: those have no owner, and so come and go.
        mutating func spec() -> JSONValue {
            var spec: JSONValue = [:]
            for field in subset(["text", "set", "list", "items", "free"]) {
                let value = value(of: field)
                if value != [] || field == "list" { spec[field] = value }
            }
            return spec
        }

        private mutating func value(of field: String) -> JSONValue {
            switch field {
            case "text": return text()
            case "set", "list": return .array(subset(["a", "b", "c"]).map { .string($0) })
            case "free": return ["deep": map(["x", "y"])]
            default:
                return .array(
                    subset(["a", "b", "c"]).map { name in
                        var item: JSONValue = ["name": .string(name), "labels": map(["k", "l"])]
                        if Bool.random(using: &self) { item["value"] = text() }
                        return item
                    }
                )
            }
        }
    }

    /// Runs a number of random steps, and shows each to a check.
    private func run(
        _ seed: UInt64,
        steps: Int = 25,
        isEdited: Bool = true,
        _ check: (_ before: JSONValue?, _ config: JSONValue, _ manager: String, _ after: JSONValue) throws -> Void
    ) throws {
        var generator = Generator(state: seed)
        var live: JSONValue?
        for _ in 0..<steps {
            let config = PatchingFixtures.thing(["spec": generator.spec()])
            if isEdited, let before = live, Int.random(in: 0..<3, using: &generator) == 0 {
                var new = before
                new["spec"] = JSONMergePatch.apply(config["spec"] ?? [:], to: before["spec"] ?? [:])
                live = ManagedFields.update(old: before, new: new, manager: "editor", in: context)
                continue
            }
            let manager = ["one", "two", "three"].randomElement(using: &generator) ?? ""
            let after = try apply(config, to: live, by: manager)
            try check(live, config, manager, after)
            live = after
        }
    }

    private func apply(_ config: JSONValue, to live: JSONValue?, by manager: String) throws -> JSONValue {
        try ServerSideApply.apply(config: config, live: live, manager: manager, force: true, in: context)
    }

    private func owned(_ object: JSONValue, by isIncluded: (String) -> Bool = { _ in true }) throws -> FieldSet {
        try FieldManagers(decoding: object.managedFields).entries
            .filter { isIncluded($0.key.manager) }
            .values.reduce(FieldSet()) { $0.union($1.fields) }
    }

    @Test("applying the same twice changes nothing", arguments: 0..<6 as Range<UInt64>)
    func idempotence(_ seed: UInt64) throws {
        try run(seed) { _, config, manager, after in
            #expect(try apply(config, to: after, by: manager) == after)
            let unforced = try ServerSideApply.apply(
                config: config,
                live: after,
                manager: manager,
                force: false,
                in: context
            )
            #expect(unforced == after)
        }
    }

    @Test("the manager owns exactly what it applied, and the object has it", arguments: 0..<6 as Range<UInt64>)
    func ownFields(_ seed: UInt64) throws {
        try run(seed) { _, config, manager, after in
            let applied = FieldSet(of: config, schema: context.schema).subtracting(.untracked)
            let own = try owned(after) { $0 == manager }
            #expect(own == applied)
            // Applying it once more to the object alone would change nothing in it.
            let merged = FieldMerge.merge(config, into: after, schema: context.schema)
            #expect(merged?["spec"] == after["spec"])
        }
    }

    @Test("every field that has an owner is in the object", arguments: 0..<6 as Range<UInt64>)
    func noStaleFields(_ seed: UInt64) throws {
        try run(seed) { _, _, _, after in
            let present = FieldSet(of: after, schema: context.schema).includingNamedParents(schema: context.schema)
            let stale = try owned(after).subtracting(present).paths.filter { after.isMissing($0) }
            #expect(stale.isEmpty)
        }
    }

    // Only among managers that apply: one that edits may own something inside of what another has applied, without
    // owning what is around it, and loses it together with that.
    @Test("letting go of everything removes only what nobody else has applied", arguments: 0..<6 as Range<UInt64>)
    func release(_ seed: UInt64) throws {
        try run(seed, isEdited: false) { _, _, manager, after in
            guard after.managedFields != nil else { return }
            let others = try owned(after) { $0 != manager }
            let released = try apply(PatchingFixtures.thing(), to: after, by: manager)
            let remaining = try owned(released) { $0 != manager }
            #expect(remaining == others)
            let comparison = FieldComparison(from: after.unmanaged, to: released.unmanaged, schema: context.schema)
            #expect(comparison.added.isEmpty && comparison.modified.isEmpty)
            #expect(comparison.removed.intersection(others).isEmpty)
        }
    }

    @Test("sets survive being written and read", arguments: 0..<6 as Range<UInt64>)
    func coding(_ seed: UInt64) throws {
        try run(seed) { _, _, _, after in
            let fields = try owned(after)
            #expect(FieldSet(fieldsV1: fields.fieldsV1) == fields)
            #expect(FieldSet(paths: fields.paths) == fields)
        }
    }

    @Test("sets obey the laws of sets", arguments: 0..<6 as Range<UInt64>)
    func algebra(_ seed: UInt64) throws {
        var generator = Generator(state: seed)
        for _ in 0..<20 {
            let one = FieldSet(of: generator.spec(), schema: context.schema)
            let two = FieldSet(of: generator.spec(), schema: context.schema)
            #expect(one.union(two) == two.union(one))
            #expect(one.intersection(two) == two.intersection(one))
            #expect(one.subtracting(two).union(one.intersection(two)) == one)
            #expect(one.subtracting(two).intersection(two).isEmpty)
            #expect(one.subtractingTrees(one).isEmpty)
            #expect(one.union(one) == one)
        }
    }
}

extension JSONValue {
    /// Whether a path of fields leads to nothing; elements of lists count as there.
    fileprivate func isMissing(_ path: [PathElement]) -> Bool {
        var current = self
        for element in path {
            guard case .field(let name) = element else { return false }
            guard let next = current[name] else { return true }
            current = next
        }
        return false
    }
}
