import JSON
import Testing

/// The containers that hand-written Codable types ask for.
struct JSONCodingContainersTests {
    private enum Key: String, CodingKey { case list, object, more, parent }

    /// Uses nested containers and fills them alternately, as an encoder must allow.
    private struct Nested: Codable, Equatable {
        var numbers: [Int]
        var name: String

        init(numbers: [Int], name: String) {
            self.numbers = numbers
            self.name = name
        }

        init(from decoder: any Decoder) throws {
            let root = try decoder.container(keyedBy: Key.self)
            var list = try root.nestedUnkeyedContainer(forKey: .list)
            numbers = []
            while !list.isAtEnd {
                if try list.decodeNil() { continue }
                numbers.append(try list.decode(Int.self))
            }
            let object = try root.nestedContainer(keyedBy: Key.self, forKey: .object)
            var inner = try object.nestedUnkeyedContainer(forKey: .more)
            _ = try inner.nestedUnkeyedContainer()
            name = try inner.nestedContainer(keyedBy: Key.self).decode(String.self, forKey: .more)
        }

        func encode(to encoder: any Encoder) throws {
            var root = encoder.container(keyedBy: Key.self)
            var list = root.nestedUnkeyedContainer(forKey: .list)
            var object = root.nestedContainer(keyedBy: Key.self, forKey: .object)
            var inner = object.nestedUnkeyedContainer(forKey: .more)
            try list.encodeNil()
            for number in numbers { try list.encode(number) }
            _ = inner.nestedUnkeyedContainer()
            var last = inner.nestedContainer(keyedBy: Key.self)
            try last.encode(name, forKey: .more)
            // Asking again gives the same container, not an empty one.
            var again = encoder.container(keyedBy: Key.self)
            try again.encodeNil(forKey: .more)
        }
    }

    @Test func `Nested containers may be filled in any order`() throws {
        let nested = Nested(numbers: [1, 2], name: "x")
        let value = try JSONValue(encoding: nested)
        #expect(value.text == #"{"list":[null,1,2],"more":null,"object":{"more":[[],{"more":"x"}]}}"#)
        #expect(try value.decode(Nested.self) == nested)
    }

    private class Base: Codable {
        var id = 1
    }

    private final class Derived: Base {
        var name = "x"
        var useKey = false

        init(useKey: Bool) {
            super.init()
            self.useKey = useKey
        }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            name = try container.decode(String.self, forKey: .object)
            let parent =
                try container.contains(.parent) ? container.superDecoder(forKey: .parent) : container.superDecoder()
            try super.init(from: parent)
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(name, forKey: .object)
            try super.encode(to: useKey ? container.superEncoder(forKey: .parent) : container.superEncoder())
        }
    }

    @Test(arguments: [(false, "super"), (true, "parent")])
    func `A superclass has a place of its own`(useKey: Bool, key: String) throws {
        let value = try JSONValue(encoding: Derived(useKey: useKey))
        #expect(value == .object(["object": "x", key: ["id": 1]]))
        let decoded = try value.decode(Derived.self)
        #expect(decoded.id == 1 && decoded.name == "x")
    }

    private struct Supers: Codable, Equatable {
        var values: [Int]

        init(values: [Int]) {
            self.values = values
        }

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            values = []
            while !list.isAtEnd {
                values.append(try Int(from: list.superDecoder()))
            }
            #expect(list.currentIndex == list.count)
            #expect(throws: DecodingError.self) { try list.decode(Int.self) }
            #expect(throws: DecodingError.self) { try list.superDecoder() }
            #expect(throws: DecodingError.self) { try list.decodeNil() }
        }

        func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            for value in values {
                try value.encode(to: list.superEncoder())
            }
            #expect(list.count == values.count)
        }
    }

    @Test func `An array hands out elements and refuses to go past its end`() throws {
        let value = try JSONValue(encoding: Supers(values: [1, 2]))
        #expect(value == [1, 2])
        #expect(try value.decode(Supers.self) == Supers(values: [1, 2]))
    }

    private struct Failing: Decodable {
        var index: Int

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            // A mismatch does not consume the element.
            #expect(throws: DecodingError.self) { try list.decode(Bool.self) }
            #expect(throws: DecodingError.self) { try list.nestedContainer(keyedBy: Key.self) }
            #expect(throws: DecodingError.self) { try list.nestedUnkeyedContainer() }
            index = list.currentIndex
            #expect(try list.decode(String.self) == "x")
        }
    }

    @Test func `A failed decode leaves its element in place`() throws {
        #expect(try (["x"] as JSONValue).decode(Failing.self).index == 0)
    }

    private struct Empty: Encodable {
        func encode(to encoder: any Encoder) {}
    }

    @Test func `A value that encodes nothing is an empty object`() throws {
        #expect(try JSONValue(encoding: Empty()) == [:])
        #expect(try JSONValue(encoding: [Empty()]) == [[:]])
    }

    @Test func `All keys are listed and missing ones are nil`() throws {
        struct Keys: Decodable {
            var keys: [String]

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                keys = container.allKeys.map(\.stringValue)
                #expect(container.contains(.list) && !container.contains(.object))
                #expect(try container.decodeNil(forKey: .list))
                #expect(try container.decodeIfPresent(Int.self, forKey: .list) == nil)
                #expect(try container.decodeIfPresent(Int.self, forKey: .object) == nil)
                #expect(throws: DecodingError.self) { try container.decodeNil(forKey: .object) }
            }
        }
        let value: JSONValue = ["list": .null, "more": 1, "unknown": 2]
        #expect(try value.decode(Keys.self).keys == ["list", "more"])
    }
}
