import CommandLineFlags
import Telemetry

/// What the command line asks for.
struct ControllerOptions {
    var kubeconfig: String?
    var context: String?
    var namespace: String?
    var controllerNamespace: String?
    var configurationFile: String?
    var metricsAddress: String?
    var probeAddress: String?
    var alertAddress: String?
    var alertTokenFile: String?
    var electsLeader = false
    var leaseNamespace: String?
    var leaseName: String
    var maxConcurrentRecoveries: Int?
    var requiresServiceAccount = false
    var allowedMemberCommands: Set<String> = []
    var logLevel: LogLevel
    var logFormat: LogFormat

    static let flags: [FlagParser.Flag] = [
        .init(
            "kubeconfig",
            "FILE",
            "Kubeconfig to use. Default: $KUBECONFIG, then the pod's own, then ~/.kube/config."
        ),
        .init("context", "NAME", "Context of the kubeconfig. Default: its current context."),
        .init(
            "namespace",
            "NAME",
            "Watch Recoveries, policies, approvals, Placements and Migrations of this namespace only; failures of MemberClusters "
                + "open Recoveries only if it is the controller's. Default: all namespaces."
        ),
        .init(
            "controller-namespace",
            "NAME",
            "The controller's own namespace: leases, locks, Secrets of member clusters. Default: $POD_NAMESPACE, then the "
                + "service account's, then tmc-recovery-system."
        ),
        .init(
            "config",
            "FILE",
            "YAML file with maxConcurrentRecoveries, recoveryTimeout and the rest (see README.md)."
        ),
        .init(
            "metrics-bind-address",
            "ADDRESS",
            "Where /metrics, /status and /health are served; 0 turns it off. Default: :8080."
        ),
        .init(
            "health-probe-bind-address",
            "ADDRESS",
            "Where /healthz, /livez and /readyz are served; 0 turns it off. Default: :8081."
        ),
        .init(
            "alert-receiver-bind-address",
            "ADDRESS",
            "Where alerts are taken: POST /api/v2/alerts and /webhook; needs --alert-receiver-token-file. Default: 0, "
                + "nowhere."
        ),
        .init("alert-receiver-token-file", "FILE", "The bearer token that senders of alerts have to show."),
        .init("leader-elect", nil, "Work only while holding a Lease; needed with more than one replica."),
        .init("leader-election-namespace", "NAME", "Namespace of the Lease. Default: the controller's own."),
        .init("leader-election-id", "NAME", "Name of the Lease. Default: tmc-recovery-controller."),
        .init("max-concurrent-recoveries", "N", "Attempts that may run at one time; overrides the configuration file."),
        .init(
            "allow-member-exec",
            "PATHS",
            "Exec plug-ins that kubeconfigs of member clusters may run, as absolute paths with commas. Default: none."
        ),
        .init(
            "require-service-account",
            nil,
            "Act outside the controller's namespace only as a ServiceAccount there: Recoveries and policies have to name one."
        ),
        .init("log-level", "LEVEL", "debug, info, warning or error. Default: info."),
        .init("log-format", "FORMAT", "text or json. Default: text."),
        .init("version", nil, "Print the version and end."),
        .init("help", nil, "Print this help and end."),
    ]

    init(_ flags: FlagParser) throws(UsageError) {
        kubeconfig = flags.text("kubeconfig")
        context = flags.text("context")
        namespace = flags.text("namespace")
        controllerNamespace = flags.text("controller-namespace")
        configurationFile = flags.text("config")
        metricsAddress = Self.address(flags.text("metrics-bind-address"), default: ":8080")
        probeAddress = Self.address(flags.text("health-probe-bind-address"), default: ":8081")
        alertAddress = Self.address(flags.text("alert-receiver-bind-address"), default: "0")
        alertTokenFile = flags.text("alert-receiver-token-file")
        if alertAddress != nil, alertTokenFile == nil {
            throw UsageError(description: "--alert-receiver-bind-address needs --alert-receiver-token-file")
        }
        electsLeader = try flags.isOn("leader-elect")
        leaseNamespace = flags.text("leader-election-namespace")
        leaseName = flags.text("leader-election-id") ?? "tmc-recovery-controller"
        maxConcurrentRecoveries = try flags.number("max-concurrent-recoveries", in: 1...10_000)
        requiresServiceAccount = try flags.isOn("require-service-account")
        allowedMemberCommands = try Self.commands(flags.text("allow-member-exec"))
        logLevel = try flags.choice("log-level", default: .info)
        logFormat = try flags.choice("log-format", default: .text)
    }

    /// `0` turns an address off.
    private static func address(_ text: String?, default standard: String) -> String? {
        let address = text ?? standard
        return address == "0" ? nil : address
    }

    /// Absolute paths with commas between them: a bare name would be looked up in the search path.
    private static func commands(_ text: String?) throws(UsageError) -> Set<String> {
        let paths = (text ?? "").split(separator: ",").map(String.init)
        for path in paths where !path.hasPrefix("/") {
            throw UsageError(description: "--allow-member-exec takes absolute paths, not '\(path)'")
        }
        return Set(paths)
    }

    static let usage = """
        recovery-controller repairs failures in a fleet of Kubernetes clusters: it carries out the Recovery objects of
        group recovery.tmc.io.

        Usage: recovery-controller [flags]

        \(FlagParser.help(flags))

        Exit status: 0 stopped as asked, 1 failed, 2 wrong flags or configuration.
        """
}
