import CommandLineFlags
import ControllerRuntime
import FoundationEssentials
import Glibc
import HTTPTransport
import ProcessSignals
import Telemetry

/// Prints to standard error and ends the process.
func end(_ status: Int32, _ message: String) -> Never {
    StandardError.write(Array("recovery-controller: \(message)\n".utf8))
    exit(status)
}

ProcessMemory.limitArenas()
SignalTrap.ignoreBrokenPipes()
do {
    let flags = try FlagParser(Array(CommandLine.arguments.dropFirst()), flags: ControllerOptions.flags)
    if try flags.isOn("help") {
        print(ControllerOptions.usage)
        exit(0)
    }
    if try flags.isOn("version") {
        print("recovery-controller \(ControllerProgram.version)")
        exit(0)
    }
    let notices = try CurlTransport()
    try await ControllerProgram(options: ControllerOptions(flags)).run(notices: notices)
    // A mail server that stalls holds the thread of this transport up; the end of the process does not wait for that.
    withExtendedLifetime(notices) { exit(0) }
} catch let error as UsageError {
    end(2, "\(error)\nSee recovery-controller --help.")
} catch let error as ConfigurationError {
    end(2, "\(error)")
} catch {
    end(1, "\(error)")
}
