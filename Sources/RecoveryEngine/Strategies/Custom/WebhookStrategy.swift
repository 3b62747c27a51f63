package import HTTPTransport
package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// Calls the URL in the policy's rung (`webhook: {url, secretRef}`) with the error, and succeeds when it answers 2xx.
///
/// A POST with JSON; the same attempt always has the same `Idempotency-Key`. The Secret's key `token` becomes a bearer
/// token; it is read as the Recovery's ServiceAccount. Addresses that no tenant may reach are refused (`AddressRule`).
/// 408, 429 and 5xx are tried again, every other status ends the rung; the answer's `message` is reported.
package struct WebhookStrategy: RecoveryStrategy {
    private static let maxAnswerBytes = 64 << 10

    private let transport: any HTTPTransport
    private let addresses: AddressRule

    /// For whoever names it, as no error type leads here by itself; a minute.
    ///
    /// What it does nobody knows, so it counts as the worst.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.webhook,
        errorTypes: [],
        priority: 40,
        timeout: .seconds(60),
        destructiveness: .destructive,
        needsServiceAccount: true
    )

    /// Makes the strategy.
    ///
    /// - Parameters:
    ///   - transport: how the URL is reached.
    ///   - addresses: where URLs may lead.
    package init(transport: any HTTPTransport, addresses: AddressRule) {
        self.transport = transport
        self.addresses = addresses
    }

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        ParameterCheck(parameters).violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        _ = try attempt.requiredServiceAccount(descriptor.name)
        guard let settings = attempt.recovery.status?.currentRung?.webhook else {
            throw StrategyFailure.permanent(
                "there is nobody to call: a policy's rung has to give webhook.url",
                nextSteps: ["Add webhook: {url: ...} to the rung Webhook of the policy, and create a new Recovery"]
            )
        }
        if let problem = addresses.problem(url: settings.url) {
            throw StrategyFailure.permanent(
                "the webhook's URL \(problem); nothing was sent",
                nextSteps: ["Name a URL that tenants may reach, and create a new Recovery"]
            )
        }
        let token = try await token(settings, attempt)
        var words = ""
        try await attempt.mutate("CallWebhook") {
            words = try await call(settings.url, token, attempt)
            return words
        }
        return StrategyResult(message: words.isEmpty ? "the webhook was called before the interruption" : words)
    }

    private func token(_ settings: WebhookStrategySettings, _ attempt: Attempt) async throws -> String? {
        guard let reference = settings.secretRef else { return nil }
        let key = ObjectKey(namespace: attempt.recovery.metadata.namespace, name: reference.name)
        let field = reference.key ?? "token"
        let secret = try await attempt.client.get(.secrets, key)
        guard let token = SecretText.all(secret)[field], !token.isEmpty else {
            throw StrategyFailure.permanent(
                "Secret \(key) has no key \(field); nothing was sent",
                nextSteps: ["Put the bearer token into Secret \(key) under the key \(field)"]
            )
        }
        return token
    }

    private func call(_ url: String, _ token: String?, _ attempt: Attempt) async throws -> String {
        // The client's fence does not know of this request.
        try attempt.fence.checkOpen()
        var headers = [
            HTTPHeader(name: "Content-Type", value: "application/json"),
            HTTPHeader(
                name: "Idempotency-Key",
                value: "\(attempt.recovery.metadata.uid ?? "")/\(attempt.execution.id)"
            ),
        ]
        if let token { headers.append(HTTPHeader(name: "Authorization", value: "Bearer \(token)")) }
        let facts = Dictionary(attempt.facts.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let left = attempt.timeSource.now().duration(to: attempt.lastMoment())
        var request = HTTPRequest(
            method: "POST",
            url: url,
            headers: headers,
            body: JSONValue.strings(facts).serialized(),
            timeouts: HTTPTimeouts(connect: min(.seconds(10), left), total: left),
            allowsResend: true,
            maxResponseBytes: Self.maxAnswerBytes
        )
        request.mayConnect = { [addresses] in addresses.problem(address: $0) == nil }
        let answer: HTTPResponse
        do {
            answer = try await transport.perform(request)
        } catch let error as HTTPTransportError {
            throw StrategyFailure.transient("the webhook was not reached: \(error)")
        }
        let words = "the webhook answered \(answer.status)\(Self.message(answer.body))"
        switch answer.status {
        case 200..<300: return words
        case 408, 429, 500...: throw StrategyFailure.transient(words)
        default: throw StrategyFailure.permanent(words, nextSteps: ["See why the webhook refuses the request"])
        }
    }

    /// What the answer says; it need not be JSON.
    private static func message(_ body: [UInt8]) -> String {
        guard case .success(let document) = Result(catching: { try JSONValue(parsing: body) }),
            let said = document["message"]?.stringValue
        else { return "" }
        return ": \(said.prefix(512))"
    }
}
