import JSON
import KubernetesCore
import Testing

struct APIErrorTests {
    static let key = ObjectKey(namespace: "fix", name: "a")
    static let get = APIRequest.get(.configMaps, key)

    @Test(
        arguments: [
            ("18-create-exists", "AlreadyExists", .terminal), ("20-create-bad-name", "Invalid", .terminal),
            ("22-create-wrong-kind", "BadRequest", .terminal),
            ("24-create-unsupported-media", "UnsupportedMediaType", .terminal),
            ("28-get-missing", "NotFound", .gone), ("29-get-unknown-resource", "NotFound", .gone),
            ("30-get-unknown-group", "NotFound", .gone), ("31-create-in-missing-namespace", "NotFound", .gone),
            ("35-list-continue-bad", "BadRequest", .terminal), ("40-list-rv-and-continue", "BadRequest", .terminal),
            ("41-list-future-rv", "Timeout", .gone), ("46-update-conflict", "Conflict", .conflict),
            ("50-patch-merge-conflict", "Conflict", .conflict), ("52-patch-json-test-fails", "Invalid", .terminal),
            ("57-apply-conflict", "Conflict", .terminal), ("68-cr-missing-required", "Invalid", .terminal),
            ("81-delete-precondition-fails", "Conflict", .conflict), ("86-watch-bad-rv", "InternalError", .retry),
            ("90-unauthorized", "Unauthorized", .retry), ("91-impersonated-forbidden", "Forbidden", .terminal),
        ] as [(String, String, Disposition)]
    )
    func `real answers have their reason and disposition`(
        name: String,
        reason: String,
        disposition: Disposition
    ) throws {
        let error = try Recording(name).error(for: Self.get)
        #expect(error.reason == reason)
        #expect(error.disposition == disposition)
        #expect(error.description.contains(reason))
    }

