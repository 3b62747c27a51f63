import Glibc
import Testing
import Timekeeping

@testable import ProcessSignals

/// Uses SIGUSR1 and SIGUSR2, so that the test runner keeps its own handling of SIGINT and SIGTERM.
@Suite("SignalTrap", .serialized, .timeLimit(.minutes(1)))
struct SignalTrapTests {
    @Test func `the first signal asks to stop, the second insists, whichever of the group they are`() async throws {
        let first = Promise<Int32>()
        let again = Promise<Int32>()
        try SignalTrap.catchSignals(
            [SIGUSR1, SIGUSR2],
            again: { again.fulfil(.success($0)) },
            first: { first.fulfil(.success($0)) }
        )
        kill(getpid(), SIGUSR1)
        #expect(try await first.value() == SIGUSR1)
        #expect(!again.isFulfilled)
        kill(getpid(), SIGUSR2)
        #expect(try await again.value() == SIGUSR2)
    }

    @Test func `a signal belongs to who asked for it last`() async throws {
        let old = Promise<Int32>()
        let new = Promise<Int32>()
        try SignalTrap.catchSignals([SIGUSR1], first: { old.fulfil(.success($0)) })
        try SignalTrap.catchSignals([SIGUSR1], first: { new.fulfil(.success($0)) })
        kill(getpid(), SIGUSR1)
        #expect(try await new.value() == SIGUSR1)
        #expect(!old.isFulfilled)
    }

    @Test func `writing to a closed pipe is an error, not the end`() throws {
        SignalTrap.ignoreBrokenPipes()
        var ends: [Int32] = [-1, -1]
        try #require(unsafe pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        let written = unsafe write(ends[1], "x", 1)
        let code = errno
        #expect(written == -1 && code == EPIPE)
    }
}
