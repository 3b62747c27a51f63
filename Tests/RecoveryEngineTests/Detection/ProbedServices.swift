import HTTPTransport
import Synchronization
import TestSupport
import Timekeeping

/// What answers HTTP probes: each host as the test says.
final class ProbedServices: Sendable {
    enum Behaviour: Sendable {
        case answers(Int)
        case refuses
        /// Takes the request and never answers.
        case swallows
        /// Its name leads where nothing may be sent.
        case misleads
    }

    private final class Book: Sendable {
        let behaviours = Mutex<[String: Behaviour]>([:])
    }

    let transport: ScriptedTransport
    private let book: Book

    init(_ time: ManualTimeSource) {
        let book = Book()
        self.book = book
        transport = ScriptedTransport { request in
            let behaviours = book.behaviours.withLock { $0 }
            let behaviour = behaviours.first { request.url.contains($0.key) }?.value ?? .answers(200)
            switch behaviour {
            case .answers(let status): return .status(status)
            case .refuses: return .failure(HTTPTransportError(layer: .tcp, message: "refused"))
            case .misleads: return .failure(HTTPTransportError(layer: .url, message: "no connection may be made there"))
            case .swallows:
                try await time.sleep(for: request.timeouts.total ?? .seconds(3600))
                return .failure(HTTPTransportError(layer: .timeout(.http), message: "no answer"))
            }
        }
    }

    /// Hosts whose name contains a word behave so from now on; the empty word is in all names.
    func set(_ behaviour: Behaviour, _ word: String = "") {
        book.behaviours.withLock { $0[word] = behaviour }
    }

    var requests: [HTTPRequest] { transport.requests }
}
