import FoundationEssentials
import Glibc
import JSON
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import KubernetesClient

/// Real programs: small shell scripts.
@Suite(.timeLimit(.minutes(1)))
struct ProcessCommandRunnerTests {
    private func run(
        _ script: String,
        environment: [String: String] = ["PATH": "/usr/bin:/bin"],
        timeout: Duration = .seconds(30)
    ) async throws -> CommandOutput {
        try await run(
            Command(program: "/bin/sh", arguments: ["-c", script], environment: environment, timeout: timeout)
        )
    }

    private func run(_ command: Command) async throws -> CommandOutput {
        let end = Promise<CommandOutput>()
        ProcessCommandRunner().start(command) { result in
            end.fulfil(result.mapError { $0 as any Error })
        }
        return try await end.value()
    }

    @Test("Output, errors, exit code and environment come across")
    func runsPrograms() async throws {
        let output = try await run("echo out; echo \"$WORD\" >&2; exit 7", environment: ["WORD": "err"])
        #expect(output.exitCode == 7)
        #expect(String(decoding: output.standardOutput, as: UTF8.self) == "out\n")
        #expect(String(decoding: output.standardError, as: UTF8.self) == "err\n")
    }

    @Test("Standard input is empty and signals have their defaults")
    func startsClean() async throws {
        // As every program of ours does, since a peer may hang up at any time.
        signal(SIGPIPE, SIG_IGN)
        let output = try await run("cat; grep -E 'Sig(Ign|Blk)' /proc/self/status")
        let text = String(decoding: output.standardOutput, as: UTF8.self)
        let masks = text.split(separator: "\n").compactMap { $0.split(separator: "\t").last }
            .compactMap { UInt64($0, radix: 16) }
        // glibc keeps the signals 32 and 33 for itself and starts programs with them ignored.
        #expect(masks.map { $0 & 0x7fff_ffff } == [0, 0])
        #expect(output.exitCode == 0)
    }

    @Test("No descriptor of this process reaches the program")
    func leaksNoDescriptors() async throws {
        let leak = dup(STDERR_FILENO)
        defer { close(leak) }
        try #require(leak > 2)
        let output = try await run("ls /proc/self/fd")
        // The last one is that of the directory being listed.
        #expect(String(decoding: output.standardOutput, as: UTF8.self) == "0\n1\n2\n3\n")
    }

    @Test("Much output arrives whole, much error text is cut")
    func readsMuch() async throws {
        let output = try await run("head -c 900000 /dev/zero; head -c 900000 /dev/zero >&2")
        #expect(output.standardOutput.count == 900_000)
        #expect(output.standardError.count == ProcessCommandRunner.maxErrorBytes)
    }

    @Test("Too much output ends the program")
    func limitsOutput() async throws {
        await #expect(throws: CommandError.outputTooLarge(program: "/bin/sh", limit: 1 << 20)) {
            try await run("exec cat /dev/zero")
        }
    }

    @Test("A timeout ends the program and its children, and keeps what it complained of")
    func timesOut() async throws {
        do {
            _ = try await run("echo waiting >&2; sleep 1000 & wait", timeout: .milliseconds(300))
            Issue.record("no timeout")
        } catch CommandError.timedOut(_, _, let text) {
            #expect(text == "waiting\n")
        }
    }

    @Test("A grandchild that keeps the pipes open is not waited for")
    func doesNotWaitForGrandchildren() async throws {
        let output = try await run("sleep 1000 & echo $!")
        let text = String(decoding: output.standardOutput, as: UTF8.self)
        let grandchild = try #require(pid_t(text.split(separator: "\n").first ?? ""))
        #expect(kill(grandchild, SIGKILL) == 0)
    }

    @Test("A signal shows as in shells")
    func reportsSignals() async throws {
        #expect(try await run("kill -9 $$").exitCode == 137)
    }

    @Test("A program that is missing is told from one that fails")
    func reportsMissingPrograms() async throws {
        for program in ["/no/such/program", "no-such-program"] {
            let command = Command(program: program, arguments: [], environment: [:], timeout: .seconds(9))
            do {
                _ = try await run(command)
                Issue.record("started")
            } catch let error as CommandError {
                #expect(error.isMissingProgram)
                #expect("\(error)" == "cannot start \(program): posix_spawn: No such file or directory")
            }
        }
    }

    @Test("A plug-in script gives a client its token")
    func servesAClient() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "exec-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let script = directory.appending(path: "plugin")
        let text = """
            #!/bin/sh
            test -n "$KUBERNETES_EXEC_INFO" || exit 1
            echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential",'
            echo '"status":{"token":"from-'"$1"'"}}'
            """
        try Data(text.utf8).write(to: script)
        // Not started by its own name: while another test forks, the file may still count as being written.
        var plugin = ExecConfiguration(apiVersion: .v1beta1, command: "/bin/sh")
        plugin.arguments = [script.path, "script"]
        let transport = ScriptedTransport([.json([:])])
        let client = KubernetesClient(
            configuration: ClientConfiguration(server: "https://api.test", credentials: .exec(plugin)),
            transport: transport
        )
        _ = try await client.send(.raw("/a"))
        #expect(transport.requests.first?.header("Authorization") == "Bearer from-script")
    }
}
