import HTTPTransport
import JSON
import KubernetesCore
import Synchronization
import TestSupport
import Testing

@testable import KubernetesClient

/// Clients whose writes are only tried out.
struct RehearsalTests {
    private static let key = ObjectKey(namespace: "team", name: "web")

    private func client(
        _ transport: ScriptedTransport,
        _ note: @escaping KubernetesClient.RehearsalNote = { _, _ in }
    ) -> KubernetesClient {
        KubernetesClient(
            configuration: ClientConfiguration(server: "https://fake.example:6443"),
            transport: transport
        ).rehearsing(note)
    }

    @Test func `every write says dryRun where the server looks for it, and reads are as always`() async throws {
        let transport = ScriptedTransport { _ in .json(["metadata": ["name": "web"]]) }
        let noted = Mutex<[String]>([])
        let client = client(transport) { request, answer in
            noted.withLock { $0.append("\(request.verb.rawValue) \(answer.status)") }
        }
        _ = try await client.get(.pods, Self.key)
        _ = try await client.create(.pods, Unstructured(["metadata": ["name": "web", "namespace": "team"]]))
        _ = try await client.patch(.pods, Self.key, [:], type: .merge)
        _ = try await client.patch(.pods, Self.key, [:], type: .apply(fieldManager: "x", force: false))
        _ = try await client.patch(.pods, Self.key, [:], type: .merge, options: WriteOptions(dryRun: true))
        _ = try await client.createSubresource("eviction", of: .pods, Self.key, [:])
        _ = try await client.delete(.pods, Self.key)
        _ = try await client.delete(.pods, Self.key, options: DeleteOptions(preconditionUID: "u"))
        let requests = transport.requests
        #expect(!requests[0].url.contains("dryRun") && requests.count == 8)
        for request in requests[1...5] {
            #expect(
                request.url.split(separator: "dryRun=All", omittingEmptySubsequences: false).count == 2,
                "\(request.url)"
            )
        }
        // With a body the server reads the options from there only.
        #expect(try JSONValue(parsing: requests[6].body ?? [])["dryRun"] == ["All"])
        let options = try JSONValue(parsing: requests[7].body ?? [])
        #expect(options["dryRun"] == ["All"] && options["preconditions"] == ["uid": "u"])
        #expect(
            noted.withLock { $0 } == [
                "create 200", "patch 200", "patch 200", "patch 200", "create 200", "delete 200", "delete 200",
            ]
        )
    }

    @Test func `what no server can try out is not sent`() async throws {
        let transport = ScriptedTransport { _ in .json([:]) }
        let client = client(transport)
        for request in [
            APIRequest.raw("/x", method: "POST"), .deleteCollection(.pods, namespace: "team"),
            .createSubresource("token", of: .serviceAccounts, Self.key, body: [:]),
            .createSubresource("binding", of: .pods, Self.key, body: [:]),
        ] {
            await #expect(throws: ClientError.self) { try await client.send(request) }
            await #expect(throws: ClientError.self) { try await client.stream(request) }
        }
        #expect(transport.requests.isEmpty)
    }

    @Test func `nothing is noted of a write that the server refuses`() async throws {
        let noted = Mutex(0)
        let client = client(ScriptedTransport { _ in .status(403) }) { _, _ in noted.withLock { $0 += 1 } }
        await #expect(throws: ClientError.self) { try await client.patch(.pods, Self.key, [:], type: .merge) }
        #expect(noted.withLock { $0 } == 0)
    }
}
