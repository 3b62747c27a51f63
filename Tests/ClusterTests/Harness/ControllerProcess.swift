import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing
import Timekeeping

/// A recovery-controller as an operator runs it: the built program in a process of its own.
final class ControllerProcess: Sendable {
    /// One run of the program.
    private struct Run {
        let pid: Int32
        let log: String
        let metricsAddress: String
        let probeAddress: String
    }

    private let command: String
    private let logName: String
    private let run: Mutex<Run>

    var pid: Int32 { run.withLock { $0.pid } }
    var metricsAddress: String { run.withLock { $0.metricsAddress } }
    var probeAddress: String { run.withLock { $0.probeAddress } }
    private var log: String { run.withLock { $0.log } }

    private init(command: String, logName: String) async throws {
        self.command = command
        self.logName = logName
        run = Mutex(try await Self.launch(command, logName))
        try await waitUntilReady()
    }

    /// The program beside the test bundle.
    private static var program: String {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path() + "recovery-controller"
    }

    /// Starts a controller for a plane, as the account that manifests/ ships or with another kubeconfig, and waits until it
    /// is ready.
    static func start(
        _ plane: ControlPlane,
        _ flags: String = "",
        name: String = "controller",
        kubeconfig: String? = nil
    ) async throws -> ControllerProcess {
        let program = try await locate()
        var config = kubeconfig
        if config == nil { config = try await plane.kubeconfig(of: ControlPlane.controllerAccount) }
        let command = "\(program) --kubeconfig \(config ?? "") --log-level debug \(flags)"
        return try await ControllerProcess(command: command, logName: "\(plane.name)-\(name)")
    }

    private static func launch(_ command: String, _ name: String) async throws -> Run {
        let log = "\(NSTemporaryDirectory())\(name)-\(UUID().uuidString).log"
        let metrics = "127.0.0.1:\(try freePort())"
        let probe = "127.0.0.1:\(try freePort())"
        let output = try await Shell.run(
            """
            setsid \(command) --metrics-bind-address \(metrics) --health-probe-bind-address \(probe) \
            >\(log) 2>&1 </dev/null & echo $!
            """
        )
        guard let pid = Int32(output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw ShellError(command: command, status: 0, output: output)
        }
        return Run(pid: pid, log: log, metricsAddress: metrics, probeAddress: probe)
    }

    /// Kills the process with -9 and starts the next one.
    func crashAndRestart() async throws {
        crash()
        try await restart()
    }

    /// Starts the next process after a crash.
    func restart() async throws {
        let next = try await Self.launch(command, logName)
        run.withLock { $0 = next }
        try await waitUntilReady()
    }

    /// Runs `body` beside a controller and stops the controller in any case.
    ///
    /// - Throws: what `body` throws; the end of the controller's log is recorded with it.
    static func with(
        _ plane: ControlPlane,
        _ flags: String = "",
        kubeconfig: String? = nil,
        _ body: (ControllerProcess) async throws -> Void
    ) async throws {
        let controller = try await start(plane, flags, kubeconfig: kubeconfig)
        do {
            try await body(controller)
        } catch {
            Issue.record("the controller's log: \(try controller.logText().suffix(4_000))")
            try await controller.stop()
            throw error
        }
        try await controller.stop()
    }

    /// Runs the program with a command line that makes it end by itself.
    static func run(_ flags: String) async throws -> (status: Int32, output: String) {
        await Shell.result(of: "timeout 60 \(try await locate()) \(flags)")
    }

    private static func locate() async throws -> String {
        if FileManager.default.isExecutableFile(atPath: program) { return program }
        let path = try await Shell.run("swift build --package-path \(ControlPlane.root) --show-bin-path")
        return path.trimmingCharacters(in: .whitespacesAndNewlines) + "/recovery-controller"
    }

    /// Sends a signal; false when the process is gone.
    @discardableResult
    func signal(_ number: Int32) -> Bool {
        kill(pid, number) == 0
    }

    /// Ends the process as a crash would.
    func crash() {
        signal(SIGKILL)
    }

    /// Asks the process to stop and waits until it has.
    ///
    /// - Throws: `ShellError` with the log when it does not.
    func stop() async throws {
        signal(SIGTERM)
        try await waitUntilEnded(within: 30)
    }

    /// Waits until the process has ended.
    ///
    /// - Throws: `ShellError` with the log when it does not.
    func waitUntilEnded(within seconds: Int) async throws {
        let tries = seconds * 10
        try await Shell.run(
            "for i in $(seq \(tries)); do [[ -d /proc/\(pid) ]] || exit 0; sleep 0.1; done; tail -n 50 \(log); exit 1"
        )
    }

    /// Waits until it has connections to a port of this machine, or none any more.
    ///
    /// - Throws: `ShellError` with those that there are when that does not come in ten seconds.
    func expectConnections(_ areThere: Bool, to port: Int) async throws {
        let list = "ss -Htnp state established 'dport = :\(port)' | grep 'pid=\(pid),'"
        try await Shell.run(
            """
            for i in $(seq 100); do \(areThere ? "" : "!") \(list) >/dev/null && exit 0; sleep 0.1; done
            \(list); exit 1
            """
        )
    }

    /// What it has logged.
    func logText() throws -> String {
        try String(contentsOfFile: log, encoding: .utf8)
    }

    /// The answer to a GET of its metrics or probe server.
    func get(_ path: String, from address: String? = nil) async throws -> String {
        try await Shell.run("curl -sS --max-time 10 http://\(address ?? metricsAddress)\(path)")
    }

    private func waitUntilReady() async throws {
        try await Shell.run(
            """
            for i in $(seq 300); do
                curl -sf --max-time 2 http://\(probeAddress)/readyz >/dev/null && exit 0
                [[ -d /proc/\(pid) ]] || break
                sleep 0.1
            done
            tail -n 50 \(log); exit 1
            """
        )
    }

    /// A port that is free now, below those that connections get by themselves and those of planes: nobody takes it until
    /// it is bound.
    static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 10_000..<20_000)
            if isFree(port) { return port }
        }
        throw ShellError(command: "bind", status: errno, output: "no free port")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe bind(descriptor, raw, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
