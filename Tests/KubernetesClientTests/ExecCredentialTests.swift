import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import KubernetesClient

/// Runs no program: answers are scripted, or held back until the test gives them.
private final class FakeRunner: CommandRunner {
    typealias Completion = @Sendable (Result<CommandOutput, CommandError>) -> Void

    private struct State {
        var commands: [Command] = []
        var held: [Completion] = []
        var answers: ArraySlice<Result<CommandOutput, CommandError>> = []
    }

    private let state = Mutex(State())
    private let arrival = Signal()

    init(_ answers: [Result<CommandOutput, CommandError>] = []) {
        state.withLock { $0.answers = answers[...] }
    }

    var commands: [Command] { state.withLock { $0.commands } }

    func start(_ command: Command, completion: @escaping Completion) {
        let answer = state.withLock { state in
            state.commands.append(command)
            let answer = state.answers.popFirst()
            if answer == nil { state.held.append(completion) }
            return answer
        }
        if let answer { completion(answer) }
        arrival.send()
    }

    /// Waits until a program was started.
    func waitForStart() async throws { try await arrival.wait() }

    /// Ends the program that was started first and still runs.
    func complete(_ result: Result<CommandOutput, CommandError>) {
        let completion = state.withLock { $0.held.isEmpty ? nil : $0.held.removeFirst() }
        completion?(result)
    }
}

extension Result where Success == CommandOutput, Failure == CommandError {
    /// What a well-behaved plug-in prints.
    fileprivate static func printed(token: String? = nil, end: String? = nil, pair: Int? = nil) -> Self {
        var status: JSONValue = [:]
        status["token"] = token.map(JSONValue.string)
        status["expirationTimestamp"] = end.map(JSONValue.string)
        if let pair {
            status["clientCertificateData"] = .string("-----BEGIN CERTIFICATE-----\n\(pair)\n")
            status["clientKeyData"] = .string("-----BEGIN PRIVATE KEY-----\n\(pair)\n")
        }
        let document: JSONValue = [
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status,
        ]
        return .success(
            CommandOutput(exitCode: 0, standardOutput: document.serialized(), standardError: [])
        )
    }
}

@Suite(.timeLimit(.minutes(1)))
struct ExecCredentialTests {
    private static func make(
        _ runner: FakeRunner,
        _ transport: ScriptedTransport = ScriptedTransport { _ in .json([:]) },
        change: (inout ExecConfiguration) -> Void = { _ in }
    ) -> TestClient {
        var plugin = ExecConfiguration(apiVersion: .v1, command: "plugin", interactiveMode: .never)
        plugin.arguments = ["token", "--cluster=c"]
        plugin.environment = [.init(name: "REGION", value: "eu"), .init(name: "HOME", value: "/other")]
        plugin.installHint = "Install it."
        change(&plugin)
        return TestClient(
            transport,
            configuration: ClientConfiguration(server: "https://api.test:6443", credentials: .exec(plugin)),
            runner: runner
        )
    }

    private static func authorization(_ test: TestClient) -> [String?] {
        test.transport.requests.map { $0.header("Authorization") }
    }

    @Test("The plug-in gets its arguments, its environment on top of ours, and the request object")
    func preparesTheCommand() async throws {
        let runner = FakeRunner([.printed(token: "t")])
        let test = Self.make(runner)
        _ = try await test.client.send(.raw("/a"))
        let command = try #require(runner.commands.first)
        #expect(command.program == "plugin")
        #expect(command.arguments == ["token", "--cluster=c"])
        #expect(command.environment["REGION"] == "eu")
        #expect(command.environment["HOME"] == "/other")
        #expect(command.timeout == .seconds(60))
        let info = try JSONValue(parsing: command.environment["KUBERNETES_EXEC_INFO"] ?? "")
        #expect(info["kind"] == "ExecCredential")
        #expect(info.value(at: ["spec", "interactive"]) == false)
        #expect(Self.authorization(test) == ["Bearer t"])
    }

