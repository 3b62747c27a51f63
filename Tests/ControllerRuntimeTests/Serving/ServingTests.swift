import HTTPServer
import HTTPTransport
import Telemetry
import Testing

@testable import ControllerRuntime

/// Manager, routes, server and transport together, on a real socket of a free port.
@Suite("Serving over HTTP", .timeLimit(.minutes(1)))
struct ServingTests {
    @Test func `metrics and probes are served until the manager stops`() async throws {
        let metrics = MetricsRegistry()
        ProcessMetrics.registerBuildInfo(in: metrics, version: "1.2.3")
        let routes = HTTPRoutes()
        routes.addMetrics(metrics)
        routes.addProbes(live: HealthChecks(), ready: HealthChecks())
        let server = HTTPServer(address: "127.0.0.1:0", handler: routes.answer)
        let port = try server.start()
        let manager = Manager(context: RuntimeContext())
        manager.addServer("metrics server", server)
        let transport = try CurlTransport()
        defer { transport.shutdown() }

        async let run: Void = manager.run()
        let text = try await transport.perform(HTTPRequest(url: "http://127.0.0.1:\(port)/metrics"))
        #expect(text.status == 200)
        #expect(text.header("content-type") == MetricsRegistry.contentType)
        #expect(String(decoding: text.body, as: UTF8.self) == metrics.exposition())
        let probe = try await transport.perform(HTTPRequest(url: "http://127.0.0.1:\(port)/readyz?verbose&exclude=x"))
        #expect(probe.status == 200)
        #expect(
            String(decoding: probe.body, as: UTF8.self) == """
                [+]ping ok
                warn: some health checks cannot be excluded: no matches for "x"
                readyz check passed

                """
        )
        manager.stop()
        try await run
        await #expect(throws: HTTPTransportError.self) {
            try await transport.perform(HTTPRequest(url: "http://127.0.0.1:\(port)/metrics"))
        }
    }

    @Test func `a server that cannot bind its address fails the manager with its name`() async throws {
        let taken = HTTPServer(address: "127.0.0.1:0") { _ in .text("") }
        let port = try taken.start()
        let manager = Manager(context: RuntimeContext())
        manager.addServer("metrics server", HTTPServer(address: "127.0.0.1:\(port)") { _ in .text("") })
        await #expect {
            try await manager.run()
        } throws: { error in
            (error as? ManagerError)?.description.hasPrefix("metrics server failed: ") == true
        }
    }
}
