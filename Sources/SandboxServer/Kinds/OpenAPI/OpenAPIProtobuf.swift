internal import JSON

/// Writes a version 2 document as the Protobuf messages of `openapi.v2` (gnostic's OpenAPIv2.proto, field numbers from
/// there), which old and new kubectl ask for.
enum OpenAPIProtobuf {
    /// How the members of a JSON object become the fields of a message.
    private indirect enum Shape: Sendable {
        case text, flag, integer, double
        /// A value of any shape, carried as YAML, of which JSON is a part.
        case any
        /// Members by name.
        case message([String: (number: Int, shape: Shape)], extensions: Int?)
        /// One field, which holds the value under the number of the shape.
        case wrapped(Int, Shape)
        case list(Shape)
        /// An object whose members become messages of name and value.
        case named(Int, Shape)
        /// Resolved when used, as schemas contain schemas.
        case schema
        /// A query, path or body parameter.
        case parameter
    }

    /// The bytes of a document.
    static func encode(_ document: JSONValue) -> [UInt8] {
        var bytes: [UInt8] = []
        write(document, as: self.document, to: &bytes)
        return bytes
    }

    private static let document = Shape.message(
        [
            "swagger": (1, .text),
            "info": (2, .message(["title": (1, .text), "version": (2, .text)], extensions: nil)),
            "paths": (8, .named(2, pathItem)),
            "definitions": (9, .named(1, .schema)),
        ],
        extensions: nil
    )

    private static let pathItem = Shape.message(
        [
            "get": (2, operation), "put": (3, operation), "post": (4, operation), "delete": (5, operation),
            "patch": (8, operation), "parameters": (9, .list(.parameter)),
        ],
        extensions: nil
    )

    private static let operation = Shape.message(
        [
            "description": (3, .text), "operationId": (5, .text), "produces": (6, .list(.text)),
            "consumes": (7, .list(.text)), "parameters": (8, .list(.parameter)),
            "responses": (9, .named(1, .wrapped(1, response))),
        ],
        extensions: 13
    )

    private static let response = Shape.message(
        ["description": (1, .text), "schema": (2, .wrapped(1, .schema))],
        extensions: nil
    )

    private static let schema = Shape.message(
        [
            "$ref": (1, .text), "format": (2, .text), "title": (3, .text), "description": (4, .text),
            "default": (5, .any), "multipleOf": (6, .double), "maximum": (7, .double),
            "exclusiveMaximum": (8, .flag), "minimum": (9, .double), "exclusiveMinimum": (10, .flag),
            "maxLength": (11, .integer), "minLength": (12, .integer), "pattern": (13, .text),
            "maxItems": (14, .integer), "minItems": (15, .integer), "uniqueItems": (16, .flag),
            "maxProperties": (17, .integer), "minProperties": (18, .integer), "required": (19, .list(.text)),
            "enum": (20, .list(.any)), "additionalProperties": (21, .wrapped(1, .schema)),
            "type": (22, .wrapped(1, .text)), "items": (23, .wrapped(1, .schema)),
            "properties": (25, .named(1, .schema)),
        ],
        extensions: 31
    )

    private static let bodyParameter = Shape.message(
        [
            "description": (1, .text), "name": (2, .text), "in": (3, .text), "required": (4, .flag),
            "schema": (5, .schema),
        ],
        extensions: nil
    )

    private static let queryParameter = Shape.message(
        ["required": (1, .flag), "in": (2, .text), "description": (3, .text), "name": (4, .text), "type": (6, .text)],
        extensions: nil
    )

    private static let pathParameter = Shape.message(
        ["required": (1, .flag), "in": (2, .text), "description": (3, .text), "name": (4, .text), "type": (5, .text)],
        extensions: nil
    )

    /// The shape with the stand-ins replaced.
    private static func resolved(_ shape: Shape, for value: JSONValue) -> Shape {
        switch shape {
        case .schema: schema
        case .parameter:
            switch value["in"]?.stringValue {
            case "body": .wrapped(1, .wrapped(1, bodyParameter))
            case "path": .wrapped(1, .wrapped(2, .wrapped(4, pathParameter)))
            default: .wrapped(1, .wrapped(2, .wrapped(3, queryParameter)))
            }
        default: shape
        }
    }

    /// Writes the content of a message.
    private static func write(_ value: JSONValue, as shape: Shape, to bytes: inout [UInt8]) {
        switch resolved(shape, for: value) {
        case .message(let fields, let extensions):
            for (key, member) in value.objectValue ?? [:] {
                if let field = fields[key] {
                    writeField(field.number, member, as: field.shape, to: &bytes)
                } else if let extensions, key.hasPrefix("x-") {
                    writeNamed(extensions, key, member, as: .any, to: &bytes)
                }
            }
        case .wrapped(let number, let inner):
            writeField(number, value, as: inner, to: &bytes)
        case .named(let number, let inner):
            for (key, member) in value.objectValue ?? [:] {
                writeNamed(number, key, member, as: inner, to: &bytes)
            }
        case .any:
            writeBytes(2, value.serialized(), to: &bytes)
        default:
            break
        }
    }

    /// Writes a field with its number.
    private static func writeField(_ number: Int, _ value: JSONValue, as shape: Shape, to bytes: inout [UInt8]) {
        switch shape {
        case .text:
            writeBytes(number, Array((value.stringValue ?? "").utf8), to: &bytes)
        case .flag:
            writeVarint(UInt64(number) << 3, to: &bytes)
            writeVarint(value.boolValue == true ? 1 : 0, to: &bytes)
        case .integer:
            writeVarint(UInt64(number) << 3, to: &bytes)
            writeVarint(UInt64(bitPattern: value.intValue ?? 0), to: &bytes)
        case .double:
            writeVarint(UInt64(number) << 3 | 1, to: &bytes)
            let bits = (value.doubleValue ?? 0).bitPattern
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        case .list(let element):
            for member in value.arrayValue ?? [] { writeField(number, member, as: element, to: &bytes) }
        default:
            var content: [UInt8] = []
            write(value, as: shape, to: &content)
            writeBytes(number, content, to: &bytes)
        }
    }

    /// Writes a message of a name (1) and a value (2).
    private static func writeNamed(
        _ number: Int,
        _ name: String,
        _ value: JSONValue,
        as shape: Shape,
        to bytes: inout [UInt8]
    ) {
        var content: [UInt8] = []
        writeBytes(1, Array(name.utf8), to: &content)
        writeField(2, value, as: shape, to: &content)
        writeBytes(number, content, to: &bytes)
    }

    private static func writeBytes(_ number: Int, _ content: [UInt8], to bytes: inout [UInt8]) {
        writeVarint(UInt64(number) << 3 | 2, to: &bytes)
        writeVarint(UInt64(content.count), to: &bytes)
        bytes += content
    }

    private static func writeVarint(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: value))
    }
}
