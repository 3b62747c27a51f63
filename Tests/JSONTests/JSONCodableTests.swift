import FoundationEssentials
import JSON
import Testing

/// Swift values to JSON and back.
struct JSONCodableTests {
    enum Phase: String, Codable {
        case pending = "Pending"
        case running = "Running"
    }

    enum Shape: Codable, Equatable {
        case empty
        case circle(Double)
        case box(width: Int, height: Int)
    }

    struct Everything: Codable, Equatable {
        var flag = true
        var text = "é\n"
        var int = Int.min
        var int8 = Int8.min
        var int16 = Int16.max
        var int32 = Int32.min
        var int64 = Int64.max
        var uint = UInt.max
        var uint8 = UInt8.max
        var uint16 = UInt16.max
        var uint32 = UInt32.max
        var uint64 = UInt64.max
        var float: Float = 0.1
        var double = 1e-300
        var date = Date(timeIntervalSince1970: 1_767_225_600)
        var data = Data([0, 255, 16])
        var phase = Phase.running
        var shapes = [Shape.empty, .circle(1.5), .box(width: 1, height: 2)]
        var nothing: Int?
        var something: Int? = 3
        var list: [Int?] = [1, nil, 3]
        var nested = [[1], [], [2, 3]]
        var strings = ["b": "x", "a": "y"]
        var byNumber = [1: "one", -2: "two"]
        var byPhase = [Phase.pending: 1]
        var free: JSONValue = ["a": [.null, 1.50]]
        var object: JSONObject = ["k": "v"]
        var set: Set<String> = ["only"]
        var range = 1..<3
    }

    @Test func `Every kind of property survives, also through text`() throws {
        let value = try JSONValue(encoding: Everything())
        #expect(try value.decode(Everything.self) == Everything())
        #expect(try JSONValue(parsing: value.serialized()).decode(Everything.self) == Everything())
    }

    @Test func `The encoded form is the one of Kubernetes`() throws {
        let value = try JSONValue(encoding: Everything())
        #expect(value["date"] == "2026-01-01T00:00:00Z")
        #expect(value["data"] == "AP8Q")
        #expect(value["nothing"] == nil)
        #expect(value["float"]?.text == "0.1")
        #expect(value["uint64"]?.text == "18446744073709551615")
        #expect(value["shapes"]?.text == #"[{"empty":{}},{"circle":{"_0":1.5}},{"box":{"height":2,"width":1}}]"#)
        #expect(value["list"] == [1, .null, 3])
        #expect(value["byNumber"] == ["1": "one", "-2": "two"])
        #expect(value["free"] == ["a": [.null, 1.5]])
    }

    private struct Inner: Decodable { var b: [Int] }

    private struct Outer: Decodable { var a: [String: Inner] }

    @Test func `What is wrong is named with its path`() {
        func path(_ value: JSONValue) -> [String]? {
            do {
                _ = try value.decode(Outer.self)
                return nil
            } catch let error as DecodingError {
                return error.path
            } catch {
                return ["another error"]
            }
        }
        #expect(path(["a": ["x": ["b": [1, 2]]]]) == nil)
        #expect(path(["a": ["x": ["b": [1, "two"]]]]) == ["a", "x", "b", "1"])
        #expect(path(["a": ["x": ["b": [1, 2.5]]]]) == ["a", "x", "b", "1"])
        #expect(path(["a": ["x": ["b": [.null]]]]) == ["a", "x", "b", "0"])
        #expect(path(["a": ["x": [:]]]) == ["a", "x", "!b"])
        #expect(path(["a": ["x": ["b": 1]]]) == ["a", "x", "b"])
        #expect(path(["a": "text"]) == ["a"])
        #expect(path([]) == [])
    }

    private func decodes<T: Decodable>(_ text: String, as type: T.Type) -> Bool {
        do {
            _ = try JSONValue(parsing: text).decode([T].self)
            return true
        } catch {
            return !(error is DecodingError)
        }
    }

