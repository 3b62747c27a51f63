import HTTPTransport
import RecoveryAPI
import Timekeeping

@testable import TestSupport

/// The connection of one simulated process to the API server, with the latency and the faults of the seed.
///
/// A request that was sent is on its way whatever happens to its sender: it still arrives when the sender is cancelled,
/// stopped or dead. From a dead process nothing is sent any more.
final class SimulatedTransport: HTTPTransport {
    /// What happens to one request.
    enum Fault: Sendable {
        case loseReply
        case refuse
        case conflictAfter
        case crashAfter
        case answer(FakeReply)
        case delay(Duration)
        case never
    }

    /// What comes back, and the Recovery that is in it.
    private struct Answer: Sendable {
        var stream: HTTPStream
        var recovery: Recovery?

        init(stream: HTTPStream, recovery: Recovery?) {
            self.stream = stream
            self.recovery = recovery
        }

        init(_ reply: FakeReply) {
            stream = HTTPStream(status: reply.status, headers: reply.headers, body: HTTPBody([reply.body]))
        }
    }

    static let refused = HTTPTransportError(layer: .tcp, code: 7, message: "connection refused")
    static let lost = HTTPTransportError(layer: .http, code: 52, message: "no answer", requestWasSent: true)

    private let simulation: Simulation
    private let hub: FakeTransport
    private let members: [String: FakeTransport]
    private let process: ProcessState

    init(_ simulation: Simulation, _ process: ProcessState) {
        self.simulation = simulation
        self.process = process
        hub = simulation.server.transport(identity: process.identity)
        members = simulation.members.mapValues { $0.transport(identity: process.identity) }
    }

    func perform(_ request: HTTPRequest) async throws -> HTTPResponse {
        let stream = try await stream(request)
        let body = try await stream.body.collect(upTo: request.maxResponseBytes)
        return HTTPResponse(status: stream.status, headers: stream.headers, body: body)
    }

    func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        try Task.checkCancellation()
        guard !process.isDead else { throw Self.refused }
        let time = simulation.world.time
        let sent = FakeRequest(request, identity: process.identity, number: 0, time: time.now())
        let cluster = simulation.member(at: request.url)
        let fault = try simulation.send(sent, from: process, to: cluster)
        let inner = cluster.flatMap { members[$0] } ?? hub
        let answer = Promise<Answer>()
        simulation.world.start(on: simulation.network) { [self] in
            do {
                answer.fulfil(.success(try await carry(request, sent, fault, through: inner)))
            } catch {
                answer.fulfil(.failure(error))
            }
        }
        let found: Answer
        do {
            // Only a fault can make an answer late, so only then a timer is worth its while.
            if let fault, fault.isSlow, let total = request.timeouts.total ?? request.timeouts.idle {
                found = try await withDeadline(time.now().advanced(by: total), time) { try await answer.value() }
            } else {
                found = try await answer.value()
            }
        } catch is DeadlineExceeded {
            throw HTTPTransportError(layer: .timeout(.http), code: 28, message: "timed out", requestWasSent: true)
        }
        guard !process.isDead else { throw Self.refused }
        simulation.delivered(sent, found.recovery)
        return found.stream
    }

    func closeIdleConnections() async {}

    /// The way to the server and back; runs on the network's own lane.
    private func carry(
        _ request: HTTPRequest,
        _ sent: FakeRequest,
        _ fault: Fault?,
        through inner: FakeTransport
    ) async throws -> Answer {
        let time = simulation.world.time
        try await time.sleep(for: simulation.latency())
        switch fault {
        case .refuse: throw Self.refused
        case .answer(let reply):
            return Answer(reply)
        case .delay(let duration): try await time.sleep(for: duration)
        case .never: try await Latch().wait()
        default: break
        }
        let stream = try await inner.stream(request)
        let answer = Answer(stream: stream, recovery: simulation.answer(to: sent, stream.status))
        switch fault {
        case .loseReply: throw Self.lost
        case .crashAfter:
            simulation.crash(process, "after \(Simulation.describe(sent))")
            throw Self.lost
        case .conflictAfter:
            return Answer(.failure(409, "Conflict", "sent twice"))
        default: break
        }
        try await time.sleep(for: simulation.latency())
        return answer
    }
}

extension SimulatedTransport.Fault {
    /// For the trace.
    var word: String {
        if case .answer(let reply) = self { "answer \(reply.status)" } else { "\(self)" }
    }

    var isSlow: Bool {
        switch self {
        case .delay, .never: true
        default: false
        }
    }
}
