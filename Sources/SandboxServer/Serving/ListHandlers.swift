internal import FoundationEssentials
package import HTTPServer
internal import JSON

extension APICall {
    /// The options of a list, watch or deletecollection request.
    func listOptions() throws(APIFailure) -> ListOptions {
        let definition = resource.definition
        let custom = definition.isCustom ? resource.version.selectableFields.map { $0.joined(separator: ".") } : nil
        return try ListOptions(
            query: request.query,
            labels: FieldLabels(definition.id, custom: custom),
            name: info.name.isEmpty ? nil : info.name
        )
    }

    /// The namespace to list; nil for all.
    var listNamespace: String? { info.namespace.isEmpty || !resource.definition.isNamespaced ? nil : info.namespace }
}

extension ResourceHandlers {
    /// GET of a collection.
    ///
    /// - Throws: ``APIFailure`` 400, 410 and 504 as the store and the options do.
    package func list(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let options = try call.listOptions()
        let page = try store.list(call.resource.storage, namespace: call.listNamespace, options: options)
        let metadata = Self.metadata(of: page)
        let warnings = call.resource.version.deprecationWarning.map { [$0] } ?? []
        if call.mediaType == .json {
            return .encoded(try ListEncoding.json(page.objects, call.resource, metadata: metadata), warnings: warnings)
        }
        var objects: [JSONValue] = []
        objects.reserveCapacity(page.objects.count)
        for object in page.objects { objects.append(try call.resource.served(object)) }
        let list = try ObjectRepresentation(call).list(objects, metadata: metadata)
        return .document(list, as: call.mediaType, warnings: warnings)
    }

    private static func metadata(of page: ListPage) -> JSONValue {
        var metadata: JSONValue = ["resourceVersion": .string(String(page.revision))]
        metadata["continue"] = page.continueToken.map { .string($0) }
        metadata["remainingItemCount"] = page.remainingItemCount.map { .number($0) }
        return metadata
    }

    /// DELETE of a collection: all that the selectors select.
    ///
    /// - Throws: ``APIFailure``.
    package func deleteCollection(_ call: APICall) throws(APIFailure) -> HTTPServerResponse {
        let options = try call.listOptions()
        let deletion = Deletion(call.resource, try DeleteOptions(call.request), now: call.now)
        let page = try store.list(call.resource.storage, namespace: call.listNamespace, options: options)
        // One transaction for each: a collection may be large, and others want to get in between.
        for object in page.objects {
            do {
                _ = try transaction { tx throws(APIFailure) in try deletion.delete(object.name, &tx) }
            } catch  where error.code == 404 {
                continue
            }
        }
        let bytes = try ListEncoding.json(page.objects, call.resource, metadata: Self.metadata(of: page))
        return .encoded(bytes)
    }
}

/// Writes lists out of the bytes of their objects.
enum ListEncoding {
    /// A list as JSON.
    ///
    /// The items of built-in kinds have no `apiVersion` and `kind`: that of the list says it.
    static func json(
        _ objects: [StoredObject],
        _ resource: ServedResource,
        metadata: JSONValue
    ) throws(APIFailure) -> [UInt8] {
        var bytes = Array("{\"apiVersion\":".utf8)
        bytes.reserveCapacity(objects.reduce(256) { $0 + $1.bytes.count + 1 })
        bytes += JSONValue.string(resource.apiVersion).serialized()
        bytes += ",\"items\":[".utf8
        for (index, object) in objects.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if resource.servesStoredBytes {
                if resource.definition.isCustom {
                    bytes += object.bytes
                } else {
                    TypeRemoval.append(object.bytes, to: &bytes)
                }
            } else {
                var value = try resource.served(object)
                if !resource.definition.isCustom {
                    value["apiVersion"] = nil
                    value["kind"] = nil
                }
                bytes += value.serialized()
            }
        }
        bytes += "],\"kind\":".utf8
        bytes += JSONValue.string(resource.definition.listKind).serialized()
        bytes += ",\"metadata\":".utf8
        bytes += metadata.serialized()
        bytes += "}\n".utf8
        return bytes
    }
}
