import HTTPTransport
import JSON
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import KubernetesClient

@Suite(.timeLimit(.minutes(1)))
struct DiscoveryTests {
    /// A server with the recorded documents and, once `crd` is set, one custom resource.
    private static func make(_ hasCRD: FileTable = FileTable()) throws -> TestClient {
        let core = try recorded("04-api").body
        let groups = try recorded("05-apis").body
        let apps = try recorded("09-resources-apps").body
        return TestClient(
            ScriptedTransport { request in
                switch request.url.dropFirst("https://api.test:6443".count).prefix(while: { $0 != "?" }) {
                case "/api": .json(core)
                case "/apis": .json(groups)
                case "/apis/apps/v1": .json(apps)
                case "/apis/policy/v1": .status(503, message: "the aggregated server is down")
                case "/apis/recovery.tmc.io/v1alpha1" where hasCRD["crd"] != nil:
                    .json([
                        "kind": "APIResourceList",
                        "resources": [
                            [
                                "name": "recoveries", "kind": "Recovery", "namespaced": true, "verbs": ["get"],
                                "shortNames": ["rcv"],
                            ],
                            ["name": "recoveries/status", "kind": "Recovery", "namespaced": true, "verbs": ["get"]],
                        ],
                    ])
                case "/apis/recovery.tmc.io/v1alpha1": .json(["kind": "APIResourceList", "resources": []])
                case "/version": .json(["major": "1", "minor": "20+", "gitVersion": "v1.20.2", "platform": "x"])
                default: .status(404)
                }
            }
        )
    }

    private static func paths(_ test: TestClient) -> [String] {
        test.sent.map { String($0.dropFirst(4).prefix { $0 != "?" }) }
    }

    @Test("A kind is found in its version with one request, and kept")
    func findsKinds() async throws {
        let test = try Self.make()
        for _ in 1...2 {
            let found = try await test.client.discovery.resource(
                for: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
            )
            #expect(found == .deployments)
        }
        #expect(Self.paths(test) == ["/apis/apps/v1"])
    }

    @Test("Without a version the preferred one is chosen")
    func prefersVersions() async throws {
        let test = try Self.make()
        #expect(try await test.client.discovery.resource(group: "apps", kind: "Deployment") == .deployments)
        let groups = try await test.client.discovery.groups()
        #expect(groups.first == APIGroup(name: "", versions: ["v1"]))
        #expect(groups.first { $0.name == "autoscaling" }?.versions == ["v2", "v1"])
        #expect(Self.paths(test) == ["/api", "/apis", "/apis/apps/v1"])
    }

    @Test("Resources know their verbs, short names and subresources")
    func describesResources() async throws {
        let resources = try await Self.make().client.discovery.resources(group: "apps", version: "v1")
        let deployments = try #require(resources.first { $0.resource == .deployments })
        #expect(deployments.subresources == ["scale", "status"])
        #expect(deployments.shortNames == ["deploy"])
        #expect(deployments.verbs.contains("patch"))
    }

