import JSON
import Testing

@testable import SandboxServer

@Suite("Garbage collection and namespaces")
struct GarbageCollectorTests {
    private let cluster = TestCluster()

    private func map(_ name: String, owners: [JSONValue] = [], blocking: Bool = true) -> JSONValue {
        let references = owners.map { owner -> JSONValue in
            [
                "apiVersion": "v1", "kind": "ConfigMap", "name": .string(owner.objectName.name),
                "uid": .string(owner.uid), "blockOwnerDeletion": .bool(blocking),
            ]
        }
        var map: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"],
        ]
        if !references.isEmpty { map.set(.array(references), at: ["metadata", "ownerReferences"]) }
        return map
    }

    private func add(_ name: String, owners: [JSONValue] = [], blocking: Bool = true) -> JSONValue {
        cluster.create(Builtin.configMaps, map(name, owners: owners, blocking: blocking))
    }

    @Test("dependents of a deleted owner are deleted, and theirs in turn")
    func background() {
        let owner = add("a")
        let dependent = add("b", owners: [owner])
        _ = add("c", owners: [dependent])
        cluster.delete(Builtin.configMaps, "a")
        #expect(cluster.names(Builtin.configMaps) == ["kube-root-ca.crt"])
    }

    @Test("what has another owner stays and loses the reference")
    func otherOwner() {
        let first = add("a")
        let second = add("b")
        _ = add("c", owners: [first, second])
        cluster.delete(Builtin.configMaps, "a")
        let references = cluster.get(Builtin.configMaps, "c")?["metadata"]?["ownerReferences"]?.arrayValue
        #expect(references?.map { $0["uid"]?.stringValue } == [second.uid])
    }

    @Test("an owner that was never there counts as gone, one of an unknown kind as there")
    func absentOwner() {
        var gone = map("ghost")
        gone.set("no-such-uid", at: ["metadata", "uid"])
        _ = add("a", owners: [gone])
        #expect(cluster.get(Builtin.configMaps, "a") == nil)
        var stranger = map("b")
        stranger.set(
            [["apiVersion": "example.com/v1", "kind": "Thing", "name": "x", "uid": "y"]],
            at: ["metadata", "ownerReferences"]
        )
        cluster.create(Builtin.configMaps, stranger)
        #expect(cluster.get(Builtin.configMaps, "b") != nil)
    }

    @Test("an owner of the same name with another uid is not the owner")
    func otherUid() {
        let owner = add("a")
        var impostor = owner
        impostor.set("other", at: ["metadata", "uid"])
        _ = add("b", owners: [impostor])
        #expect(cluster.get(Builtin.configMaps, "b") == nil)
    }

    @Test("foreground deletion keeps the owner until the dependents that block it are gone")
    func foreground() {
        let owner = add("a")
        _ = add("b", owners: [owner])
        cluster.edit(Builtin.configMaps, "b") { $0.set(["example.com/hold"], at: ["metadata", "finalizers"]) }
        cluster.delete(Builtin.configMaps, "a", finalizer: "foregroundDeletion")
        #expect(cluster.get(Builtin.configMaps, "a")?.isBeingDeleted == true)
        #expect(cluster.get(Builtin.configMaps, "b")?.isBeingDeleted == true)
        cluster.edit(Builtin.configMaps, "b") { $0.set(nil, at: ["metadata", "finalizers"]) }
        #expect(cluster.get(Builtin.configMaps, "b") == nil)
        #expect(cluster.get(Builtin.configMaps, "a") == nil)
    }

    @Test("foreground deletion does not wait for dependents that do not block")
    func foregroundWithoutBlocking() {
        let owner = add("a")
        _ = add("b", owners: [owner], blocking: false)
        cluster.edit(Builtin.configMaps, "b") { $0.set(["example.com/hold"], at: ["metadata", "finalizers"]) }
        cluster.delete(Builtin.configMaps, "a", finalizer: "foregroundDeletion")
        #expect(cluster.get(Builtin.configMaps, "a") == nil)
        #expect(cluster.get(Builtin.configMaps, "b")?.isBeingDeleted == true)
    }

    @Test("orphaning deletion leaves the dependents without the reference")
    func orphan() {
        let owner = add("a")
        _ = add("b", owners: [owner])
        cluster.delete(Builtin.configMaps, "a", finalizer: "orphan")
        #expect(cluster.get(Builtin.configMaps, "a") == nil)
        #expect(cluster.get(Builtin.configMaps, "b")?["metadata"]?["ownerReferences"] == nil)
        #expect(cluster.get(Builtin.configMaps, "b") != nil)
    }

    // MARK: Namespaces

    @Test("a namespace gets its ServiceAccount and certificate, and gets them again")
    func namespaceDefaults() {
        #expect(
            cluster.names(Builtin.namespaces, in: nil) == ["default", "kube-node-lease", "kube-public", "kube-system"]
        )
        #expect(cluster.names(Builtin.serviceAccounts) == ["default"])
        cluster.delete(Builtin.serviceAccounts, "default")
        cluster.edit(Builtin.configMaps, "kube-root-ca.crt") { $0["data"] = ["ca.crt": "wrong"] }
        #expect(cluster.names(Builtin.serviceAccounts) == ["default"])
        #expect(cluster.get(Builtin.configMaps, "kube-root-ca.crt")?["data"] == ["ca.crt": ""])
    }

    /// What the handler of DELETE does to a namespace.
    private func deleteNamespace(_ name: String) {
        cluster.edit(Builtin.namespaces, name, in: "") { namespace in
            namespace.set("2027-01-15T08:00:00Z", at: ["metadata", "deletionTimestamp"])
            namespace.set("Terminating", at: ["status", "phase"])
        }
    }

    @Test("a deleted namespace goes with all it contains")
    func namespaceDeletion() {
        cluster.create(Builtin.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "n"]])
        cluster.create(Builtin.secrets, ["metadata": ["name": "s", "namespace": "n"]])
        #expect(cluster.names(Builtin.configMaps, in: "n") == ["kube-root-ca.crt"])
        deleteNamespace("n")
        #expect(cluster.get(Builtin.namespaces, "n", in: "") == nil)
        #expect(cluster.list(Builtin.secrets, in: "n").isEmpty && cluster.list(Builtin.configMaps, in: "n").isEmpty)
    }

    @Test("a namespace waits for finalizers and says what it waits for")
    func namespaceFinalizers() {
        cluster.create(Builtin.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "n"]])
        cluster.create(
            Builtin.secrets,
            ["metadata": ["name": "s", "namespace": "n", "finalizers": ["example.com/hold"]]]
        )
        deleteNamespace("n")
        let status = cluster.get(Builtin.namespaces, "n", in: "")?["status"]
        #expect(status?.isTrue("NamespaceContentRemaining") == true)
        #expect(
            status?.condition("NamespaceContentRemaining")?["message"]
                == "Some resources are remaining: secrets. has 1 resource instances"
        )
        #expect(
            status?.condition("NamespaceFinalizersRemaining")?["message"]
                == "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
        )
        cluster.edit(Builtin.secrets, "s", in: "n") { $0.set(nil, at: ["metadata", "finalizers"]) }
        #expect(cluster.get(Builtin.namespaces, "n", in: "") == nil)
    }
}
