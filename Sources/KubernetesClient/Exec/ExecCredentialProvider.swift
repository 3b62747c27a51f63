import KubernetesCore
import Synchronization
import Timekeeping

/// Credentials from an exec plug-in, kept until they end or the server rejects them.
///
/// One run at a time serves all callers. It belongs to none of them: it goes on when its first caller is cancelled, so
/// that a slow plug-in and impatient callers cannot block each other for ever. At least a second lies between two runs,
/// whatever they print: a plug-in with a wrong clock must not become a loop.
final class ExecCredentialProvider: CredentialProvider {
    /// The longest that a plug-in may take.
    static let timeout = Duration.seconds(60)
    private static let pause = Duration.seconds(1)

    private struct Run {
        var result: Result<ExecCredential, CredentialError>
        var end: MonotonicInstant
    }

    private struct State {
        var lastRun: Run?
        var running: Latch?
    }

    /// The next thing a caller does.
    private enum Step {
        case use(RequestCredential)
        case fail(CredentialError)
        case sleep(until: MonotonicInstant)
        case wait(Latch)
        case start(Latch)
    }

    private let plugin: ExecConfiguration
    private let context: CredentialContext
    private let state = Mutex(State())

    init(plugin: ExecConfiguration, context: CredentialContext) {
        self.plugin = plugin
        self.context = context
    }

    func current() async throws -> RequestCredential {
        try await follow { state, now, hasWaited in
            switch self.usable(state.lastRun) {
            case .success(let credential)?:
                return .use(credential)
            case .failure(let error)? where hasWaited || now < Self.earliest(state):
                return .fail(error)
            default:
                return Self.begin(&state)
            }
        }
    }

    func renew(rejected: RequestCredential) async throws -> Bool {
        let newest = try await follow { state, now, hasWaited in
            if case .success(let credential)? = self.usable(state.lastRun), hasWaited || credential != rejected {
                return .use(credential)
            }
            if hasWaited, case .failure(let error)? = self.usable(state.lastRun) { return .fail(error) }
            return now < Self.earliest(state) ? .sleep(until: Self.earliest(state)) : Self.begin(&state)
        }
        return newest != rejected
    }

    /// Does what `decide` says until it names a result; `decide` is told whether a run has ended meanwhile.
    private func follow(
        _ decide: (inout State, MonotonicInstant, _ hasWaited: Bool) -> Step
    ) async throws -> RequestCredential {
        var hasWaited = false
        while true {
            let now = context.timeSource.now()
            let step = state.withLock { state in
                state.running.map(Step.wait) ?? decide(&state, now, hasWaited)
            }
            switch step {
            case .use(let credential): return credential
            case .fail(let error): throw error
            case .sleep(let instant): try await context.timeSource.sleep(until: instant)
            case .wait(let latch): try await latch.wait()
            case .start(let latch):
                start(latch)
                try await latch.wait()
            }
            switch step {
            case .wait, .start: hasWaited = true
            default: break
            }
        }
    }

    /// What a run has brought, as far as it can still be used; nil before the first run.
    private func usable(_ run: Run?) -> Result<RequestCredential, CredentialError>? {
        guard let run else { return nil }
        return run.result.flatMap { credential in
            if let end = credential.expiration, end <= context.timeSource.wallTime() {
                return .failure(failure("the credentials it printed have expired"))
            }
            return .success(Self.requestCredential(credential))
        }
    }

    private static func requestCredential(_ credential: ExecCredential) -> RequestCredential {
        var result = RequestCredential()
        result.authorization = credential.token.map { Sensitive("Bearer \($0.value)") }
        if case .data(let certificate)? = credential.clientCertificate?.certificate,
            case .data(let key)? = credential.clientCertificate?.key
        {
            result.certificate = Sensitive(CertificatePair(certificate: certificate.value, key: key.value))
        }
        return result
    }

    /// When the next run may begin.
    private static func earliest(_ state: State) -> MonotonicInstant {
        state.lastRun.map { $0.end.advanced(by: pause) } ?? MonotonicInstant(nanoseconds: .min)
    }

    private static func begin(_ state: inout State) -> Step {
        let latch = Latch()
        state.running = latch
        return .start(latch)
    }

    /// Starts the plug-in; its end publishes the result and opens `latch`.
    private func start(_ latch: Latch) {
        let command: Command
        do throws(CredentialError) {
            command = try plugin.command(context: context, timeout: Self.timeout)
        } catch {
            return finish(.failure(error), latch)
        }
        context.commandRunner.start(command) { [self] outcome in
            finish(read(outcome), latch)
        }
    }

    private func finish(_ result: Result<ExecCredential, CredentialError>, _ latch: Latch) {
        let end = context.timeSource.now()
        state.withLock { state in
            state.lastRun = Run(result: result, end: end)
            state.running = nil
        }
        latch.open()
    }

    private func read(_ outcome: Result<CommandOutput, CommandError>) -> Result<ExecCredential, CredentialError> {
        switch outcome {
        case .failure(let error):
            let isMissing = error.isMissingProgram
            context.metrics?.recordExecCall(
                code: 1,
                status: isMissing ? "plugin_not_found_error" : "plugin_execution_error"
            )
            let hint = isMissing ? plugin.installHint.map { ". \($0)" } ?? "" : ""
            return .failure(failure("\(error)\(hint)"))
        case .success(let output) where output.exitCode != 0:
            context.metrics?.recordExecCall(code: output.exitCode, status: "plugin_execution_error")
            let text = PrintableText.oneLine(output.standardError)
            return .failure(failure("exit code \(output.exitCode)" + (text.isEmpty ? "" : ": \(text)")))
        case .success(let output):
            do throws(ExecCredentialError) {
                let credential = try ExecCredential(parsing: output.standardOutput, expecting: plugin.apiVersion)
                context.metrics?.recordExecCall(code: 0, status: "no_error")
                return .success(credential)
            } catch {
                context.metrics?.recordExecCall(code: 0, status: "client_internal_error")
                return .failure(failure(error.message))
            }
        }
    }

    private func failure(_ message: String) -> CredentialError {
        CredentialError(source: "exec plug-in \(plugin.command)", message: message)
    }
}
