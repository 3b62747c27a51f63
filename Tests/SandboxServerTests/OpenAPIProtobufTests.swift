import JSON
import Testing

@testable import SandboxServer

@Suite("OpenAPI version 2 in Protobuf")
struct OpenAPIProtobufTests {
    /// A field of a message: its number, and its content when that is of variable length.
    private struct Field: Equatable {
        var number: UInt64
        var content: [UInt8] = []
        var value: UInt64 = 0
    }

    @Test("writes texts, flags, numbers and nested messages under their numbers")
    func schema() throws {
        let document: JSONValue = [
            "swagger": "2.0",
            "definitions": [
                "T": [
                    "type": "object", "required": ["a"], "default": [:], "maxLength": 300, "uniqueItems": true,
                    "maximum": 1.5, "properties": ["a": ["$ref": "#/definitions/U"]],
                    "x-kubernetes-list-type": "map",
                ]
            ],
        ]
        let fields = try Self.fields(OpenAPIProtobuf.encode(document))
        #expect(fields.map(\.number) == [9, 1])
        #expect(fields[1].content == Array("2.0".utf8))
        let named = try Self.fields(try Self.fields(fields[0].content)[0].content)
        #expect(named[0] == Field(number: 1, content: Array("T".utf8)))
        let schema = try Self.fields(named[1].content)
        #expect(Set(schema.map(\.number)) == [5, 7, 11, 16, 19, 22, 25, 31])
        #expect(schema.first { $0.number == 11 }?.value == 300)
        #expect(schema.first { $0.number == 16 }?.value == 1)
        #expect(schema.first { $0.number == 7 }?.value == (1.5).bitPattern)
        #expect(schema.first { $0.number == 19 }?.content == Array("a".utf8))
        let standard = try Self.fields(schema.first { $0.number == 5 }?.content ?? [])
        #expect(standard == [Field(number: 2, content: Array("{}".utf8))])
        let type = try Self.fields(schema.first { $0.number == 22 }?.content ?? [])
        #expect(type == [Field(number: 1, content: Array("object".utf8))])
        let mark = try Self.fields(schema.first { $0.number == 31 }?.content ?? [])
        #expect(mark[0].content == Array("x-kubernetes-list-type".utf8))
        #expect(try Self.fields(mark[1].content) == [Field(number: 2, content: Array("\"map\"".utf8))])
    }

    @Test(
        "writes parameters by the place that they are in",
        arguments: [("body", [1, 1]), ("path", [1, 2, 4]), ("query", [1, 2, 3])] as [(String, [UInt64])]
    )
    func parameters(_ place: String, _ numbers: [UInt64]) throws {
        let parameter: JSONValue = ["name": "n", "in": .string(place), "required": true]
        let bytes = OpenAPIProtobuf.encode(["paths": ["/p": ["parameters": [parameter]]]])
        let paths = try Self.fields(try Self.fields(bytes)[0].content)
        let item = try Self.fields(try Self.fields(paths[0].content)[1].content)
        #expect(item[0].number == 9)
        var content = item[0].content
        for number in numbers {
            let field = try #require(try Self.fields(content).first)
            #expect(field.number == number)
            content = field.content
        }
        #expect(try Self.fields(content).contains { $0.content == Array("n".utf8) })
    }

    @Test("writes the whole document of the built-in kinds so that it can be read to the end")
    func whole() throws {
        let accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
        let answer = try #require(OpenAPIDocuments(version: "v1").answer(path: "/openapi/v2", accept: accept))
        #expect(answer.contentType == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
        let fields = try Self.fields(answer.bytes)
        #expect(Set(fields.map(\.number)) == [1, 2, 8, 9])
        let definitions = try #require(fields.first { $0.number == 9 })
        #expect(try Self.fields(definitions.content).count > 380)
    }

    private static func fields(_ bytes: [UInt8]) throws -> [Field] {
        var fields: [Field] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let key = try varint(&rest)
            var field = Field(number: key >> 3)
            switch key & 7 {
            case 0: field.value = try varint(&rest)
            case 1:
                for (index, byte) in rest.prefix(8).enumerated() { field.value |= UInt64(byte) << UInt64(8 * index) }
                rest = rest.dropFirst(8)
            default:
                let count = Int(try varint(&rest))
                try #require(count <= rest.count)
                field.content = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            fields.append(field)
        }
        return fields
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try #require(bytes.first)
            bytes = bytes.dropFirst()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }
}