    @Test(
        "A number must fit its type",
        arguments: [
            ("[127]", true), ("[128]", false), ("[-128]", true), ("[-129]", false), ("[1.0]", true), ("[1.5]", false),
            ("[1e2]", true), ("[1e9]", false),
            ("[1e400]", false), ("[\"1\"]", false), ("[true]", false), ("[null]", false),
        ]
    )
    func int8(text: String, fits: Bool) {
        #expect(decodes(text, as: Int8.self) == fits)
    }

    @Test func `The ranges of all widths are checked`() {
        #expect(!decodes("[32768]", as: Int16.self) && decodes("[32767]", as: Int16.self))
        #expect(!decodes("[2147483648]", as: Int32.self) && decodes("[-2147483648]", as: Int32.self))
        #expect(!decodes("[9223372036854775808]", as: Int64.self) && !decodes("[9223372036854775808]", as: Int.self))
        #expect(
            !decodes("[-1]", as: UInt8.self) && !decodes("[256]", as: UInt8.self) && decodes("[255]", as: UInt8.self)
        )
        #expect(!decodes("[-1]", as: UInt16.self) && !decodes("[65536]", as: UInt16.self))
        #expect(!decodes("[-1]", as: UInt32.self) && !decodes("[4294967296]", as: UInt32.self))
        #expect(!decodes("[-1]", as: UInt.self) && decodes("[18446744073709551615]", as: UInt.self))
        #expect(!decodes("[18446744073709551616]", as: UInt64.self))
        #expect(
            !decodes("[1e400]", as: Double.self) && !decodes("[1e39]", as: Float.self)
                && decodes("[1e38]", as: Float.self)
        )
    }

    @Test(
        "Dates and data are checked",
        arguments: [#"["2026-01-01"]"#, "[0]", "[null]", #"[""]"#]
    )
    func dates(text: String) throws {
        #expect(!decodes(text, as: Date.self))
        #expect(decodes(#"["2026-01-01T00:00:00.123456Z"]"#, as: Date.self))
        #expect(!decodes(#"["*"]"#, as: Data.self) && decodes(#"[""]"#, as: Data.self))
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan])
    func `What JSON cannot express is refused with its path`(number: Double) {
        let error = #expect(throws: EncodingError.self) { try JSONValue(encoding: ["a": [0, number]]) }
        guard case .invalidValue(_, let context) = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["a", "Index 1"])
        #expect(throws: EncodingError.self) { try JSONValue(encoding: [Date(timeIntervalSince1970: 1e15)]) }
        #expect(throws: EncodingError.self) { try JSONValue(encoding: Float(number)) }
    }

    @Test func `An unknown case of an enum is an error`() {
        #expect(throws: DecodingError.self) { try JSONValue.string("Lost").decode(Phase.self) }
        #expect(throws: DecodingError.self) { try (["oval": [:]] as JSONValue).decode(Shape.self) }
    }

    @Test func `Top-level values of every kind`() throws {
        #expect(try JSONValue(encoding: 1) == 1)
        #expect(try JSONValue(encoding: "x") == "x")
        #expect(try JSONValue(encoding: Int?.none) == .null)
        #expect(try JSONValue(encoding: [Int]()) == [])
        #expect(try JSONValue(encoding: [String: Int]()) == [:])
        #expect(try JSONValue.null.decode(Int?.self) == nil)
        #expect(try JSONValue.null.decode(JSONValue.self) == .null)
        #expect(throws: DecodingError.self) { try JSONValue.null.decode(Int.self) }
    }

    @Test func `A message does not show the value`() {
        let error = #expect(throws: DecodingError.self) {
            try (["token": "s3cr3t"] as JSONValue).decode([String: Int].self)
        }
        #expect(error.map { String(describing: $0).contains("s3cr3t") } == false)
    }
}

extension DecodingError {
    /// The keys and indices to what is wrong; a missing key has an exclamation mark.
    fileprivate var path: [String] {
        switch self {
        case .keyNotFound(let key, let context): context.codingPath.map(\.stringValue) + ["!" + key.stringValue]
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
        @unknown default: ["unknown"]
        }
    }
}
