import JSON
import KubernetesCore
import Testing

@testable import RecoveryAPI

/// A kind, with what the tests need to know about its type.
struct KindUnderTest: Sendable, CustomTestStringConvertible {
    let resource: APIResource
    let shortName: String
    let columns: [String]
    let fields: @Sendable () throws -> [String: FieldShape]
    let validate: @Sendable (JSONValue) throws -> [FieldViolation]
    let validateUpdate: @Sendable (JSONValue, JSONValue) throws -> [FieldViolation]

    init<T: ValidatedObject>(_ type: T.Type, _ shortName: String, columns: [String]) {
        resource = type.resource
        self.shortName = shortName
        self.columns = columns
        fields = { try SchemaProbe.fields(of: type) }
        validate = { try $0.decode(type).validate() }
        validateUpdate = { try $1.decode(type).validateUpdate(from: $0.decode(type)) }
    }

    var testDescription: String { resource.kind }

    static let all = [
        KindUnderTest(
            Recovery.self,
            "rcv",
            columns: ["Type", "Strategy", "State", "Attempts", "Cluster (wide)", "Message (wide)", "Age"]
        ),
        KindUnderTest(RecoveryPolicy.self, "rcp", columns: ["Mode", "Matched", "InFlight", "Breakers", "Age"]),
        KindUnderTest(RecoveryApproval.self, "rca", columns: ["Recovery", "Decision", "Result", "Age"]),
        KindUnderTest(
            MemberCluster.self,
            "mcl",
            columns: [
                "Ready", "Version", "Region", "Last-Probe", "Reachable (wide)", "Authenticated (wide)",
                "Authorized (wide)", "Age",
            ]
        ),
        KindUnderTest(Placement.self, "plm", columns: ["Clusters", "Ready", "Scheduled", "Synced", "Age"]),
        KindUnderTest(
            Migration.self,
            "mig",
            columns: ["Placement", "Action", "From", "To", "Phase", "Message (wide)", "Age"]
        ),
    ]

    /// The CRD of the kind.
    func customResource() throws -> CustomResource {
        try #require(try ProjectFiles.customResources()[resource.kind])
    }
}

struct SchemaTests {
    @Test("there is a CRD for every type and a type for every CRD")
    func kinds() throws {
        #expect(try Set(ProjectFiles.customResources().keys) == Set(KindUnderTest.all.map(\.resource.kind)))
    }

    @Test("type and schema have the same fields, kinds, words and required fields", arguments: KindUnderTest.all)
    func fields(_ kind: KindUnderTest) throws {
        let type = try kind.fields()
        let schema = try kind.customResource().fields
        #expect(Set(type.keys).subtracting(schema.keys) == [], "only in the type")
        #expect(Set(schema.keys).subtracting(type.keys) == [], "only in the schema")
        for (path, field) in type {
            // KubernetesCore reads conditions of foreign kinds, too, and is more tolerant than this schema.
            let isCondition = path.contains("status.conditions[]")
            var expected = try #require(schema[path])
            if isCondition { expected.isOptional = field.isOptional }
            #expect(field == expected, "\(path)")
        }
    }

    @Test("names, scope and columns are those of the design", arguments: KindUnderTest.all)
    func names(_ kind: KindUnderTest) throws {
        let resource = kind.resource
        let crd = try kind.customResource()
        let names = try #require(crd.document.value(at: ["spec", "names"]))
        #expect(crd.document.value(at: ["metadata", "name"])?.stringValue == "\(resource.plural).\(resource.group)")
        #expect(crd.document.value(at: ["spec", "group"])?.stringValue == RecoveryAPI.group)
        #expect(
            crd.document.value(at: ["spec", "scope"])?.stringValue == (resource.isNamespaced ? "Namespaced" : "Cluster")
        )
        #expect(names["plural"]?.stringValue == resource.plural)
        #expect(names["singular"]?.stringValue == resource.kind.lowercased())
        #expect(names["shortNames"] == [.string(kind.shortName)])
        #expect(names["categories"] == ["tmc"])
        #expect(crd.version["name"]?.stringValue == RecoveryAPI.version)
        #expect(crd.version.value(at: ["subresources", "status"]) != nil)
        let columns = crd.version["additionalPrinterColumns"]?.arrayValue ?? []
        let shown = columns.map { column in
            (column["name"]?.stringValue ?? "") + ((column["priority"]?.intValue ?? 0) > 0 ? " (wide)" : "")
        }
        #expect(shown == kind.columns)
    }

    @Test("every field is described", arguments: KindUnderTest.all)
    func descriptions(_ kind: KindUnderTest) throws {
        let undescribed = try kind.customResource().schemas.filter { path, schema in
            // Elements of plain text need no words of their own.
            let isPlain = schema["properties"] == nil && (path.hasSuffix("[]") || path.hasSuffix(".*"))
            return path != "metadata" && !isPlain && (schema["description"]?.stringValue ?? "").isEmpty
        }
        #expect(undescribed.keys.sorted() == [])
    }

    @Test("everything a user writes is bounded, and every list says how it merges", arguments: KindUnderTest.all)
    func bounds(_ kind: KindUnderTest) throws {
        for (path, schema) in try kind.customResource().schemas {
            let type = schema["type"]?.stringValue
            if type == "array" {
                #expect(schema["maxItems"] != nil, "\(path)")
                #expect(schema["x-kubernetes-list-type"] != nil, "\(path)")
            }
            guard path.hasPrefix("spec.") else { continue }
            switch type {
            case "string" where schema["enum"] == nil && schema["format"] == nil:
                #expect(schema["maxLength"] != nil, "\(path)")
            case "integer": #expect(schema["minimum"] != nil && schema["maximum"] != nil, "\(path)")
            case "object" where schema["additionalProperties"] != nil:
                #expect(schema["maxProperties"] != nil, "\(path)")
            default: break
            }
        }
    }

    @Test("the controller writes status itself: no default and no bound on its text", arguments: KindUnderTest.all)
    func status(_ kind: KindUnderTest) throws {
        for (path, schema) in try kind.customResource().schemas where path.hasPrefix("status") {
            #expect(schema["default"] == nil && schema["maxLength"] == nil && schema["pattern"] == nil, "\(path)")
        }
    }

    @Test("CEL rules speak of fields that exist, and ask first where one may be absent", arguments: KindUnderTest.all)
    func celRules(_ kind: KindUnderTest) throws {
        let crd = try kind.customResource()
        for (path, schema) in crd.schemas {
            for rule in schema["x-kubernetes-validations"]?.arrayValue ?? [] {
                let text = try #require(rule["rule"]?.stringValue)
                #expect(rule["message"]?.stringValue?.isEmpty == false, "\(path)")
                for match in text.matches(of: #/(?:self|oldSelf)\.([A-Za-z]+)/#) {
                    let field = String(match.output.1)
                    let child = "\(path).\(field)"
                    #expect(crd.schemas[child] != nil, "\(path): \(text)")
                    let isGuarded = !crd.optionals.contains(child) || text.contains("has(self.\(field))")
                    #expect(isGuarded, "\(path): \(text)")
                }
            }
        }
    }

    @Test("attempts and time have no schema default, so that policies can decide")
    func undefaulted() throws {
        let schemas = try #require(try ProjectFiles.customResources()["Recovery"]).schemas
        for path in ["spec.maxAttempts", "spec.timeoutSeconds"] {
            let schema = try #require(schemas[path])
            #expect(schema["default"] == nil)
        }
    }
}
