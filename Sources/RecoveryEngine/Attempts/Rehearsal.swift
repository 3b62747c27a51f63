internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Synchronization
internal import Timekeeping

/// What an attempt would write, found out by going through it: the strategy's own code runs, with clients that only try
/// their writes out.
///
/// It ends where the strategy first waits after a write: what follows depends on what comes of that. Writes that are
/// certain to follow the strategy tells of itself, see `foresee`.
final class Rehearsal: Sendable {
    /// The rehearsal is over; a strategy lets this pass through.
    struct Ended: Error {
        /// What the strategy would do next.
        var next: String
    }

    /// A write that the server has tried out.
    struct Write: Sendable {
        var action: String
        var request: APIRequest
        var answer: APIResponse
        /// The server that was asked.
        var client: KubernetesClient
    }

    /// What would be done, in order.
    enum Act: Sendable {
        /// A write; evictions are acts of their own.
        case write(Write)
        /// The eviction of a pod by an action, now or when its budget has room.
        case eviction(Unstructured, action: String)
        /// A write after the first wait, which nobody has tried out.
        case foreseen(PlannedStep)
    }

    private struct State {
        var action = ""
        var acts: [Act] = []
        var isWritten = false
    }

    private let state = Mutex(State())

    /// Goes through an attempt.
    ///
    /// Times that the strategy would write are shown as `<time>`, so that the same plan stays the same.
    ///
    /// - Returns: the writes, in order, and what ends them.
    /// - Throws: `ClientError` when the server does not answer, or not now; `CancellationError`.
    static func steps(of strategy: any RecoveryStrategy, _ attempt: Attempt) async throws -> [PlannedStep] {
        let rehearsal = Rehearsal()
        let start = attempt.timeSource.wallTime().wholeSecond
        let last: String
        do {
            last = "then: \(try await strategy.execute(rehearsal.prepared(attempt)).message)"
        } catch let ended as Ended {
            last = "then: \(ended.next), and what depends on it"
        } catch let failure as StrategyFailure {
            last = "it would end there: \(failure)"
        } catch let error as ClientError {
            if isWorthAnotherTry(error) { throw error }
            last = "it would be refused: \(error)"
        } catch let error as CancellationError {
            throw error
        } catch {
            last = "it would end there: \(Attempt.describe(error))"
        }
        let steps = try await rehearsal.steps().prefix(RecoveryPlan.maxSteps - 2)
        let times = moments(from: start, to: attempt.timeSource.wallTime())
        return (steps + [PlannedStep(description: bounded(last))]).map { $0.masking(times) }
    }

    /// The attempt, with clients that try their writes out and tell of them here.
    private func prepared(_ attempt: Attempt) -> Attempt {
        Attempt(
            recovery: attempt.recovery,
            execution: attempt.execution,
            isResumed: attempt.isResumed,
            parameters: attempt.parameters,
            client: rehearsing(attempt.client),
            placementFence: attempt.placementFence,
            timeSource: attempt.timeSource,
            logger: attempt.logger,
            clock: attempt.clock,
            members: { [self] in rehearsing(try await attempt.members($0, $1)) },
            fence: attempt.fence,
            journal: attempt.journal,
            rehearsal: self
        )
    }

    private func rehearsing(_ client: KubernetesClient) -> KubernetesClient {
        client.rehearsing { [self] request, answer in
            guard request.subresource != "eviction" else { return }
            state.withLock { state in
                let write = Write(action: state.action, request: request, answer: answer, client: client)
                state.acts.append(.write(write))
            }
        }
    }

    /// Whether the server may answer otherwise in a moment.
    private static func isWorthAnotherTry(_ error: ClientError) -> Bool {
        if case .refused(let refusal as AttemptFence.Refusal, _) = error { return refusal.isAboutLeadership }
        guard let answer = error.apiError else { return error.transportError != nil }
        return answer.status == 429 || answer.status == 503
    }

    /// The seconds that a rehearsal took, as they are written.
    private static func moments(from start: Date, to end: Date) -> [String] {
        let seconds = Int(max(0, min(end.timeIntervalSince(start), 300)))
        return (0...seconds).compactMap { RFC3339.string(from: start.addingTimeInterval(Double($0))) }
    }

    // MARK: The attempt

    /// Goes through a reading, or ends when something was written before.
    func read(_ action: String, _ body: () async throws -> String) async throws {
        if state.withLock({ $0.isWritten }) { throw Ended(next: action) }
        _ = try await body()
    }

    /// Goes through a change.
    func mutate(_ action: String, _ body: () async throws -> String) async throws {
        state.withLock { $0.action = action }
        _ = try await body()
        state.withLock { $0.isWritten = true }
    }

    /// Notes a pod that would be evicted, whether its budget has room now or later.
    func evict(_ pod: Unstructured) {
        state.withLock { $0.acts.append(.eviction(pod, action: $0.action)) }
    }

    /// Notes a write that is certain to follow the wait which ends the rehearsal.
    func foresee(_ step: PlannedStep) {
        state.withLock { $0.acts.append(.foreseen(step)) }
    }

    /// The acts so far as steps of a plan; evictions by one action are one step.
    private func steps() async throws -> [PlannedStep] {
        var rest = state.withLock { $0.acts }[...]
        var steps: [PlannedStep] = []
        while let act = rest.first {
            switch act {
            case .write(let write): steps.append(try await write.step())
            case .foreseen(let step): steps.append(step)
            case .eviction(_, let action):
                let pods = rest.prefix { $0.evictedPod(by: action) != nil }.compactMap { $0.evictedPod(by: action) }
                steps.append(PlannedStep(evicting: pods, action: action))
                rest = rest.dropFirst(pods.count - 1)
            }
            rest = rest.dropFirst()
        }
        return steps
    }
}

extension Rehearsal.Act {
    /// The pod that the action would evict.
    fileprivate func evictedPod(by action: String) -> Unstructured? {
        guard case .eviction(let pod, action) = self else { return nil }
        return pod
    }
}
