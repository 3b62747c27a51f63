/// How an answer looks: the notation, and the shape of what is in it.
package struct MediaType: Sendable, Hashable {
    /// The notation.
    package enum Format: String, Sendable, Hashable, CaseIterable {
        case json = "application/json"
        case yaml = "application/yaml"
        /// Bodies only: answers are JSON for those who send it.
        case protobuf = "application/vnd.kubernetes.protobuf"
    }

    /// What is shown of objects.
    package enum Shape: Sendable, Hashable {
        /// The objects themselves.
        case object
        /// Rows for people, as `kubectl get` asks for them.
        case table
        /// `metadata` of one object.
        case partialMetadata
        /// `metadata` of each object of a list.
        case partialMetadataList
        /// Discovery of all groups in one document.
        case aggregatedDiscovery
    }

    /// The notation.
    package var format = Format.json
    /// What is shown.
    package var shape = Shape.object
    /// The version of the group of the shape, as `v1`; empty for objects.
    package var version = ""

    /// JSON of the objects themselves.
    package static let json = MediaType()

    /// The value of `Content-Type`.
    package var contentType: String {
        guard shape == .aggregatedDiscovery else { return format.rawValue }
        return "\(format.rawValue);g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
    }

    /// `meta.k8s.io/v1` and the like, for the shapes that have a group of their own.
    package var metaAPIVersion: String { "meta.k8s.io/\(version)" }

    /// The media types that bodies and answers may have, as messages list them.
    package static let accepted = Format.allCases.map(\.rawValue).joined(separator: ", ")

    /// Chooses by the `Accept` header: the first clause that can be served.
    ///
    /// - Throws: ``APIFailure`` 406 when there is none.
    package static func negotiate(
        accept: String?,
        shapes: Set<Shape> = [.table, .partialMetadata, .partialMetadataList]
    ) throws(APIFailure) -> MediaType {
        let clauses = (accept ?? "").split(separator: ",").map { Clause($0) }
        guard !clauses.isEmpty else { return .json }
        for clause in clauses.sorted(by: { $0.quality > $1.quality }) {
            guard clause.quality > 0, let chosen = clause.mediaType,
                shapes.contains(chosen.shape) || chosen.shape == .object
            else { continue }
            return chosen
        }
        throw .notAcceptable("only the following media types are accepted: \(accepted)")
    }

    /// The notation of a body.
    ///
    /// - Throws: ``APIFailure`` 415 for what is none of the accepted types.
    package static func ofBody(contentType: String?) throws(APIFailure) -> Format {
        let name = contentType.map { Clause($0[...]).name } ?? ""
        if name.isEmpty { return .json }
        guard let format = Format(rawValue: name) else { throw unsupported(accepted) }
        return format
    }

    /// 415 with the list of what would have been taken.
    package static func unsupported(_ accepted: String) -> APIFailure {
        APIFailure(
            code: 415,
            reason: "UnsupportedMediaType",
            message: "the body of the request was in an unknown format - accepted media types include: \(accepted)"
        )
    }
}

extension MediaType {
    /// One of the alternatives of an `Accept` header, or a `Content-Type`.
    struct Clause {
        /// Lower-case, without parameters.
        let name: String
        let parameters: [String: String]

        init(_ text: Substring) {
            var parts = text.split(separator: ";").map { $0.trimmed }[...]
            name = (parts.popFirst() ?? "").lowercased()
            var parameters: [String: String] = [:]
            for part in parts {
                let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmed }
                if pair.count == 2 { parameters[pair[0].lowercased()] = pair[1] }
            }
            self.parameters = parameters
        }

        var quality: Double { parameters["q"].flatMap(Double.init) ?? 1 }

        /// What the clause asks for; nil when that is nothing known.
        var mediaType: MediaType? {
            var type = MediaType()
            switch name {
            case "application/json", "*/*", "application/*": type.format = .json
            case "application/yaml": type.format = .yaml
            default: return nil
            }
            guard let target = parameters["as"] else { return type }
            type.version = parameters["v"] ?? ""
            switch (parameters["g"], target) {
            case ("meta.k8s.io", "Table"): type.shape = .table
            case ("meta.k8s.io", "PartialObjectMetadata"): type.shape = .partialMetadata
            case ("meta.k8s.io", "PartialObjectMetadataList"): type.shape = .partialMetadataList
            case ("apidiscovery.k8s.io", "APIGroupDiscoveryList"): type.shape = .aggregatedDiscovery
            default: return nil
            }
            let versions = type.shape == .aggregatedDiscovery ? ["v2"] : ["v1", "v1beta1"]
            return versions.contains(type.version) ? type : nil
        }
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