    @Test func `predicates of real answers`() throws {
        func error(_ name: String) throws -> APIError { try Recording(name).error(for: Self.get) }
        #expect(try error("18-create-exists").isAlreadyExists && !error("18-create-exists").isConflict)
        #expect(try error("46-update-conflict").isConflict && !error("46-update-conflict").isApplyConflict)
        #expect(try error("57-apply-conflict").isApplyConflict)
        #expect(try error("41-list-future-rv").isTooLargeResourceVersion)
        #expect(try error("28-get-missing").isNotFound && !error("28-get-missing").isUnknownResource)
        #expect(try error("31-create-in-missing-namespace").isNotFound)
        #expect(try !error("31-create-in-missing-namespace").isUnknownResource)
        #expect(try error("29-get-unknown-resource").isUnknownResource)
        #expect(try error("30-get-unknown-group").isUnknownResource)
        #expect(try error("90-unauthorized").isUnauthorized)
        #expect(try error("91-impersonated-forbidden").isForbidden)
        #expect(try error("68-cr-missing-required").isInvalid)
        #expect(
            try error("68-cr-missing-required").kubernetesStatus?.details?.causes?.first?.field == "spec.error.type"
        )
    }

    @Test func `says what was asked, of what, and what was answered`() throws {
        #expect(
            try Recording("28-get-missing").error(for: .get(.configMaps, ObjectKey(namespace: "fix", name: "none")))
                .description == #"get configmaps fix/none: 404 NotFound: configmaps "none" not found"#
        )
        #expect(
            APIError(request: .raw("/readyz"), status: 500, headers: [], body: Array("[-]etcd failed".utf8)).description
                == "raw /readyz: 500 InternalError: [-]etcd failed"
        )
        #expect(
            APIError(request: Self.get, status: 404, headers: [], body: []).description
                == "get configmaps fix/a: 404 NotFound"
        )
    }

    private static func error(
        _ status: Int,
        reason: String? = nil,
        cause: String? = nil,
        message: String? = nil,
        retryAfter: Int? = nil,
        headers: [(String, String)] = []
    ) throws -> APIError {
        let details = KubernetesStatus.Details(
            causes: cause.map { [.init(reason: $0)] },
            retryAfterSeconds: retryAfter
        )
        let value = KubernetesStatus(message: message, reason: reason, code: status, details: details)
        var body = try JSONValue(encoding: value)
        body["kind"] = "Status"
        return APIError(request: get, status: status, headers: headers, body: body.serialized())
    }

    @Test(
        arguments: [
            (400, nil, .terminal), (401, nil, .retry), (403, nil, .terminal), (404, nil, .gone), (405, nil, .terminal),
            (408, nil, .retry), (409, nil, .conflict), (409, "AlreadyExists", .terminal), (410, nil, .gone),
            (413, nil, .terminal), (415, nil, .terminal), (422, nil, .terminal), (429, nil, .retry), (500, nil, .retry),
            (500, "Expired", .gone), (501, nil, .terminal), (502, nil, .retry), (503, nil, .retry), (504, nil, .retry),
            (505, nil, .terminal), (599, nil, .retry), (302, nil, .terminal), (100, nil, .terminal),
        ] as [(Int, String?, Disposition)]
    )
    func `every status has a disposition`(status: Int, reason: String?, disposition: Disposition) throws {
        #expect(try Self.error(status, reason: reason).disposition == disposition)
    }

    @Test(arguments: [429, 500, 503, 504])
    func `a wait that the server asks for is passed on`(status: Int) throws {
        #expect(try Self.error(status, headers: [("Retry-After", "7")]).disposition == .retryAfter(.seconds(7)))
        #expect(try Self.error(status, retryAfter: 3).disposition == .retryAfter(.seconds(3)))
    }

    @Test func `a name that collided by chance may be made again`() throws {
        #expect(try Self.error(409, reason: "AlreadyExists", retryAfter: 1).disposition == .retryAfter(.seconds(1)))
        #expect(try Self.error(409, reason: "AlreadyExists").disposition == .terminal)
    }

    @Test func `older servers tell of a version from the future in the message only`() throws {
        let error = try Self.error(
            504,
            reason: "Timeout",
            message: "Too large resource version: 9, current: 5",
            retryAfter: 1
        )
        #expect(error.isTooLargeResourceVersion && error.disposition == .gone)
        #expect(try !Self.error(504, reason: "Timeout", message: "slow").isTooLargeResourceVersion)
        #expect(try !Self.error(500, message: "Too large resource version: 9").isTooLargeResourceVersion)
    }

    @Test func `evictions and terminating namespaces are told from other refusals`() throws {
        #expect(try Self.error(429, cause: "DisruptionBudget").isDisruptionBudget)
        #expect(try !Self.error(429).isDisruptionBudget)
        #expect(try Self.error(403, cause: "NamespaceTerminating").isNamespaceTerminating)
        #expect(try !Self.error(403).isNamespaceTerminating)
    }

    @Test(
        arguments: [
            ("5", 5), ("0", 0), (" 12 ", 12), ("999999999", 86_400), ("Wed, 21 Oct 2026 07:28:00 GMT", nil),
            ("-1", nil),
            ("1.5", nil), ("", nil), ("+5", nil), ("99999999999999999999999", nil),
        ] as [(String, Int?)]
    )
    func `only whole seconds count as a wait, and only so many`(header: String, seconds: Int?) {
        let error = APIError(request: Self.get, status: 503, headers: [("retry-AFTER", header)], body: [])
        #expect(error.retryAfter == seconds.map { .seconds($0) })
    }

    @Test func `the header counts before the body`() throws {
        #expect(try Self.error(429, retryAfter: 9, headers: [("Retry-After", "2")]).retryAfter == .seconds(2))
        #expect(try Self.error(429, retryAfter: 9, headers: [("Retry-After", "soon")]).retryAfter == .seconds(9))
        #expect(try Self.error(429, retryAfter: -9).retryAfter == nil)
    }

    @Test(arguments: [
        "", "<html>Bad Gateway</html>", "{", "null", "[1]", #"{"kind":"Pod"}"#, #"{"kind":"Status","code":"x"}"#,
    ])
    func `a body that is no Status is kept as an excerpt`(body: String) {
        let error = APIError(request: Self.get, status: 502, headers: [], body: Array(body.utf8))
        #expect(error.kubernetesStatus == nil && error.excerpt == body)
        #expect(error.message == (body.isEmpty ? "Unknown" : body))
        #expect(error.disposition == .retry)
    }

    @Test func `an excerpt is short, cut between characters, and cannot drive a terminal`() {
        let long = APIError(
            request: Self.get,
            status: 502,
            headers: [],
            body: Array(String(repeating: "ä", count: 5000).utf8)
        )
        #expect(long.excerpt.utf8.count == 2048 && !long.excerpt.unicodeScalars.contains("\u{FFFD}"))
        let odd = APIError(
            request: Self.get,
            status: 502,
            headers: [],
            body: Array(("a" + String(repeating: "ä", count: 5000)).utf8)
        )
        #expect(odd.excerpt.utf8.count == 2047)
        let escape = APIError(
            request: Self.get,
            status: 502,
            headers: [],
            body: Array("a\u{1B}[31m\n\tb".utf8) + [0xFF]
        )
        #expect(escape.excerpt == "a [31m b\u{FFFD}")
    }

    @Test(arguments: [400, 422, 500])
    func `nothing that may quote a Secret is kept`(status: Int) {
        let body: JSONValue = [
            "kind": "Status", "reason": "Invalid", "message": "hunter2 is bad",
            "details": ["causes": [["reason": "FieldValueInvalid", "field": "data", "message": "hunter2"]]],
        ]
        let request = APIRequest.create(.secrets, namespace: "ns", body: [:])
        for bytes in [body.serialized(), Array("hunter2".utf8)] {
            let error = APIError(request: request, status: status, headers: [], body: bytes)
            var dumped = ""
            dump(error, to: &dumped)
            #expect(!"\(error)\(dumped)".contains("hunter2"))
        }
        let error = APIError(request: request, status: status, headers: [], body: body.serialized())
        #expect(error.kubernetesStatus?.details?.causes?.first?.field == "data")
    }

    @Test func `a missing Secret is still named`() {
        let body: JSONValue = ["kind": "Status", "message": #"secrets "a" not found"#, "reason": "NotFound"]
        let error = APIError(
            request: .get(.secrets, Self.key),
            status: 404,
            headers: [],
            body: body.serialized()
        )
        #expect(error.message == #"secrets "a" not found"#)
    }

    @Test func `the HTTP status decides, whatever the body says`() throws {
        let body = try JSONValue(parsing: #"{"kind":"Status","code":200,"reason":""}"#).serialized()
        let error = APIError(request: Self.get, status: 409, headers: [], body: body)
        #expect(error.isConflict && error.reason == "Conflict")
    }
}
