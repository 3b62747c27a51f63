import JSON
import KubernetesCore
import Testing

@testable import RecoveryAPI

/// Breaks every single bound of every schema and expects validation to name the field.
struct BoundsTests {
    @Test("the complete object has every field of the schema and is valid", arguments: KindUnderTest.all)
    func complete(_ kind: KindUnderTest) throws {
        let object = try CompleteObjects.object(kind.resource.kind)
        #expect(try kind.validate(object) == [])
        let missing = try kind.customResource().specSchemas.keys.filter { object.firstPlace($0) == nil }
        #expect(missing.sorted() == [])
    }

    @Test("a value outside its bounds is reported with its path", arguments: KindUnderTest.all)
    func bounds(_ kind: KindUnderTest) throws {
        let object = try CompleteObjects.object(kind.resource.kind)
        for (path, schema) in try kind.customResource().specSchemas {
            let place = try #require(object.firstPlace(path))
            let current = try #require(object.value(at: place))
            for (bound, bad) in offenders(schema, current) {
                let broken = object.replacing(place, with: bad)
                let reported = try violations(of: broken, kind).map(\.path)
                let expected = place.path(inMap: path.hasSuffix(".*"))
                #expect(reported.contains(expected), "\(path): \(bound), reported only \(reported)")
            }
        }
    }

    @Test("an object without a required field cannot be decoded, and the error names it", arguments: KindUnderTest.all)
    func required(_ kind: KindUnderTest) throws {
        let object = try CompleteObjects.object(kind.resource.kind)
        let crd = try kind.customResource()
        let paths = crd.specSchemas.keys.filter {
            !crd.optionals.contains($0) && !$0.hasSuffix("[]") && !$0.hasSuffix(".*")
        }
        for path in paths {
            let place = try #require(object.firstPlace(path))
            let error = try #require(throws: DecodingError.self) {
                try kind.validate(object.replacing(place, with: nil))
            }
            let violation = FieldViolation(error)
            #expect(violation == FieldViolation(path: place.path(inMap: false), message: "is required"))
        }
    }

    /// What is reported; selectors are types of KubernetesCore, whose operators are closed and fail in decoding.
    private func violations(of object: JSONValue, _ kind: KindUnderTest) throws -> [FieldViolation] {
        do {
            return try kind.validate(object)
        } catch let error as DecodingError {
            return [FieldViolation(error)]
        }
    }

    /// Values that break one bound each.
    private func offenders(_ schema: JSONValue, _ current: JSONValue) -> [(String, JSONValue)] {
        var found: [(String, JSONValue)] = []
        if let minimum = schema["minimum"]?.intValue { found.append(("minimum", .number(JSONNumber(minimum - 1)))) }
        if let maximum = schema["maximum"]?.intValue { found.append(("maximum", .number(JSONNumber(maximum + 1)))) }
        if schema["enum"] != nil { found.append(("enum", "Nonsense")) }
        if schema["pattern"] != nil { found.append(("pattern", " !")) }
        if (schema["minLength"]?.intValue ?? 0) > 0 { found.append(("minLength", "")) }
        if let maximum = schema["maxLength"]?.intValue {
            // Valid by many patterns, so that only the length is wrong.
            let text = (current.stringValue ?? "") + String(repeating: "a", count: Int(maximum))
            found.append(("maxLength", .string(String(text.prefix(Int(maximum) + 1)))))
        }
        if let maximum = schema["maxItems"]?.intValue, let element = current[index: 0] {
            found.append(("maxItems", .array(Array(repeating: element, count: Int(maximum) + 1))))
        }
        if (schema["minItems"]?.intValue ?? 0) > 0 { found.append(("minItems", [])) }
        if let maximum = schema["maxProperties"]?.intValue {
            let keys = (0...maximum).map { ("key\($0)", JSONValue.string("x")) }
            found.append(("maxProperties", .object(Dictionary(uniqueKeysWithValues: keys))))
        }
        if (schema["minProperties"]?.intValue ?? 0) > 0 { found.append(("minProperties", [:])) }
        return found
    }
}