    @Test("A plug-in that needs a terminal is not started")
    func refusesInteraction() async throws {
        let runner = FakeRunner([.printed(token: "t")])
        let test = Self.make(runner) { $0.interactiveMode = .always }
        await #expect(throws: ClientError.self) { try await test.client.send(.raw("/a")) }
        #expect(runner.commands.isEmpty)
        let optional = Self.make(runner) { $0.interactiveMode = .ifAvailable }
        _ = try await optional.client.send(.raw("/a"))
    }

    @Test("Credentials without an end are kept, those with one until then")
    func keepsCredentials() async throws {
        let runner = FakeRunner([
            .printed(token: "one", end: "2026-01-01T00:10:00Z"), .printed(token: "two"),
        ])
        let test = Self.make(runner)
        for seconds in [0, 599, 1, 100_000] {
            test.time.advance(by: .seconds(seconds))
            _ = try await test.client.send(.raw("/a"))
        }
        #expect(Self.authorization(test) == ["Bearer one", "Bearer one", "Bearer two", "Bearer two"])
    }

    @Test("All callers share one run, which outlives the caller that began it")
    func runsOnce() async throws {
        let runner = FakeRunner()
        let test = Self.make(runner)
        let client = test.client
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withThrowingTaskGroup(of: Void.self) { impatient in
                    impatient.addTask { _ = try await client.send(.raw("/first")) }
                    try? await runner.waitForStart()
                    impatient.cancelAll()
                }
                await withThrowingTaskGroup(of: Void.self) { patient in
                    for _ in 1...5 { patient.addTask { _ = try await client.send(.raw("/a")) } }
                    runner.complete(.printed(token: "t"))
                }
            }
            try await group.waitForAll()
        }
        #expect(runner.commands.count == 1)
        #expect(Self.authorization(test) == Array(repeating: "Bearer t", count: 5))
    }

    @Test("Credentials that have already ended are an error, and the plug-in runs once a second at most")
    func doesNotLoopOnExpiry() async throws {
        let runner = FakeRunner(Array(repeating: .printed(token: "t", end: "2020-01-01T00:00:00Z"), count: 3))
        let test = Self.make(runner)
        for _ in 1...10 {
            do {
                _ = try await test.client.send(.raw("/a"))
                Issue.record("sent with an expired token")
            } catch ClientError.credentials(let error) {
                #expect(error.message.contains("expired"))
            }
        }
        #expect(runner.commands.count == 1)
        test.time.advance(by: .seconds(1))
        await #expect(throws: ClientError.self) { try await test.client.send(.raw("/a")) }
        #expect(runner.commands.count == 2)
        #expect(test.transport.requests.isEmpty)
    }

    @Test("After 401 the plug-in runs once more, a second after the last run, and the request is repeated")
    func renewsAfterUnauthorized() async throws {
        let runner = FakeRunner([.printed(token: "one"), .printed(token: "two")])
        let transport = ScriptedTransport { request in
            request.header("Authorization") == "Bearer two" ? .json([:]) : .status(401)
        }
        let test = Self.make(runner, transport)
        _ = try await test.client.send(.raw("/a"))
        #expect(Self.authorization(test) == ["Bearer one", "Bearer two"])
        #expect(test.time.slept == [.seconds(1)])
    }

    @Test("Several requests rejected with the same token run the plug-in once more")
    func sharesRenewals() async throws {
        let runner = FakeRunner([.printed(token: "one"), .printed(token: "two")])
        var context = CredentialContext(timeSource: HastyTime(), logger: .disabled, metrics: nil)
        context.commandRunner = runner
        let plugin = ExecConfiguration(apiVersion: .v1, command: "plugin")
        let provider = ExecCredentialProvider(plugin: plugin, context: context)
        let rejected = try await provider.current()
        for _ in 1...3 { #expect(try await provider.renew(rejected: rejected)) }
        #expect(runner.commands.count == 2)
    }

    @Test("The same credentials again are not tried again after 401")
    func doesNotRepeatTheSame() async throws {
        let runner = FakeRunner([.printed(token: "one"), .printed(token: "one")])
        let test = Self.make(runner, ScriptedTransport { _ in .status(401) })
        do {
            _ = try await test.client.send(.raw("/a"))
            Issue.record("no error")
        } catch let error as ClientError {
            #expect(error.apiError?.isUnauthorized == true)
        }
        #expect(runner.commands.count == 2)
        #expect(test.transport.requests.count == 1)
    }

    @Test("A certificate from the plug-in goes into the connection; a new one closes the old connections")
    func usesCertificates() async throws {
        let runner = FakeRunner([
            .printed(end: "2026-01-01T00:01:00Z", pair: 1), .printed(pair: 2),
        ])
        let test = Self.make(runner)
        _ = try await test.client.send(.raw("/a"))
        test.time.advance(by: .seconds(60))
        _ = try await test.client.send(.raw("/a"))
        let shown = test.transport.requests.map { String(decoding: $0.security.clientCertificate ?? [], as: UTF8.self) }
        #expect(shown.map { $0.contains("\n1\n") } == [true, false])
        #expect(test.transport.idleCloses == 1)
        #expect(Self.authorization(test) == [nil, nil])
    }

    @Test(
        "A failing plug-in is explained and counted",
        arguments: [
            (
                .success(
                    CommandOutput(exitCode: 3, standardOutput: [], standardError: Array("no\u{1b}[1m login\n".utf8))
                ),
                "exit code 3: no [1m login", #"code="3",call_status="plugin_execution_error""#
            ),
            (
                .failure(.notStarted(program: "plugin", function: "posix_spawn", errno: 2)),
                "No such file or directory. Install it.", #"code="1",call_status="plugin_not_found_error""#
            ),
            (
                .failure(.timedOut(program: "plugin", after: .seconds(60), standardError: "")),
                "did not end within 60.0 seconds", #"code="1",call_status="plugin_execution_error""#
            ),
            (
                .success(CommandOutput(exitCode: 0, standardOutput: Array("secret".utf8), standardError: [])),
                "", #"code="0",call_status="client_internal_error""#
            ),
        ] as [(Result<CommandOutput, CommandError>, String, String)]
    )
    func explainsFailures(result: Result<CommandOutput, CommandError>, text: String, labels: String) async throws {
        let test = Self.make(FakeRunner([result]))
        do {
            _ = try await test.client.send(.raw("/a"))
            Issue.record("no error")
        } catch let error as ClientError {
            #expect("\(error)".contains("exec plug-in plugin: "))
            #expect("\(error)".contains(text))
            #expect(!"\(error)".contains("secret"))
            #expect(error.disposition == .retry)
        }
        #expect(test.registry.exposition().contains("rest_client_exec_plugin_call_total{\(labels)} 1"))
    }

    @Test("The CA for the cluster information is read from its file")
    func tellsTheCluster() async throws {
        let runner = FakeRunner([.printed(token: "t")])
        let text = """
            {current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
            clusters: [{name: c, cluster: {server: "https://api.test:6443", certificate-authority: /ca}}],
            users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: plugin,
            interactiveMode: Never, provideClusterInfo: true}}}]}
            """
        let configuration = try Kubeconfig.parse(Array(text.utf8), file: "/config").resolve()
        let test = TestClient(
            ScriptedTransport { _ in .json([:]) },
            configuration: configuration,
            runner: runner
        )
        await #expect(throws: ClientError.self) { try await test.client.send(.raw("/a")) }
        #expect(runner.commands.isEmpty)
        test.files["/ca"] = somePEM
        test.time.advance(by: .seconds(1))
        _ = try await test.client.send(.raw("/a"))
        let info = try JSONValue(parsing: runner.commands.first?.environment["KUBERNETES_EXEC_INFO"] ?? "")
        let authority = info.value(at: ["spec", "cluster", "certificate-authority-data"])?.stringValue
        #expect(authority == Data(somePEM.utf8).base64EncodedString())
    }
}
