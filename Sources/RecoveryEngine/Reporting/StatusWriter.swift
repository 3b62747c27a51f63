internal import FoundationEssentials
internal import HTTPTransport
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import Timekeeping

/// Why a status could not be written.
package enum StatusWriteFailure: Error, Sendable {
    /// Somebody else wrote in between; the live object is attached, and has to be decided about anew.
    case overtaken(Recovery)
    /// The Recovery is gone, or another one has its name.
    case gone
}

/// Writes the status of Recoveries: only what changed, only on top of the version that was read.
///
/// A conflict or a lost reply is a question, not an answer: libcurl or a proxy may have sent our own write twice. The
/// live object tells; when it already has what was to be written, the write succeeded. How often a failure was reported
/// (`occurrences`) belongs to whoever reports it: here it is left as it is, and a change of it is no change.
package struct StatusWriter: Sendable {
    private let client: KubernetesClient
    private let timeSource: any TimeSource

    /// Makes a writer.
    package init(client: KubernetesClient, timeSource: any TimeSource) {
        self.client = client
        self.timeSource = timeSource
    }

    /// Writes `status` on top of `recovery`.
    ///
    /// - Parameters:
    ///   - status: what is to be there.
    ///   - recovery: what was read, and what the decision is based on.
    ///   - toleratesSpecChanges: whether the write still holds when only spec or metadata changed meanwhile, as for the
    ///     progress of an attempt that runs; a reservation has to be decided about anew.
    /// - Returns: the Recovery as the server has it now.
    /// - Throws: `StatusWriteFailure`, or a `ClientError` when the server cannot be asked.
    package func write(
        _ status: RecoveryStatus,
        on recovery: Recovery,
        toleratesSpecChanges: Bool = false
    ) async throws -> Recovery {
        var (base, status) = (recovery, status)
        for _ in 0..<Self.maxTries {
            do {
                return try await client.patchStatus(of: base, from: base.status, to: status)
            } catch let error as ClientError where error.leavesWriteOpen {
                let live = try await read(base)
                status.occurrences = live.status?.occurrences
                if live.status == status { return live }
                var seen = base.status
                seen?.occurrences = live.status?.occurrences
                guard toleratesSpecChanges, live.status == seen else {
                    throw StatusWriteFailure.overtaken(live)
                }
                base = live
            } catch let error as ClientError where error.apiError?.isNotFound == true {
                throw StatusWriteFailure.gone
            }
        }
        throw StatusWriteFailure.overtaken(base)
    }

    private static let maxTries = 6

    /// Reads the live object; a server that is away for a moment is asked again, as the answer decides what was done.
    private func read(_ recovery: Recovery) async throws -> Recovery {
        var delay = Duration.milliseconds(100)
        var tries = 0
        while true {
            do {
                let live = try await client.get(Recovery.self, recovery.metadata.key)
                guard live.metadata.uid == recovery.metadata.uid else { throw StatusWriteFailure.gone }
                return live
            } catch let error as ClientError where error.apiError?.isNotFound == true {
                throw StatusWriteFailure.gone
            } catch let error as ClientError where error.apiError == nil && tries < 5 {
                tries += 1
                try await timeSource.sleep(for: delay)
                delay *= 2
            }
        }
    }
}
