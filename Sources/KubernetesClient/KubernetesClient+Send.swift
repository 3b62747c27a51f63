import FoundationEssentials
public import HTTPTransport
public import KubernetesCore
import Telemetry
import Timekeeping

extension KubernetesClient {
    /// Sends a request and returns the whole answer.
    ///
    /// It is repeated by itself only as ``RetryPolicy`` and the safety of a second arrival allow: after 429 and 5xx with
    /// a `Retry-After` in seconds, after a lost connection when it only reads, once after 401 when there are other
    /// credentials, for a while after 403 from a server that could not be reached just before. A write whose answer is
    /// lost is never sent again: whoever called must look at the object.
    ///
    /// - Throws: ``ClientError``; any status but 2xx is ``ClientError/api(_:)``. `CancellationError` when cancelled.
    public func send(_ request: APIRequest) async throws -> APIResponse {
        let request = try rehearsed(request)
        let answer = try await exchange(request, timeouts: timeouts(for: request)) { prepared in
            let response = try await session.transport.perform(prepared)
            return Answer(
                status: response.status,
                headers: response.headers,
                body: response.body,
                timings: response.timings
            )
        } bytes: {
            $0
        }
        let response = APIResponse(
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            warnings: note(answer.headers),
            timings: answer.timings ?? HTTPTimings(),
            request: RequestSummary(request)
        )
        if !request.isIdempotent { rehearsal?(request, response) }
        return response
    }

    /// Sends a request and returns as soon as the header of a 2xx answer is there, with the body still arriving.
    ///
    /// Up to then it is repeated like ``send(_:)``; a body that breaks off is not.
    ///
    /// - Throws: ``ClientError``; any status but 2xx is ``ClientError/api(_:)``. Reading the body throws
    ///   `HTTPTransportError`. `CancellationError` when cancelled.
    public func stream(_ request: APIRequest) async throws -> HTTPStream {
        let request = try rehearsed(request)
        let answer = try await exchange(request, timeouts: timeouts(for: request, isStream: true)) { prepared in
            let stream = try await session.transport.stream(prepared)
            return Answer(status: stream.status, headers: stream.headers, body: stream.body)
        } bytes: { body in
            try await body.collect(upTo: Self.maxErrorBytes)
        }
        _ = note(answer.headers)
        return HTTPStream(status: answer.status, headers: answer.headers, body: answer.body)
    }

    /// More than any Status; what is larger is none.
    private static let maxErrorBytes = 1 << 20

    /// An answer, with its body in whatever form the transfer gives it.
    struct Answer<Body: Sendable>: Sendable {
        var status: Int
        var headers: [HTTPHeader]
        var body: Body
        var timings: HTTPTimings?
    }

    /// One failed try.
    private struct Failure {
        var error: any Error
        var decision: RetryDecision
        /// The status, or client-go's word for none.
        var code: String
        var credential: RequestCredential
    }

    private enum Outcome<Body: Sendable> {
        case answer(Answer<Body>)
        case failure(Failure)
    }

    /// The loop of tries.
    private func exchange<Body: Sendable>(
        _ request: APIRequest,
        timeouts: HTTPTimeouts,
        perform: (HTTPRequest) async throws -> Answer<Body>,
        bytes: (Body) async throws -> [UInt8]
    ) async throws -> Answer<Body> {
        let assembly = try RequestAssembly(request, self, timeouts)
        var retries = RetryState(request, safety: assembly.safety, policy: retryPolicy)
        while true {
            switch try await attempt(assembly, &retries, perform, bytes) {
            case .answer(let answer):
                return answer
            case .failure(let failure):
                switch failure.decision {
                case .giveUp:
                    throw failure.error
                case .wait(let duration):
                    session.logger.debug("request is repeated", ["request": "\(request)", "cause": failure.code])
                    try await session.timeSource.sleep(for: duration)
                case .renewCredentials:
                    guard try await session.renew(rejected: failure.credential) else { throw failure.error }
                }
                session.metrics?.recordRetry(code: failure.code, method: request.method, host: session.host)
            }
        }
    }

    /// One try: credentials, gate, transfer, judgement.
    private func attempt<Body: Sendable>(
        _ assembly: RequestAssembly,
        _ retries: inout RetryState,
        _ perform: (HTTPRequest) async throws -> Answer<Body>,
        _ bytes: (Body) async throws -> [UInt8]
    ) async throws -> Outcome<Body> {
        let (credential, security) = try await session.identify()
        let prepared = assembly.assemble(credential, security)
        let request = assembly.request
        try askGates(request)
        let start = session.timeSource.now()
        do {
            let answer = try await perform(prepared)
            record(prepared, since: start, answer)
            if (200..<300).contains(answer.status) { return .answer(answer) }
            let error = APIError(
                request: request,
                status: answer.status,
                headers: answer.headers.map { ($0.name, $0.value) },
                body: try await errorBody(answer.body, bytes)
            )
            let decision = retries.decide(
                after: error,
                headers: answer.headers,
                jitter: session.jitter(),
                mayBeStarting: session.mayBeStarting
            )
            return .failure(
                Failure(
                    error: ClientError.api(error),
                    decision: decision,
                    code: String(answer.status),
                    credential: credential
                )
            )
        } catch let error as HTTPTransportError {
            record(prepared, since: start, nil as Answer<Body>?)
            session.note(error)
            return .failure(
                Failure(
                    error: ClientError.transport(error, request: RequestSummary(request)),
                    decision: retries.decide(after: error),
                    code: "<error>",
                    credential: credential
                )
            )
        }
    }

    /// The body of an error; one that breaks off does not hide the status.
    private func errorBody<Body>(_ body: Body, _ bytes: (Body) async throws -> [UInt8]) async throws -> [UInt8] {
        do {
            return try await bytes(body)
        } catch is HTTPTransportError {
            return []
        }
    }

    private func askGates(_ request: APIRequest) throws {
        do {
            for gate in gates { try gate(request) }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ClientError.refused(error, request: RequestSummary(request))
        }
    }

    private func record<Body>(_ prepared: HTTPRequest, since start: MonotonicInstant, _ answer: Answer<Body>?) {
        guard let metrics = session.metrics else { return }
        metrics.record(
            ClientMetrics.Attempt(
                method: prepared.method,
                host: session.host,
                status: answer?.status,
                duration: start.duration(to: session.timeSource.now()),
                requestBytes: prepared.body?.count ?? 0,
                responseBytes: (answer?.body as? [UInt8])?.count,
                timings: answer?.timings
            )
        )
    }

    private func note(_ headers: [HTTPHeader]) -> [String] {
        let texts = WarningLog.texts(in: headers)
        session.warnings.note(texts)
        return texts
    }

    /// The deadlines of one try.
    private func timeouts(for request: APIRequest, isStream: Bool = false) -> HTTPTimeouts {
        if request.verb == .watch {
            // The server ends a watch itself; the margin is for one whose connection has silently died.
            let seconds = request.query.first { $0.0 == "timeoutSeconds" }.flatMap { Int64($0.1) }
            return HTTPTimeouts(
                connect: connectTimeout,
                total: seconds.map { .seconds(min($0, 86_400)) + .seconds(30) }
            )
        }
        // A large list takes as long as it takes, as long as it moves.
        if isStream { return HTTPTimeouts(connect: connectTimeout, total: nil, idle: requestTimeout) }
        return HTTPTimeouts(connect: connectTimeout, total: requestTimeout)
    }
}
