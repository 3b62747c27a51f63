import FoundationEssentials
import JSON
import KubernetesCore

extension FakeState {
    /// Answers POST to a collection.
    mutating func create(_ request: FakeRequest, _ target: FakeTarget, now: Date) -> FakeReply {
        var object = request.json
        guard object.objectValue != nil else { return .failure(400, "BadRequest", "the body is no JSON object") }
        if let namespace = target.namespace {
            let given = object["metadata"]?["namespace"]?.stringValue
            if let given, given != namespace {
                return .failure(400, "BadRequest", "the namespace of the object does not match the path")
            }
            object.set(.string(namespace), at: ["metadata", "namespace"])
        }
        var name = object["metadata"]?["name"]?.stringValue ?? ""
        if name.isEmpty, let prefix = object["metadata"]?["generateName"]?.stringValue {
            name = prefix + String(nextUID, radix: 36)
            object.set(.string(name), at: ["metadata", "name"])
        }
        guard !name.isEmpty else { return .failure(422, "Invalid", "metadata.name: Required value") }
        let key = ObjectKey(namespace: target.namespace, name: name)
        guard objects[target.collection]?[key] == nil else {
            return .failure(409, "AlreadyExists", "\(target.collection.plural) \"\(name)\" already exists")
        }
        // A status can only be written through its subresource.
        object["status"] = nil
        return FakeReply(status: 201, insert(object, key, target.collection, request, now: now))
    }

    /// Gives a new object its server-side fields and stores it.
    mutating func insert(
        _ object: JSONValue,
        _ key: ObjectKey,
        _ collection: FakeCollection,
        _ request: FakeRequest?,
        now: Date
    ) -> JSONValue {
        var object = object
        if object["apiVersion"] == nil { object["apiVersion"] = .string(collection.apiVersion) }
        if object["kind"] == nil { object["kind"] = .string(kind(of: collection)) }
        object.set(.string(makeUID()), at: ["metadata", "uid"])
        object.set(.string(Timestamp.format(now) ?? ""), at: ["metadata", "creationTimestamp"])
        object.set(1, at: ["metadata", "generation"])
        object.set(nil, at: ["metadata", "deletionTimestamp"])
        if let request { record(request, in: &object) }
        return isDryRun(request) ? object : commit(collection, key, object)
    }

    /// Answers PUT.
    mutating func update(_ request: FakeRequest, _ target: FakeTarget, _ key: ObjectKey) -> FakeReply {
        guard let old = objects[target.collection]?[key] else { return .notFound(target) }
        return write(request.json, over: old, request, target, key)
    }

    /// Stores the wanted state of an existing object after the checks that PUT and PATCH share.
    mutating func write(
        _ wanted: JSONValue,
        over old: JSONValue,
        _ request: FakeRequest,
        _ target: FakeTarget,
        _ key: ObjectKey
    ) -> FakeReply {
        if let problem = Self.preconditionFailure(wanted["metadata"], old) { return .conflict(target, problem) }
        var new: JSONValue
        if target.subresource == "status" {
            new = old
            new["status"] = wanted["status"]
        } else {
            new = wanted
            new["status"] = old["status"]
            keepServerFields(of: old, in: &new)
            if Self.spec(new) != Self.spec(old) {
                let generation = old["metadata"]?["generation"]?.intValue ?? 1
                new.set(.number(generation + 1), at: ["metadata", "generation"])
            }
        }
        new.set(old["metadata"]?["resourceVersion"], at: ["metadata", "resourceVersion"])
        // A write that changes nothing makes no new version.
        guard new != old else { return FakeReply(old) }
        record(request, in: &new)
        if isDryRun(request) { return FakeReply(new) }
        let isLastFinalizerGone =
            new["metadata"]?["deletionTimestamp"] != nil && Self.finalizers(new).isEmpty
        if isLastFinalizerGone {
            return FakeReply(commit(target.collection, key, nil))
        }
        return FakeReply(commit(target.collection, key, new))
    }

