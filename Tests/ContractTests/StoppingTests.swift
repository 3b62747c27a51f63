import HTTPTransport
import SandboxServer
import Telemetry
import Testing
import Timekeeping

/// A sandbox that is asked to stop says goodbye to its clients.
@Suite(.timeLimit(.minutes(1)))
struct StoppingTests {
    @Test func `Open watches end whole, and the server returns`() async throws {
        let server = SandboxServer(configuration: .init(), timeSource: SystemTimeSource(), logger: .disabled)
        let port = try server.start()
        let transport = try CurlTransport()
        defer { transport.shutdown() }
        try await withThrowingTaskGroup { group in
            group.addTask { try await server.run() }
            let url = "http://127.0.0.1:\(port)/api/v1/namespaces?watch=1&fieldSelector=metadata.name%3Ddefault"
            let stream = try await transport.stream(HTTPRequest(url: url, reuse: .dedicated))
            let reader = EventReader(stream.body)
            #expect(try await reader.read(1).count == 1)
            server.stop()
            // A body that breaks off would throw.
            #expect(try await reader.read(nil).isEmpty)
            try await group.waitForAll()
        }
    }
}
