import Glibc

/// The `process_*` metrics every Prometheus client has, read from `/proc/self` at each exposition.
public enum ProcessMetrics {
    /// Registers the metrics; values that cannot be read (no `/proc`) keep their last value.
    public static func register(in registry: MetricsRegistry) {
        let cpu = registry.counter(
            "process_cpu_seconds_total",
            help: "Total user and system CPU time spent in seconds."
        ).series([])
        let resident = registry.gauge("process_resident_memory_bytes", help: "Resident memory size in bytes.")
        let virtual = registry.gauge("process_virtual_memory_bytes", help: "Virtual memory size in bytes.")
        let start = registry.gauge(
            "process_start_time_seconds",
            help: "Start time of the process since unix epoch in seconds."
        )
        let openFiles = registry.gauge("process_open_fds", help: "Number of open file descriptors.")
        let maxFiles = registry.gauge("process_max_fds", help: "Maximum number of open file descriptors.")
        registry.onCollect {
            if let status = ProcessStatus.read() {
                cpu.raise(to: status.cpuSeconds)
                resident.set(status.residentBytes)
                virtual.set(status.virtualBytes)
                start.set(status.startSeconds)
            }
            if let limit = ProcessStatus.fileLimit() { maxFiles.set(limit) }
            if let count = ProcessStatus.openFiles() { openFiles.set(count) }
        }
    }

    /// Registers `build_info`, a gauge that is always 1 and says in its labels what is running.
    public static func registerBuildInfo(in registry: MetricsRegistry, version: String, revision: String = "") {
        registry.gauge(
            "build_info",
            help: "What is running; the value is always 1.",
            labels: ["version", "revision"]
        ).set(1, version, revision)
    }
}

/// What `/proc` says about this process.
struct ProcessStatus: Equatable {
    var cpuSeconds: Double
    var residentBytes: Double
    var virtualBytes: Double
    /// Since the epoch.
    var startSeconds: Double

    /// Reads the present values; nil when `/proc` is missing or unreadable.
    static func read() -> ProcessStatus? {
        guard let stat = text(of: "/proc/self/stat"), let system = text(of: "/proc/stat") else { return nil }
        return ProcessStatus(
            stat: stat,
            system: system,
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))),
            pageBytes: Double(sysconf(Int32(_SC_PAGESIZE)))
        )
    }

    /// Understands `/proc/self/stat` (proc(5)) and the `btime` line of `/proc/stat`.
    init?(stat: String, system: String, ticksPerSecond: Double, pageBytes: Double) {
        // The second field is the command in brackets and may itself hold brackets and spaces.
        guard let bracket = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: bracket)...].split(separator: " ").map { Double($0) }
        // Field 3 (state) is the first here: utime 14, stime 15, starttime 22, vsize 23, rss 24.
        guard fields.count > 21, let user = fields[11], let kernel = fields[12], let started = fields[19],
            let virtual = fields[20], let pages = fields[21], ticksPerSecond > 0
        else { return nil }
        guard let bootLine = system.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let boot = Double(bootLine.dropFirst(6))
        else { return nil }
        cpuSeconds = (user + kernel) / ticksPerSecond
        residentBytes = pages * pageBytes
        virtualBytes = virtual
        startSeconds = boot + started / ticksPerSecond
    }

    /// The soft limit of open files; nil when it cannot be read, infinity when there is none.
    static func fileLimit() -> Double? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur)
    }

    /// The number of open files of this process.
    static func openFiles() -> Double? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(directory) }
        var entries = 0
        while unsafe readdir(directory) != nil { entries += 1 }
        // Not counted: ".", ".." and the descriptor of the directory itself.
        return Double(max(0, entries - 3))
    }

    /// The contents of a small file; its size is not asked, since files in `/proc` have none.
    private static func text(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: chunk.prefix(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
