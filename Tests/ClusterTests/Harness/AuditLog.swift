import Foundation
import JSON
import TestSupport

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
        /// Who asked, and as whom.
        let user: String
        let impersonatedUser: String?
        let userAgent: String
        /// When the server had answered.
        let time: Date

        /// Whether the server was only asked to try it out.
        let isDryRun: Bool

        /// Whether the server carried it out.
        var isDone: Bool { status < 300 && !isDryRun }
        /// Whether it has made the object; an apply may do that, too.
        var isCreation: Bool { status == 201 && subresource.isEmpty }
    }

    private let path: String

    init(_ plane: ControlPlane) async throws {
        path = try await Shell.run(
            "eval \"$(\(ControlPlane.root)hack/control-plane env \(plane.name))\"; printf %s \"$CONTROL_PLANE_AUDIT_LOG\""
        )
    }

    /// The writes that the server carried out and that are as asked.
    func successfulWrites(where isWanted: (Entry) -> Bool) throws -> [Entry] {
        try writes { $0.isDone && isWanted($0) }
    }

    /// The writes that are as asked, refused ones too.
    func writes(where isWanted: (Entry) -> Bool) throws -> [Entry] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            Self.entry(try JSONValue(parsing: Array(line.utf8)))
        }.filter(isWanted)
    }

    /// How often a controller has made each object of a namespace: by `resource/name`.
    func creations(in namespace: String) throws -> [String: Int] {
        let made = try successfulWrites {
            $0.namespace == namespace && $0.isCreation && $0.userAgent.contains("recovery-controller")
        }
        return Dictionary(grouping: made) { "\($0.resource)/\($0.name)" }.mapValues(\.count)
    }

    /// How often each ConfigMap of a namespace was annotated by a Recovery.
    func touches(in namespace: String) throws -> [String: Int] {
        let touches = try successfulWrites {
            $0.resource == "configmaps" && $0.verb == "patch" && $0.namespace == namespace
        }
        return Dictionary(grouping: touches, by: \.name).mapValues(\.count)
    }

    private static func entry(_ event: JSONValue) -> Entry {
        let reference = event["objectRef"]
        return Entry(
            verb: event["verb"]?.stringValue ?? "",
            resource: reference?["resource"]?.stringValue ?? "",
            subresource: reference?["subresource"]?.stringValue ?? "",
            namespace: reference?["namespace"]?.stringValue ?? "",
            name: reference?["name"]?.stringValue ?? "",
            status: event.value(at: ["responseStatus", "code"])?.intValue ?? 0,
            user: event.value(at: ["user", "username"])?.stringValue ?? "",
            impersonatedUser: event.value(at: ["impersonatedUser", "username"])?.stringValue,
            userAgent: event["userAgent"]?.stringValue ?? "",
            time: event["stageTimestamp"]?.stringValue.flatMap(RFC3339.date(from:)) ?? .distantPast,
            isDryRun: event["requestURI"]?.stringValue?.contains("dryRun=All") ?? false
        )
    }
}
