import JSON
import Testing

/// The sorted array behaves as the dictionary that it stands for.
struct JSONObjectTests {
    @Test(
        "Members in any order end up sorted, the last of equal keys counts",
        arguments: [
            [], ["a"], ["b", "a"], ["a", "b", "c"], ["c", "b", "a"], ["a", "a"], ["b", "a", "b", "a"],
            ["a", "b", "a", "c", "a"], (0..<16).map { "\($0 * 7 % 16)" }, (0..<17).map { "\($0 * 7 % 17)" },
            (0..<100).map { "\($0 * 37 % 50)" }, ["é", "e", "", "\u{0}", "Z", "z"],
        ]
    )
    func making(keys: [String]) {
        let pairs = keys.enumerated().map { (key: $1, value: JSONValue.number($0)) }
        let model = Dictionary(pairs.map { ($0.key, $0.value) }) { $1 }
        for object in [JSONObject(pairs), JSONObject(model)] {
            #expect(Array(object.keys) == model.keys.sorted())
            #expect(object.dictionary == model)
            #expect(object == JSONObject(model) && object.hashValue == JSONObject(model).hashValue)
        }
        // The parser takes members in the same way, from the end of a shared array.
        let text =
            "[{" + pairs.map { "\(JSONValue.string($0.key).text):\($0.value.text)" }.joined(separator: ",") + "}]"
        #expect((try? JSONValue(parsing: text)) == [.object(model)])
    }

    @Test(
        "A key that resembles a well-known one stays itself",
        arguments: ["kind", "metadata", "namespace", "creationTimestamp", "terminationMessagePolicy", "managedFields"]
    )
    func similarKeys(known: String) throws {
        var variants = [known, known + "x", "x" + known, String(known.dropLast()), String(known.dropFirst())]
        for place in known.indices {
            var variant = known
            variant.replaceSubrange(place...place, with: "_")
            variants.append(variant)
        }
        let object = JSONObject(variants.map { (key: $0, value: JSONValue.string($0)) })
        // Pretty or not, at the end of the document or far from it, alone or among others.
        #expect(try JSONValue(parsing: JSONValue.object(object).serialized()) == .object(object))
        #expect(try JSONValue(parsing: JSONValue.object(object).serialized(pretty: true)) == .object(object))
        for variant in variants {
            #expect(try JSONValue(parsing: #"{"\#(variant)":1}"#).objectValue?.first?.key == variant)
        }
    }

    @Test func `Members beyond those that are inserted in order are sorted at the end`() throws {
        for count in [31, 32, 33, 34, 200] {
            let keys = (0..<count).map { "key\($0 * 7919 % count)" } + ["key0", "key1"]
            let text = "{" + keys.enumerated().map { #""\#($1)":\#($0)"# }.joined(separator: ",") + "}"
            let object = try JSONValue(parsing: text).objectValue ?? [:]
            #expect(Array(object.keys) == Set(keys).sorted())
            #expect(object["key0"] == .number(count) && object["key1"] == .number(count + 1))
        }
    }

    @Test(arguments: 0..<4)
    func `Random changes do to an object what they do to a dictionary`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var object = JSONObject()
        var model: [String: JSONValue] = [:]
        for step in 0..<2_000 {
            let key = "k\(Int.random(in: 0..<40, using: &random))"
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                object[key] = .number(step)
                model[key] = .number(step)
            case 1:
                object[key] = nil
                model[key] = nil
            case 2:
                #expect(object.removeValue(forKey: key) == model.removeValue(forKey: key))
            case 3:
                #expect(object.updateValue("u", forKey: key) == model.updateValue("u", forKey: key))
            case 4:
                object[key, default: .null].set(.number(step), at: ["x"])
                model[key, default: .null].set(.number(step), at: ["x"])
            default:
                #expect(object[key] == model[key])
                #expect(object[key, default: "none"] == model[key, default: "none"])
            }
            #expect(object.count == model.count)
        }
        #expect(object.dictionary == model)
        #expect(Array(object.keys) == model.keys.sorted())
    }

    @Test func `The operations of a dictionary are there`() {
        let object: JSONObject = ["b": 2, "a": 1, "c": "x"]
        #expect(object.map(\.key) == ["a", "b", "c"])
        #expect(Array(object.values) == [1, 2, "x"])
        #expect(object.first?.key == "a" && object.last?.value == "x" && object[1].key == "b")
        #expect(!object.isEmpty && JSONObject().isEmpty)
        #expect(object.mapValues(\.text) == ["a": "1", "b": "2", "c": "\"x\""])
        #expect(object.compactMapValues(\.intValue) == ["a": 1, "b": 2])
        #expect(object.filter { $0.key != "b" } as JSONObject == ["a": 1, "c": "x"])
        #expect(
            object.merging(["c": 3, "d": 4] as JSONObject) { old, _ in old } == ["a": 1, "b": 2, "c": "x", "d": 4]
        )
        #expect(object.merging(["c": 3] as JSONObject) { _, new in new }["c"] == 3)
    }
}
