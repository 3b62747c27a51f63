import HTTPTransport
public import Telemetry

/// The `rest_client_*` metrics that dashboards for Go clients expect.
///
/// `host` is the configured server, never a path, so the number of series stays small.
public struct ClientMetrics: Sendable {
    private let requests: Counter
    private let durations: Histogram
    private let retries: Counter
    private let resolutions: Histogram
    private let requestSizes: Histogram
    private let responseSizes: Histogram
    private let execCalls: Counter
    private let authorityReloads: Counter

    private static let seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
    private static let bytes: [Double] = [
        64, 256, 512, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
    ]

    /// Registers the metrics.
    public init(registry: MetricsRegistry) {
        requests = registry.counter(
            "rest_client_requests_total",
            help: "Number of HTTP requests, partitioned by status code, method, and host.",
            labels: ["code", "method", "host"]
        )
        durations = registry.histogram(
            "rest_client_request_duration_seconds",
            help: "Request latency in seconds. Broken down by verb, and host.",
            labels: ["verb", "host"],
            buckets: Self.seconds
        )
        retries = registry.counter(
            "rest_client_request_retries_total",
            help: "Number of request retries, partitioned by status code, verb, and host.",
            labels: ["code", "verb", "host"]
        )
        resolutions = registry.histogram(
            "rest_client_dns_resolution_duration_seconds",
            help: "DNS resolver latency in seconds. Broken down by host.",
            labels: ["host"],
            buckets: Self.seconds.dropLast()
        )
        requestSizes = registry.histogram(
            "rest_client_request_size_bytes",
            help: "Request size in bytes. Broken down by verb and host.",
            labels: ["verb", "host"],
            buckets: Self.bytes
        )
        responseSizes = registry.histogram(
            "rest_client_response_size_bytes",
            help: "Response size in bytes. Broken down by verb and host.",
            labels: ["verb", "host"],
            buckets: Self.bytes
        )
        execCalls = registry.counter(
            "rest_client_exec_plugin_call_total",
            help: "Number of calls to an exec plugin, partitioned by the exit code and by what became of the call.",
            labels: ["code", "call_status"]
        )
        authorityReloads = registry.counter(
            "rest_client_transport_ca_reload_total",
            help: "Number of reloads of the CA file, partitioned by result and reason.",
            labels: ["result", "reason"]
        )
    }

    /// One try of a request.
    struct Attempt {
        var method: String
        var host: String
        /// nil when there was no answer.
        var status: Int?
        var duration: Duration
        var requestBytes: Int
        /// nil for streams.
        var responseBytes: Int?
        var timings: HTTPTimings?
    }

    func record(_ attempt: Attempt) {
        let code = attempt.status.map(String.init) ?? "<error>"
        requests.increment(code, attempt.method, attempt.host)
        durations.observe(attempt.duration / .seconds(1), attempt.method, attempt.host)
        requestSizes.observe(Double(attempt.requestBytes), attempt.method, attempt.host)
        if let bytes = attempt.responseBytes { responseSizes.observe(Double(bytes), attempt.method, attempt.host) }
        if let timings = attempt.timings, !timings.isReusedConnection, timings.dns > .zero {
            resolutions.observe(timings.dns / .seconds(1), attempt.host)
        }
    }

    func recordRetry(code: String, method: String, host: String) {
        retries.increment(code, method, host)
    }

    /// Counts a run of an exec plug-in; `status` is in client-go's words: `no_error`, `plugin_execution_error`,
    /// `plugin_not_found_error` or `client_internal_error`.
    func recordExecCall(code: Int32, status: String) {
        execCalls.increment(String(code), status)
    }

    func recordAuthorityReload(result: String, reason: String) {
        authorityReloads.increment(result, reason)
    }
}
