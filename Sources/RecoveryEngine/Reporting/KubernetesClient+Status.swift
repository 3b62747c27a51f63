internal import HTTPTransport
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI

extension KubernetesClient {
    /// Writes the status of an object: only what changed, only on top of the version that was read.
    ///
    /// - Parameters:
    ///   - object: the object as it was read.
    ///   - old: its status as it was read.
    ///   - new: what is to be there.
    /// - Returns: the object as the server has it now.
    /// - Throws: `ClientError`, a conflict when somebody else wrote in between.
    func patchStatus<Object: KubernetesObject, Status: Encodable>(
        of object: Object,
        from old: Status?,
        to new: Status
    ) async throws -> Object {
        let before = try old.map { try JSONValue(encoding: $0) } ?? .object([:])
        let change = JSONMergePatch.diff(from: before, to: try JSONValue(encoding: new))
        var metadata: [String: JSONValue] = [:]
        metadata["resourceVersion"] = object.metadata.resourceVersion.map(JSONValue.string)
        metadata["uid"] = object.metadata.uid.map(JSONValue.string)
        let body: JSONValue = .object(["metadata": .object(JSONObject(metadata)), "status": change])
        return try await patch(Object.self, object.metadata.key, body, type: .merge, subresource: "status")
    }
}

extension ClientError {
    /// Whether the error leaves open if a write on top of a version took effect: a conflict may be with our own write,
    /// which libcurl or a proxy has sent twice.
    var leavesWriteOpen: Bool {
        if let answer = apiError { return answer.isConflict || answer.status >= 500 }
        return transportError?.requestWasSent ?? false
    }
}
