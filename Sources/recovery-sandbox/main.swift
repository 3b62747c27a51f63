import CommandLineFlags
import Glibc
import ProcessSignals
import Telemetry

/// Prints to standard error and ends the process.
func end(_ status: Int32, _ message: String) -> Never {
    StandardError.write(Array("recovery-sandbox: \(message)\n".utf8))
    exit(status)
}

SignalTrap.ignoreBrokenPipes()
do {
    let flags = try FlagParser(Array(CommandLine.arguments.dropFirst()), flags: SandboxOptions.flags)
    if try flags.isOn("help") {
        print(SandboxOptions.usage)
        exit(0)
    }
    if try flags.isOn("version") {
        print("recovery-sandbox \(SandboxProgram.version)")
        exit(0)
    }
    try await SandboxProgram(options: SandboxOptions(flags)).run()
} catch let error as UsageError {
    end(2, "\(error)\nSee recovery-sandbox --help.")
} catch {
    end(1, "\(error)")
}
