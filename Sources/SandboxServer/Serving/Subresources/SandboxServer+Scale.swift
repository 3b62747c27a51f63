internal import FoundationEssentials
internal import HTTPServer
internal import JSON

extension SandboxServer {
    /// `scale`: the number of replicas of any kind that has one, in one shape.
    func answerScale(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        guard let paths = call.resource.version.scale else { throw .unknownResource }
        let scale = ScaleView(paths: paths, resource: call.resource)
        switch call.info.verb {
        case "get":
            guard let stored = store.get(call.resource.storage, call.objectName) else { throw call.notFound }
            return .document(scale.document(try call.resource.served(stored)), as: plain(call))
        case "update":
            let body = try RequestBody.parse(call.request, kind: "Scale")
            let options = try WriteOptions(call.request, kind: "UpdateOptions")
            return try write(call, options, scale) { _ throws(APIFailure) in body }
        case "patch":
            let patch = try PatchRequest(call.request, call.resource)
            let options = try WriteOptions(call.request, kind: "PatchOptions", isApply: patch.isApply)
            return try write(call, options, scale) { current throws(APIFailure) in
                switch patch.method {
                case .patch(let type, let document):
                    return try PatchDocument.apply(document, type: type, to: current, schema: .anything)
                case .apply(let configuration): return JSONMergePatch.apply(configuration, to: current)
                }
            }
        default: throw .methodNotAllowed
        }
    }

    private func plain(_ call: APICall) -> MediaType { MediaType(format: call.mediaType.format) }

    private func write(
        _ call: APICall,
        _ options: WriteOptions,
        _ scale: ScaleView,
        _ change: (JSONValue) throws(APIFailure) -> JSONValue
    ) throws(APIFailure) -> HTTPServerResponse {
        let outcome = try handlers.transaction { tx throws(APIFailure) in
            try ObjectWriter(call, options).update(&tx) { live throws(APIFailure) in
                guard let live else { throw call.notFound }
                return try scale.applied(try change(scale.document(live)), to: live, name: call.info.name)
            }
        }
        return .document(scale.document(outcome.object), as: plain(call))
    }
}

/// An object as a `Scale`.
struct ScaleView: Sendable {
    let paths: ResourceDefinition.ScalePaths
    let resource: ServedResource

    /// The `Scale` that shows an object.
    func document(_ object: JSONValue) -> JSONValue {
        var metadata: JSONValue = [:]
        for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[key] = object["metadata"]?[key]
        }
        var status: JSONValue = ["replicas": .number(object.value(at: paths.statusReplicas)?.intValue ?? 0)]
        let selector = paths.selector.flatMap { object.value(at: $0) }
        if let text = selector?.stringValue ?? selector.map(SelectorText.text), !text.isEmpty {
            status["selector"] = .string(text)
        }
        var spec: JSONValue = [:]
        if let replicas = object.value(at: paths.specReplicas)?.intValue { spec["replicas"] = .number(replicas) }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status,
        ]
    }

    /// The object with the replicas that a `Scale` wants.
    func applied(_ scale: JSONValue, to object: JSONValue, name: String) throws(APIFailure) -> JSONValue {
        let kind = scale["kind"]?.stringValue ?? "Scale"
        guard kind == "Scale" else {
            throw .badRequest("\(kind) in version \"v1\" cannot be handled as a Scale: unknown conversion")
        }
        let wanted = scale["spec"]?["replicas"] ?? 0
        guard let replicas = wanted.intValue, Int32(exactly: replicas) != nil else {
            throw .badRequest(
                "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal \(wanted.goKind) into "
                    + "Go struct field ScaleSpec.spec.replicas of type int32"
            )
        }
        guard replicas >= 0 else {
            throw .invalid(
                group: "autoscaling",
                kind: "Scale",
                name: name,
                [.invalid("spec.replicas", .number(replicas), "must be greater than or equal to 0")]
            )
        }
        var changed = object
        changed.set(.number(replicas), at: paths.specReplicas)
        // A version or name in the Scale is a precondition, as in any update.
        for key in ["name", "namespace", "uid", "resourceVersion"] {
            if let value = scale["metadata"]?[key] { changed.set(value, at: ["metadata", key]) }
        }
        return changed
    }
}

/// A LabelSelector object in the one-line form of queries.
enum SelectorText {
    static func text(_ selector: JSONValue) -> String {
        var terms: [(key: String, text: String)] = []
        for (key, value) in selector["matchLabels"]?.objectValue ?? [:] {
            terms.append((key, "\(key)=\(value.stringValue ?? "")"))
        }
        for expression in selector["matchExpressions"]?.arrayValue ?? [] {
            let key = expression["key"]?.stringValue ?? ""
            let values = (expression["values"]?.arrayValue ?? []).compactMap(\.stringValue).sorted()
            let list = "(\(values.joined(separator: ",")))"
            switch expression["operator"]?.stringValue {
            case "In": terms.append((key, "\(key) in \(list)"))
            case "NotIn": terms.append((key, "\(key) notin \(list)"))
            case "Exists": terms.append((key, key))
            default: terms.append((key, "!\(key)"))
            }
        }
        return terms.sorted { $0.key < $1.key }.map(\.text).joined(separator: ",")
    }
}