    @Test("A kind that is missing is looked for again, but only every ten seconds")
    func refreshesAtARate() async throws {
        let server = FileTable()
        let test = try Self.make(server)
        let kind = GroupVersionKind(group: "recovery.tmc.io", version: "v1alpha1", kind: "Recovery")
        for _ in 1...3 { #expect(try await !test.client.discovery.supports(kind)) }
        server["crd"] = "yes"
        test.time.advance(by: .milliseconds(9_999))
        #expect(try await !test.client.discovery.supports(kind))
        #expect(test.transport.requests.count == 1)
        test.time.advance(by: .milliseconds(1))
        #expect(try await test.client.discovery.resource(for: kind).plural == "recoveries")
        #expect(test.transport.requests.count == 2)
    }

    @Test("Unknown groups, versions and kinds are named in the error", arguments: ["nope.io", "apps"])
    func reportsMisses(group: String) async throws {
        let test = try Self.make()
        do {
            _ = try await test.client.discovery.resource(group: group, kind: "Nope")
            Issue.record("found")
        } catch let error as ClientError {
            #expect("\(error)" == "the server has no kind Nope in \(group)")
            #expect(error.disposition == .terminal)
        }
        do {
            _ = try await test.client.discovery.resource(
                for: GroupVersionKind(group: group, version: "v9", kind: "Nope")
            )
            Issue.record("found")
        } catch let error as ClientError {
            #expect("\(error)" == "the server has no kind Nope in \(group), version v9")
        }
    }

    @Test("The first version that the server has is chosen")
    func choosesSupportedVersions() async throws {
        let test = try Self.make()
        let kinds = ["v1", "v1beta1"].map { GroupVersionKind(group: "apps", version: $0, kind: "StatefulSet") }
        #expect(try await test.client.discovery.firstSupported(kinds.reversed()) == .statefulSets)
        #expect(try await test.client.discovery.firstSupported([kinds[1]]) == nil)
    }

    @Test("A server behind an aggregated API may be down: its group is named, the rest is there")
    func toleratesPartialFailures() async throws {
        let test = try Self.make()
        let (resources, failures) = try await test.client.discovery.allResources()
        #expect(resources.contains { $0.resource == .deployments })
        #expect(failures.map(\.group) == ["policy"])
        #expect(failures.first?.error.apiError?.status == 503)
    }

    @Test("A failure is not kept, and forgetting makes everything be read again")
    func readsAgain() async throws {
        let test = try Self.make()
        for _ in 1...2 {
            await #expect(throws: ClientError.self) {
                try await test.client.discovery.resources(group: "policy", version: "v1")
            }
        }
        _ = try await test.client.discovery.resources(group: "apps", version: "v1")
        test.client.discovery.invalidate()
        _ = try await test.client.discovery.resources(group: "apps", version: "v1")
        #expect(Self.paths(test) == ["/apis/policy/v1", "/apis/policy/v1", "/apis/apps/v1", "/apis/apps/v1"])
    }

    @Test("Copies of a client share the cache")
    func sharesTheCache() async throws {
        let test = try Self.make()
        _ = try await test.client.discovery.resources(group: "apps", version: "v1")
        let copy = test.client.impersonating(Impersonation(user: "jane"))
        _ = try await copy.discovery.resources(group: "apps", version: "v1")
        #expect(test.transport.requests.count == 1)
    }

    @Test("The version of the server is read, whatever its provider adds")
    func readsVersions() async throws {
        let version = try await Self.make().client.discovery.serverVersion()
        #expect(version.gitVersion == "v1.20.2")
        #expect(version.minorNumber == 20)
    }

    @Test("A document that is no discovery is an error")
    func refusesOtherDocuments() async throws {
        let test = TestClient(ScriptedTransport { _ in .json(["kind": "Status"]) })
        await #expect(throws: ClientError.self) {
            try await test.client.discovery.resources(group: "apps", version: "v1")
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct SingleFlightTests {
    @Test("Callers that come while the work is done share its result")
    func sharesResults() async throws {
        let flight = SingleFlight<Int>()
        let calls = CallCount()
        let started = Latch()
        let finish = Latch()
        let results = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await flight.value {
                    _ = calls.next()
                    started.open()
                    try await finish.wait()
                    return 7
                }
            }
            try await started.wait()
            for _ in 1...3 { group.addTask { try await flight.value { calls.next() + 100 } } }
            group.addTask {
                finish.open()
                return 7
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(results.contains(7))
        #expect(calls.value <= 4)
    }

    @Test("A failure goes to all, and the next caller tries again")
    func sharesFailures() async throws {
        let flight = SingleFlight<Int>()
        await #expect(throws: Refusal.self) { try await flight.value { throw Refusal() } }
        #expect(try await flight.value { 1 } == 1)
    }

    @Test("When the worker is cancelled, a waiter does the work")
    func survivesCancellation() async throws {
        let flight = SingleFlight<Int>()
        let started = Latch()
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                await withThrowingTaskGroup(of: Int.self) { impatient in
                    impatient.addTask {
                        try await flight.value {
                            started.open()
                            try await Latch().wait()
                            return 0
                        }
                    }
                    try? await started.wait()
                    impatient.cancelAll()
                }
                return 1
            }
            try await started.wait()
            group.addTask { try await flight.value { 1 } }
            for try await result in group { #expect(result == 1) }
        }
    }
}
