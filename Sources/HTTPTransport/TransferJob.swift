import Synchronization
internal import Timekeeping

/// One request, or one mail, on its way through the loop, as both sides see it.
final class TransferJob: Sendable {
    /// Who waits for what.
    enum Sink: Sendable {
        /// The caller waits for the whole answer.
        case whole(Promise<HTTPResponse>)
        /// The caller waits for the head, then reads the buffer.
        case stream(head: Promise<ResponseHead>, body: BodyBuffer)
    }

    /// The request; for a mail only what both have: where it goes, by when and by which rules.
    let request: HTTPRequest
    let mail: Mail?
    let sink: Sink
    private let cancelled = Atomic(false)

    init(request: HTTPRequest, sink: Sink) {
        self.request = request
        mail = nil
        self.sink = sink
    }

    init(mail: Mail, answer: Promise<HTTPResponse>) {
        var request = HTTPRequest(
            url: mail.server,
            security: mail.security,
            timeouts: mail.timeouts,
            reuse: .dedicated,
            allowsResend: false
        )
        request.mayConnect = mail.mayConnect
        self.request = request
        self.mail = mail
        sink = .whole(answer)
    }

    /// Whether nobody waits any more; the loop does not begin such a job.
    var isCancelled: Bool {
        cancelled.load(ordering: .acquiring)
    }

    /// Notes that nobody waits any more; the command that ends the transfer is the caller's.
    func markCancelled() {
        cancelled.store(true, ordering: .releasing)
    }

    /// Ends the job without a (whole) answer.
    func fail(_ error: any Error) {
        switch sink {
        case .whole(let answer):
            answer.fulfil(.failure(error))
        case .stream(let head, let body):
            head.fulfil(.failure(error))
            body.finish(.failure(error))
        }
    }
}

/// Status and headers of an answer.
struct ResponseHead: Sendable {
    var status = 0
    var headers: [HTTPHeader] = []
}
