import Foundation
import JSON
import KubernetesCore
import Testing

struct ObjectMetaTests {
    private struct ConfigMap: KubernetesObject, Equatable {
        static let resource = APIResource.configMaps
        var metadata: ObjectMeta
        var data: [String: String]?
    }

    @Test func `reads a real object and keeps its fields`() throws {
        let object = try ConfigMap(json: Recording("17-create").body)
        #expect(object.metadata.name == "a")
        #expect(object.key == ObjectKey(namespace: "fix", name: "a"))
        #expect(object.metadata.uid?.count == 36)
        #expect(object.metadata.creationTimestamp == Timestamp.parse("2026-11-21T04:47:41Z"))
        #expect(!object.metadata.isBeingDeleted)
        #expect(try ConfigMap(json: object.jsonValue()) == object)
    }

    @Test func `the wire form has type fields and no empty ones`() throws {
        let object = ConfigMap(metadata: ObjectMeta(name: "a", namespace: "ns"), data: nil)
        #expect(
            try object.jsonValue()
                == ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "ns"]]
        )
    }

    @Test func `type fields that a type encodes itself stay`() throws {
        struct Versioned: KubernetesObject {
            static let resource = APIResource.configMaps
            var apiVersion = "v2"
            var metadata = ObjectMeta()
        }
        #expect(try Versioned().jsonValue()["apiVersion"] == "v2")
    }

    @Test func `finds the controller among the owners`() {
        let owner = OwnerReference(apiVersion: "v1", kind: "A", name: "a", uid: "1")
        let controller = OwnerReference(apiVersion: "v1", kind: "B", name: "b", uid: "2", controller: true)
        #expect(ObjectMeta(ownerReferences: [owner, controller]).controller == controller)
        #expect(ObjectMeta(ownerReferences: [owner]).controller == nil)
        #expect(ObjectMeta().controller == nil)
    }

    @Test func `points at itself for events and for dependents`() {
        var object = ConfigMap(metadata: ObjectMeta(name: "a", namespace: "ns"), data: nil)
        object.metadata.uid = "42"
        object.metadata.resourceVersion = "7"
        #expect(
            object.reference
                == ObjectReference(
                    apiVersion: "v1",
                    kind: "ConfigMap",
                    namespace: "ns",
                    name: "a",
                    uid: "42",
                    resourceVersion: "7"
                )
        )
        #expect(object.reference.key == object.key)
        #expect(
            object.controllerReference
                == OwnerReference(
                    apiVersion: "v1",
                    kind: "ConfigMap",
                    name: "a",
                    uid: "42",
                    controller: true,
                    blockOwnerDeletion: true
                )
        )
    }
}

struct UnstructuredTests {
    @Test func `reads a real object`() throws {
        let object = Unstructured(try Recording("17-create").body)
        #expect(object.groupVersionKind == APIResource.configMaps.groupVersionKind)
        #expect(object.key == ObjectKey(namespace: "fix", name: "a"))
        #expect(object.labels == ["n": "1"])
        #expect(ResourceVersion.isComparable(object.resourceVersion))
        #expect(object.creationTimestamp == Timestamp.parse("2026-11-21T04:47:41Z"))
        #expect(try object.metadata().name == "a")
        #expect(object.reference.uid == object.uid)
    }

    @Test(arguments: [JSONValue.null, [], "text", [:], ["metadata": []], ["metadata": ["name": 1, "labels": [1]]]])
    func `any JSON value has harmless accessors`(content: JSONValue) {
        let object = Unstructured(content)
        #expect(object.name.isEmpty && object.namespace == nil && object.uid.isEmpty && object.kind.isEmpty)
        #expect(object.labels.isEmpty && object.annotations.isEmpty && object.finalizers.isEmpty)
        #expect(object.resourceVersion.isEmpty && object.generation == nil && !object.isBeingDeleted)
        #expect(object.creationTimestamp == nil && object.deletionTimestamp == nil)
        #expect(object["spec", "replicas"] == nil)
    }

    @Test func `setters write the wire form, and empty values remove the field`() {
        var object = Unstructured(resource: .deployments, key: ObjectKey(namespace: "ns", name: "web"))
        object.labels = ["a": "b"]
        object.annotations = ["c": "d"]
        object.finalizers = ["f"]
        object.resourceVersion = "5"
        object["spec", "replicas"] = 3
        #expect(
            object.content == [
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": [
                    "name": "web", "namespace": "ns", "labels": ["a": "b"], "annotations": ["c": "d"],
                    "finalizers": ["f"], "resourceVersion": "5",
                ],
                "spec": ["replicas": 3],
            ]
        )
        object.labels = [:]
        object.annotations = [:]
        object.finalizers = []
        object.resourceVersion = ""
        object.namespace = nil
        #expect(object.content["metadata"] == ["name": "web"])
    }

    @Test func `deletion shows even when its time cannot be read`() {
        #expect(Unstructured(["metadata": ["deletionTimestamp": "soon"]]).isBeingDeleted)
        let object = Unstructured(["metadata": ["deletionTimestamp": "2026-11-21T04:47:45Z"]])
        #expect(object.isBeingDeleted && object.deletionTimestamp == Timestamp.parse("2026-11-21T04:47:45Z"))
    }
}