    /// Answers DELETE of an object.
    mutating func delete(_ request: FakeRequest, _ target: FakeTarget, _ key: ObjectKey, now: Date) -> FakeReply {
        guard let old = objects[target.collection]?[key] else { return .notFound(target) }
        if let problem = Self.preconditionFailure(request.json["preconditions"], old) {
            return .conflict(target, problem)
        }
        // As servers do: the query counts only where there is no body.
        let hasOptions = request.method == "DELETE" && !request.body.isEmpty
        let isDryRun = hasOptions ? request.json["dryRun"] == ["All"] : isDryRun(request)
        if isDryRun { return FakeReply(old) }
        guard !Self.finalizers(old).isEmpty else {
            _ = commit(target.collection, key, nil)
            return FakeReply(["kind": "Status", "apiVersion": "v1", "status": "Success"])
        }
        guard old["metadata"]?["deletionTimestamp"] == nil else { return FakeReply(old) }
        var marked = old
        marked.set(.string(Timestamp.format(now) ?? ""), at: ["metadata", "deletionTimestamp"])
        return FakeReply(commit(target.collection, key, marked))
    }

    /// Answers DELETE of a collection.
    mutating func deleteCollection(_ request: FakeRequest, _ target: FakeTarget, now: Date) -> FakeReply {
        let selector = FakeSelector(namespace: target.namespace, query: request.query)
        for object in list(target.collection, selector) {
            _ = delete(request, target, Unstructured(object).key, now: now)
        }
        return FakeReply(["kind": "Status", "apiVersion": "v1", "status": "Success"])
    }

    private func keepServerFields(of old: JSONValue, in new: inout JSONValue) {
        for field in ["uid", "creationTimestamp", "generation", "deletionTimestamp", "namespace", "name"] {
            new.set(old["metadata"]?[field], at: ["metadata", field])
        }
        new["apiVersion"] = old["apiVersion"]
        new["kind"] = old["kind"]
        if new["metadata"]?["managedFields"] == nil {
            new.set(old["metadata"]?["managedFields"], at: ["metadata", "managedFields"])
        }
    }

    /// Notes who wrote last with which operation, as managed fields do, though without the fields.
    private func record(_ request: FakeRequest, in object: inout JSONValue) {
        let isApply = request.header("Content-Type")?.hasPrefix("application/apply-patch") ?? false
        let manager = request.query["fieldManager"] ?? request.identity
        let operation = isApply ? "Apply" : "Update"
        var entries = object["metadata"]?["managedFields"]?.arrayValue ?? []
        entries.removeAll { $0["manager"]?.stringValue == manager && $0["operation"]?.stringValue == operation }
        entries.append([
            "manager": .string(manager), "operation": .string(operation), "fieldsType": "FieldsV1",
            "apiVersion": object["apiVersion"] ?? "v1", "fieldsV1": ["f:metadata": [:]],
        ])
        object.set(.array(entries), at: ["metadata", "managedFields"])
    }

    private func isDryRun(_ request: FakeRequest?) -> Bool { request?.query["dryRun"] == "All" }

    /// Why the uid or version that the caller gave forbids a write; nil when it does not.
    private static func preconditionFailure(_ given: JSONValue?, _ old: JSONValue) -> String? {
        let metadata = old["metadata"]
        if let uid = given?["uid"]?.stringValue, !uid.isEmpty, uid != metadata?["uid"]?.stringValue {
            return "Precondition failed: UID in precondition: \(uid)"
        }
        if let version = given?["resourceVersion"]?.stringValue, !version.isEmpty,
            version != metadata?["resourceVersion"]?.stringValue
        {
            return "the object has been modified; please apply your changes to the latest version and try again"
        }
        return nil
    }

    private static func finalizers(_ object: JSONValue) -> [JSONValue] {
        object["metadata"]?["finalizers"]?.arrayValue ?? []
    }

    /// What a change of raises the generation: all but metadata and status.
    private static func spec(_ object: JSONValue) -> JSONValue {
        var object = object
        object["metadata"] = nil
        object["status"] = nil
        return object
    }
}
