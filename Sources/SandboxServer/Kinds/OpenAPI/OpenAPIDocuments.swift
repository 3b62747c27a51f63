internal import JSON
internal import Synchronization

/// The OpenAPI documents of the server: version 2 in one piece, version 3 by group and version, with an index.
///
/// What kubectl reads from them: the fields and their types (`explain`), the lists' merge keys (`apply`, `diff`), and
/// whether PATCH knows `fieldValidation` (`--validate`). Documents are made when they are first asked for and kept
/// until the resources change.
///
/// ```swift
/// documents.update(custom: definitions)
/// let answer = documents.answer(path: "/openapi/v3/apis/apps/v1", accept: "application/json")
/// ```
package final class OpenAPIDocuments: Sendable {
    /// A document as it goes over the wire.
    package struct Answer: Sendable, Equatable {
        /// The media type.
        package var contentType: String
        /// The document.
        package var bytes: [UInt8]
        /// What changes when the document does; without quotes.
        package var hash: String
    }

    private struct State {
        var custom: [ResourceDefinition] = []
        /// Counts the changes of ``custom``.
        var generation = 0
        var answers: [String: Answer] = [:]
    }

    private let version: String
    private let state = Mutex(State())

    /// The media type of version 2 in Protobuf as kubectl asks for it, and as answers name it: clients cannot parse `@`.
    private static let protobufV2 = (
        asked: "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
        answered: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    )

    /// Begins with the built-in kinds; `version` is what the documents call the server's.
    package init(version: String) {
        self.version = version
    }

    /// Replaces the custom resources; everything that is not ``ResourceDefinition/isCustom`` is ignored.
    package func update(custom definitions: [ResourceDefinition]) {
        state.withLock { state in
            state = State(custom: definitions.filter(\.isCustom), generation: state.generation + 1)
        }
    }

    /// The answer for a path as `/openapi/v3/apis/apps/v1`; nil when there is no such document.
    package func answer(path: String, accept: String) -> Answer? {
        let isAsked = accept.contains(Self.protobufV2.asked) || accept.contains(Self.protobufV2.answered)
        let isProtobuf = path == "/openapi/v2" && isAsked
        let key = isProtobuf ? "protobuf" : path
        let (known, custom, generation) = state.withLock { ($0.answers[key], $0.custom, $0.generation) }
        if let known { return known }
        // Made outside the lock: two requests may both do it, but none waits for the other.
        guard let answer = make(path, isProtobuf: isProtobuf, OpenAPIResources(custom: custom)) else { return nil }
        state.withLock { state in
            if state.generation == generation { state.answers[key] = answer }
        }
        return answer
    }

    private func make(_ path: String, isProtobuf: Bool, _ resources: OpenAPIResources) -> Answer? {
        switch path {
        case "/openapi/v2":
            let document = resources.documentV2(version: version)
            return isProtobuf
                ? Answer(Self.protobufV2.answered, OpenAPIProtobuf.encode(document))
                : Answer("application/json", document.serialized())
        case "/openapi/v3":
            return Answer("text/plain; charset=utf-8", index(resources).serialized())
        default:
            guard path.hasPrefix("/openapi/v3/") else { return nil }
            let name = String(path.dropFirst("/openapi/v3/".count))
            guard let document = resources.documentV3(name, version: version) else { return nil }
            return Answer("application/json", document.serialized())
        }
    }

    private func index(_ resources: OpenAPIResources) -> JSONValue {
        var paths = JSONObject()
        for name in resources.documentNames {
            let hash = answer(path: "/openapi/v3/\(name)", accept: "")?.hash ?? ""
            paths[name] = ["serverRelativeURL": .string("/openapi/v3/\(name)?hash=\(hash)")]
        }
        return ["paths": .object(paths)]
    }
}

extension OpenAPIDocuments.Answer {
    fileprivate init(_ contentType: String, _ bytes: [UInt8]) {
        self.contentType = contentType
        self.bytes = bytes
        // FNV-1a, 64 bits: it has to differ between documents, not to withstand attacks.
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = String(sum, radix: 16, uppercase: true)
    }
}
