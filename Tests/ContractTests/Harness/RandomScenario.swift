import JSON

/// Sequences of writes to a few objects, drawn from a seed.
enum RandomScenario {
    /// Those whose answers are recorded.
    static let recorded = (1...4).map { make(seed: $0) }
    /// Those that are sent to both servers whenever there is a control plane.
    static let fresh = (101...130).map { make(seed: $0) }

    /// One step after the other, each chosen without regard to what the last one answered.
    static func make(seed: UInt64) -> Scenario {
        var draw = Draw(state: seed)
        var steps: [Step] = []
        for number in 1...40 {
            var step = draw.step()
            step.name = "\(number) \(step.name)"
            steps.append(step)
        }
        return Scenario(name: "random/seed \(seed)", steps: steps, namespace: true)
    }

    /// Draws steps; the sequence depends on the seed alone.
    private struct Draw {
        var state: UInt64

        /// The generator SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            return bits ^ (bits >> 31)
        }

        mutating func below(_ bound: UInt64) -> Int { Int(next() % bound) }
        mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
        mutating func name() -> String { ["a", "b"][below(2)] }
        mutating func manager() -> String { ["one", "two", "three"][below(3)] }

        /// Up to three members, and one that is always there: what becomes of emptied maps is a matter of versions.
        mutating func data() -> JSONValue {
            var data: JSONValue = ["always": "1"]
            for key in ["k", "l", "m"] where chance(50) { data[key] = .string("\(below(3))") }
            return data
        }

        mutating func object(_ name: String) -> JSONValue {
            var metadata: JSONValue = ["name": .string(name)]
            if chance(40) { metadata["labels"] = ["app": .string("\(below(2))"), "fixed": "x"] }
            if chance(15) { metadata["finalizers"] = ["example.io/f"] }
            return ["apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data()]
        }

        mutating func step() -> Step {
            let name = name()
            let path = "$core/configmaps/\(name)"
            var step = Step(name: "", path: path)
            switch below(10) {
            case 0, 1:
                step.fill("create", "POST", "$core/configmaps", object(name), "application/json")
            case 2:
                step.fill("update", "PUT", path, object(name), "application/json")
            case 3:
                let stale = JSONMergePatch.apply(["metadata": ["resourceVersion": "1"]], to: object(name))
                step.fill("update by version", "PUT", path, stale, "application/json")
            case 4:
                var patch: JSONValue = ["data": data()]
                patch.set(.null, at: ["data", ["k", "l", "m"][below(3)]])
                if chance(30) { patch["metadata"] = ["finalizers": .null] }
                step.fill("merge patch", "PATCH", path, patch, "application/merge-patch+json")
            case 5:
                let key = ["k", "l", "m"][below(3)]
                let operation = ["add", "replace", "remove", "test"][below(4)]
                let patch: JSONValue = [["op": .string(operation), "path": .string("/data/\(key)"), "value": "1"]]
                step.fill("json patch", "PATCH", path, patch, "application/json-patch+json")
            case 6, 7, 8:
                let force = chance(40) ? "&force=true" : ""
                let query = "\(path)?fieldManager=\(manager())\(force)"
                step.fill("apply", "PATCH", query, object(name), "application/apply-patch+yaml")
            default:
                if chance(60) {
                    step.fill("delete", "DELETE", path, nil, "")
                } else {
                    step.fill("list", "GET", "$core/configmaps?labelSelector=app%3D\(below(2))", nil, "")
                }
            }
            return step
        }
    }
}

extension Step {
    fileprivate mutating func fill(
        _ name: String,
        _ method: String,
        _ path: String,
        _ document: JSONValue?,
        _ type: String
    ) {
        self.name = name
        self.method = method
        self.path = path
        guard let document else { return }
        body = .document(document)
        headers["Content-Type"] = type
    }
}
