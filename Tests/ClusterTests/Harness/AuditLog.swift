import Foundation
import JSON

/// What the API server of a plane was asked to write, as it recorded it itself.
struct AuditLog {
    /// One write.
    struct Entry {
        let verb: String
        let resource: String
        let subresource: String
        let namespace: String
        let name: String
        let status: Int64
    }

    private let path: String

    init(_ plane: ControlPlane) async throws {
        path = try await Shell.run(
            "eval \"$(\(ControlPlane.root)hack/control-plane env \(plane.name))\"; printf %s \"$CONTROL_PLANE_AUDIT_LOG\""
        )
    }

    /// The writes that the server carried out and that are as asked.
    func successfulWrites(where isWanted: (Entry) -> Bool) throws -> [Entry] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try text.split(separator: "\n").compactMap { line in
            let event = try JSONValue(parsing: Array(line.utf8))
            let reference = event["objectRef"]
            let entry = Entry(
                verb: event["verb"]?.stringValue ?? "",
                resource: reference?["resource"]?.stringValue ?? "",
                subresource: reference?["subresource"]?.stringValue ?? "",
                namespace: reference?["namespace"]?.stringValue ?? "",
                name: reference?["name"]?.stringValue ?? "",
                status: event.value(at: ["responseStatus", "code"])?.intValue ?? 0
            )
            return entry.status < 300 && isWanted(entry) ? entry : nil
        }
    }
}
