import JSON
import KubernetesCore
import Testing

struct ManagedFieldsTests {
    private func object(_ entries: JSONValue...) throws -> JSONValue {
        var object = try JSONValue(
            parsing: """
                {"metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}, "finalizers": ["a", "b"]},
                 "spec": {"replicas": 2, "args": ["x", "y"],
                  "containers": [{"name": "web", "image": "web:1", "env": [{"name": "A", "value": "1"}]},
                                 {"name": "proxy", "image": "proxy:1"}]},
                 "status": {"ready": 1}}
                """
        )
        object.set(.array(entries), at: ["metadata", "managedFields"])
        return object
    }

    private func entry(_ manager: String, _ operation: String = "Update", _ fields: String) throws -> JSONValue {
        [
            "manager": .string(manager), "operation": .string(operation), "fieldsType": "FieldsV1",
            "fieldsV1": try JSONValue(parsing: fields),
        ]
    }

    @Test(
        "what a manager owns has the present values",
        arguments: [
            (#"{"f:spec":{"f:replicas":{}}}"#, #"{"spec":{"replicas":2}}"#),
            (#"{"f:metadata":{"f:labels":{".":{},"f:tier":{}}}}"#, #"{"metadata":{"labels":{"tier":"front"}}}"#),
            (#"{"f:metadata":{"f:finalizers":{"v:\"b\"":{}}}}"#, #"{"metadata":{"finalizers":["b"]}}"#),
            (#"{"f:spec":{"f:args":{"i:1":{}}}}"#, #"{"spec":{"args":["y"]}}"#),
            (#"{"f:spec":{"f:args":{}}}"#, #"{"spec":{"args":["x","y"]}}"#),
            (
                #"{"f:spec":{"f:containers":{"k:{\"name\":\"proxy\"}":{".":{},"f:image":{}}}}}"#,
                #"{"spec":{"containers":[{"image":"proxy:1","name":"proxy"}]}}"#
            ), (#"{"f:spec":{"f:gone":{}}}"#, #"{"spec":{}}"#),
            (#"{"f:spec":{"f:args":{"k:{broken":{}}}}"#, #"{"spec":{"args":[]}}"#),
        ]
    )
    func projects(fields: String, owned: String) throws {
        let object = try object(entry("us", "Update", fields), entry("them", "Update", #"{"f:spec":{}}"#))
        #expect(ManagedFields.owned(by: "us", in: object).text == owned)
    }

    @Test("entries of one manager add up, within lists, too")
    func addsUp() throws {
        let first = #"{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{}}}}}"#
        let second = #"{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:env":{}}},"f:replicas":{}}}"#
        let object = try object(entry("us", "Apply", first), entry("us", "Update", second))
        let owned = ManagedFields.owned(by: "us", in: object)
        #expect(owned["spec"]?["replicas"] == 2)
        #expect(
            owned["spec"]?["containers"]?.text
                == #"[{"env":[{"name":"A","value":"1"}],"image":"web:1","name":"web"}]"#
        )
    }

    @Test("nothing is owned by others, by nobody, or through the status subresource")
    func ownsNothing() throws {
        var status = try entry("us", "Update", #"{"f:status":{"f:ready":{}}}"#)
        status["subresource"] = "status"
        #expect(ManagedFields.owned(by: "us", in: try object(status)) == [:])
        #expect(ManagedFields.owned(by: "us", in: try object(entry("them", "Apply", #"{"f:spec":{}}"#))) == [:])
        #expect(ManagedFields.owned(by: "us", in: ["metadata": ["managedFields": "odd"]]) == [:])
    }

    @Test("only an apply counts as applied")
    func knowsApply() throws {
        let object = try object(entry("us", "Apply", "{}"), entry("them", "Update", "{}"))
        #expect(ManagedFields.hasApplied("us", object))
        #expect(!ManagedFields.hasApplied("them", object) && !ManagedFields.hasApplied("nobody", object))
    }
}
