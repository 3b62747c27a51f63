internal import FoundationEssentials
internal import HTTPServer
internal import JSON
internal import Timekeeping

extension ObjectRepresentation {
    /// How the objects of a watch go out in the shape that a request asks for.
    ///
    /// - Throws: ``APIFailure`` 400 when it asks for rows with something that there is not.
    static func watch(_ call: APICall, timeSource: any TimeSource) throws(APIFailure) -> WatchRepresentation {
        let resource = call.resource
        if call.mediaType.shape == .object {
            guard !resource.servesStoredBytes else { return .stored }
            return WatchRepresentation(key: resource.apiVersion) { try resource.served($0).serialized() }
        }
        let mediaType = call.mediaType
        let included = try IncludedObject(call)
        let make: @Sendable (StoredObject, Bool) throws -> [UInt8] = { stored, isFirst in
            // Cells show ages: as of the event, not of the watch's beginning.
            let now = timeSource.wallTime()
            let shown = ObjectRepresentation(resource, mediaType, included: included, now: now)
            return try shown.event(resource.served(stored), isFirst: isFirst).serialized()
        }
        let key = "\(resource.apiVersion) \(mediaType.shape) \(mediaType.version) \(included.rawValue)"
        guard mediaType.shape == .table else {
            return WatchRepresentation(key: key) { try make($0, false) }
        }
        return WatchRepresentation(key: key, encode: { try make($0, false) }, encodeFirst: { try make($0, true) })
    }
}
