import CommandLineFlags
import SandboxServer
import Telemetry

/// What the command line asks for.
struct SandboxOptions {
    /// How the server is set up.
    var configuration = SandboxConfiguration()
    /// Where the kubeconfig goes once the server answers.
    var kubeconfig: String?
    /// The directory with CustomResourceDefinitions that are there from the beginning.
    var definitions: String?
    var logLevel: LogLevel

    static let flags: [FlagParser.Flag] = [
        .init("listen", "ADDRESS", "Where to listen; port 0 is any free one. Default: 127.0.0.1:0."),
        .init("write-kubeconfig", "FILE", "Write a kubeconfig when the server answers, with the port that was chosen."),
        .init(
            "token",
            "TOKEN",
            "Ask for this bearer token. kubectl and client-go send none over plain HTTP, so this is for other clients."
        ),
        .init("simulate-workloads", nil, "Give Deployments and the other workloads pods that run on simulated nodes."),
        .init("nodes", "N", "How many nodes to simulate. Default: 3."),
        .init("crds", "DIR", "Begin with the CustomResourceDefinitions in the YAML and JSON files of a directory."),
        .init(
            "fault",
            "RULE",
            "Make something go wrong, as 'verbs=get,list resources=pods status=429 rate=0.1'; may be repeated. Also at "
                + "run time: GET, PUT and DELETE /sandbox/faults."
        ),
        .init("fault-seed", "N", "Where the chances of faults come from. Default: 1."),
        .init("log-level", "LEVEL", "debug, info, warning or error. Default: info."),
        .init("version", nil, "Print the version and end."),
        .init("help", nil, "Print this help and end."),
    ]

    init(_ flags: FlagParser) throws(UsageError) {
        if let address = flags.text("listen") { configuration.address = address }
        configuration.token = flags.text("token")
        configuration.simulatesWorkloads = try flags.isOn("simulate-workloads")
        if let count = try flags.number("nodes", in: 1...1000) { configuration.nodeCount = count }
        for text in flags.texts("fault") {
            do {
                configuration.faults.append(try FaultRule(parsing: text))
            } catch {
                throw UsageError(description: "--fault: \(error.message)")
            }
        }
        if let seed = try flags.number("fault-seed", in: 0...Int.max) { configuration.faultSeed = UInt64(seed) }
        kubeconfig = flags.text("write-kubeconfig")
        definitions = flags.text("crds")
        logLevel = try flags.choice("log-level", default: .info)
    }

    static let usage = """
        recovery-sandbox is an embedded Kubernetes API server for trying things out and for tests, not for production:
        everything is in memory and gone when it ends.

        It speaks plain HTTP and is meant for loopback. Without --token whoever reaches the address may do everything.
        kubectl and client-go send no credentials over plain HTTP, so use them without --token; to other clients a token
        gives no secrecy either, since everybody on the way can read it.

        Usage: recovery-sandbox [flags]

        \(FlagParser.help(flags))

        Simulated pods and nodes break and heal by the annotation sandbox.tmc.io/failure: on pods and pod templates
        crash-loop, image-pull-error, not-ready or unschedulable; on nodes not-ready or unreachable; on Deployments
        stalled, which lasts until the object changes again. Pods whose restartPolicy is not Always finish after the
        seconds in the annotation sandbox.tmc.io/run-seconds (2).
        What kubectl logs shows of a pod is in its annotation sandbox.tmc.io/log.

        Members of a fault rule: verbs, resources, namespaces and userAgents say which requests; rate (0 to 1) and count
        how many of them; latencyMilliseconds, status, retryAfterSeconds, refuse=true, watch=cut or watch=silent with
        afterEvents or afterSeconds what happens.

        Exit status: 0 ended by SIGTERM or SIGINT, 1 failed, 2 wrong flags; a second signal ends it at once.
        """
}
