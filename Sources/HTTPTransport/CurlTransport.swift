internal import Timekeeping

/// HTTP/1.1 over libcurl, and mails by SMTP: one owned thread with one multi handle.
///
/// Instances share nothing, so a lease client with an instance of its own does not wait behind anybody else's work.
/// Nothing blocks the calling task's thread but ``shutdown()``. Redirects are not followed, cookies and the proxy
/// variables of the environment are ignored, and names, connections and TLS sessions are shared only by requests with
/// equal ``ConnectionSecurity``.
///
/// ```swift
/// let transport = try CurlTransport()
/// defer { transport.shutdown() }
/// let answer = try await transport.perform(HTTPRequest(url: "http://127.0.0.1:8080/healthz"))
/// ```
public final class CurlTransport: HTTPTransport, MailTransport {
    private let queue: TransferQueue
    private let thread: OwnedThread
    private let streamBufferBytes: Int

    /// Starts the thread and makes the process ignore SIGPIPE.
    ///
    /// - Throws: ``HTTPTransportError`` with layer `local` when libcurl or the thread cannot be started.
    public init(configuration: CurlTransportConfiguration = CurlTransportConfiguration()) throws {
        ignoreBrokenPipes()
        try CurlLibrary.start()
        let multi = try MultiHandle()
        let queue = TransferQueue(multi: multi)
        do {
            thread = try OwnedThread {
                TransferLoop(queue: queue, multi: multi, configuration: configuration).run()
            }
        } catch {
            throw HTTPTransportError(
                layer: .local,
                // The name only says what failed; the thread itself is OwnedThread's.
                function: "pthread_create",
                message: "no thread for the transport",
                systemCode: error.code
            )
        }
        self.queue = queue
        streamBufferBytes = max(configuration.streamBufferBytes, 1)
    }

    deinit {
        shutdown()
    }

    /// Sends `request` and waits for the whole answer; any status is an answer.
    ///
    /// - Throws: ``HTTPTransportError``; `CancellationError` as soon as the task is cancelled, with the transfer ended.
    public func perform(_ request: HTTPRequest) async throws -> HTTPResponse {
        let answer = Promise<HTTPResponse>()
        return try await run(TransferJob(request: request, sink: .whole(answer)), until: answer)
    }

    /// Sends `request` and returns when the header of the answer is there; any status is an answer.
    ///
    /// The body does not keep the transport alive; after ``shutdown()`` it throws with layer `shutdown`.
    ///
    /// - Throws: ``HTTPTransportError``; `CancellationError` as soon as the task is cancelled, with the transfer ended.
    public func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        let head = Promise<ResponseHead>()
        let buffer = BodyBuffer(limit: streamBufferBytes)
        let job = TransferJob(request: request, sink: .stream(head: head, body: buffer))
        // Made before the transfer begins, so that every way out of this function ends it.
        let body = HTTPBody(source: StreamSource(job: job, buffer: buffer, queue: queue))
        let answer = try await run(job, until: head)
        return HTTPStream(status: answer.status, headers: answer.headers, body: body)
    }

    /// Hands a mail to its server, in a session of its own, and waits for the reply; any reply is an answer.
    ///
    /// - Throws: ``HTTPTransportError``; `CancellationError` as soon as the task is cancelled, with the session ended.
    public func send(_ mail: Mail) async throws -> MailReply {
        let answer = Promise<HTTPResponse>()
        let reply = try await run(TransferJob(mail: mail, answer: answer), until: answer)
        return MailReply(status: reply.status, text: String(decoding: reply.body, as: UTF8.self))
    }

    /// Closes kept connections that carry nothing, and lets those in use close when they are done.
    public func closeIdleConnections() async {
        let done = Promise<Void>()
        guard queue.submit(.closeIdle(done)) else { return }
        do {
            try await done.value()
        } catch {
            // Only the waiting was cancelled; the connections close all the same.
        }
    }

    /// Ends all transfers with layer `shutdown` and joins the thread; further requests fail likewise.
    ///
    /// It may be called from anywhere, and again. It waits for no network, only for the thread.
    public func shutdown() {
        queue.submit(.stop)
        thread.join()
    }

    private func run<Value: Sendable>(_ job: TransferJob, until answer: Promise<Value>) async throws -> Value {
        // Otherwise the last use of the transport could be the line below, and its deinit would end the transfer.
        defer { withExtendedLifetime(self) {} }
        try Task.checkCancellation()
        guard queue.submit(.start(job)) else {
            throw HTTPTransportError(layer: .shutdown, message: "the transport was shut down")
        }
        return try await withTaskCancellationHandler {
            try await answer.value()
        } onCancel: {
            job.markCancelled()
            queue.submit(.cancel(job))
        }
    }
}
