import TestSupport
import Testing

@testable import Telemetry

@Suite("ProcessMetrics")
struct ProcessMetricsTests {
    @Test func `all process metrics have plausible values`() throws {
        let registry = MetricsRegistry()
        ProcessMetrics.register(in: registry)
        let text = try ExpositionParser(registry.exposition())
        #expect(try #require(text.value("process_resident_memory_bytes")) > 1_000_000)
        #expect(try #require(text.value("process_virtual_memory_bytes")) > 1_000_000)
        // After 2020, so the boot time was found and added.
        #expect(try #require(text.value("process_start_time_seconds")) > 1_577_836_800)
        #expect(try #require(text.value("process_open_fds")) >= 1)
        #expect(try #require(text.value("process_max_fds")) >= 3)
        #expect(try #require(text.value("process_cpu_seconds_total")) >= 0)
        #expect(text.families["process_cpu_seconds_total"]?.type == "counter")
        #expect(registry.misuses.isEmpty)
    }

    @Test func `the stat line is read behind the last bracket of the command`() {
        let stat =
            "42 (a) b ) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 4 0 700 10485760 256 184 1 1 0 0 0 0 0"
        let status = ProcessStatus(
            stat: stat,
            system: "cpu 1 2\nbtime 1700000000\n",
            ticksPerSecond: 100,
            pageBytes: 4096
        )
        #expect(status?.cpuSeconds == 2)
        #expect(status?.virtualBytes == 10_485_760)
        #expect(status?.residentBytes == 1_048_576)
        #expect(status?.startSeconds == 1_700_000_007)
    }

    @Test(arguments: ["", "42 (x)", "42 (x) S 1 2", "no brackets at all"])
    func `a stat line that is cut short gives nothing`(stat: String) {
        #expect(ProcessStatus(stat: stat, system: "btime 1\n", ticksPerSecond: 100, pageBytes: 4096) == nil)
    }

    @Test func `build info is a gauge of one`() throws {
        let registry = MetricsRegistry()
        ProcessMetrics.registerBuildInfo(in: registry, version: "0.1.0", revision: "abc")
        let text = try ExpositionParser(registry.exposition())
        #expect(text.value("build_info", ["version": "0.1.0", "revision": "abc"]) == 1)
    }
}
