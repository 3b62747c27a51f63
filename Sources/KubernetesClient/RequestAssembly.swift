import HTTPTransport
import KubernetesCore

/// Makes the HTTP requests of one API request: one for each try.
struct RequestAssembly {
    let session: ClientSession
    let request: APIRequest
    let impersonation: Impersonation?
    let timeouts: HTTPTimeouts
    /// Judged once: it may take a look into the body.
    let safety: ResendSafety

    init(_ request: APIRequest, _ client: KubernetesClient, _ timeouts: HTTPTimeouts) throws(ClientError) {
        try Self.check(request)
        self.request = request
        session = client.session
        impersonation = client.impersonation
        self.timeouts = timeouts
        safety = ResendSafety(request)
    }

    /// Refuses requests whose URL would name something else than what was meant.
    ///
    /// An empty name would turn the deletion of an object into that of a collection, and a missing namespace answers 404,
    /// which looks like an object that is gone.
    private static func check(_ request: APIRequest) throws(ClientError) {
        func refuse(_ problem: String) -> ClientError {
            .invalidRequest(problem, request: RequestSummary(request))
        }
        guard let resource = request.resource else {
            guard request.path.hasPrefix("/") else { throw refuse("the path does not start with a slash") }
            return
        }
        if let name = request.name, name.isEmpty { throw refuse("the object has no name") }
        let needsNamespace = request.name != nil || request.verb == .create
        if needsNamespace, resource.isNamespaced, (request.namespace ?? "").isEmpty {
            throw refuse("the object needs a namespace")
        }
    }

    /// Adds server, credentials and limits.
    func assemble(_ credential: RequestCredential, _ security: ConnectionSecurity) -> HTTPRequest {
        var base = Substring(session.configuration.server)
        while base.hasSuffix("/") { base.removeLast() }
        var request = request
        // The server would otherwise work on what nobody waits for any more.
        if let total = timeouts.total, request.verb != .watch, !request.query.contains(where: { $0.0 == "timeout" }) {
            request.query.append(("timeout", "\(max(1, total.components.seconds))s"))
        }
        return HTTPRequest(
            method: request.method,
            url: base + request.target,
            headers: headers(credential),
            body: request.body,
            security: security,
            timeouts: timeouts,
            reuse: safety.reuse(for: request.verb),
            allowsResend: safety != .unsafe,
            acceptsCompression: session.compresses && request.verb != .watch
        )
    }

    private func headers(_ credential: RequestCredential) -> [HTTPHeader] {
        var headers = [
            HTTPHeader(name: "User-Agent", value: session.userAgent),
            HTTPHeader(name: "Accept", value: request.accept),
        ]
        if let type = request.contentType { headers.append(HTTPHeader(name: "Content-Type", value: type)) }
        if let authorization = credential.authorization?.value {
            headers.append(HTTPHeader(name: "Authorization", value: authorization))
        }
        for (name, value) in impersonation?.headers ?? [] { headers.append(HTTPHeader(name: name, value: value)) }
        return headers
    }
}
