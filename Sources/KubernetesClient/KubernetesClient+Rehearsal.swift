import JSON
public import KubernetesCore

extension KubernetesClient {
    /// Hears of a write that the server has checked and would carry out, and of its answer.
    public typealias RehearsalNote = @Sendable (APIRequest, APIResponse) -> Void

    /// A client whose writes are only tried out (`dryRun=All`): the server checks them and answers, but stores nothing.
    ///
    /// What it cannot try out is refused, as ``ClientError/refused(_:request:)``: raw paths, whole collections, and
    /// subresources that hand something out. Reads are as always. The last one wins when it is called again.
    public func rehearsing(_ note: @escaping RehearsalNote) -> KubernetesClient {
        var copy = self
        copy.rehearsal = note
        return copy
    }

    /// The request as this client may send it.
    func rehearsed(_ request: APIRequest) throws -> APIRequest {
        guard rehearsal != nil, !request.isIdempotent else { return request }
        var request = request
        switch (request.verb, request.subresource) {
        case (.delete, nil):
            // Servers read the options of a deletion from its body, and from the query only where there is none.
            var options: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
            if let body = request.body { options = try JSONValue(parsing: body) }
            options["dryRun"] = ["All"]
            request.body = options.serialized()
            request.contentType = MediaType.json
        case (.create, nil), (.create, "eviction"), (.update, _), (.patch, _):
            request.query.removeAll { $0.0 == "dryRun" }
            request.query.append(("dryRun", "All"))
        default:
            throw ClientError.refused(NotRehearsable(), request: RequestSummary(request))
        }
        return request
    }
}

/// A rehearsing client was asked for something that cannot be tried out.
private struct NotRehearsable: Error, CustomStringConvertible {
    var description: String { "the server cannot try this out without doing it" }
}
