import JSON
public import KubernetesClient
import KubernetesCore

extension EventRecorder {
    /// Makes a recorder; events wait until ``run()``.
    ///
    /// - Parameters:
    ///   - client: Writes the events; one that is not gated by leadership, since its end is an event too.
    ///   - component: Who reports, `source.component`.
    ///   - instance: Which replica reports, `source.host`.
    ///   - configuration: The numbers.
    ///   - context: The clock; a log line for each event that the server refused; the metrics
    ///     `event_recorder_written_total` and `event_recorder_dropped_total`.
    ///   - random: Numbers from 0 to 1 for the first wait of a retry.
    public convenience init(
        client: KubernetesClient,
        component: String,
        instance: String = "",
        configuration: Configuration = Configuration(),
        context: RuntimeContext,
        random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.init(
            sink: KubernetesEventSink(client: client),
            component: component,
            instance: instance,
            configuration: configuration,
            context: context,
            random: random
        )
    }
}

/// The events of an API server (core/v1).
private struct KubernetesEventSink: EventSink {
    let client: KubernetesClient

    func create(_ event: JSONValue, _ key: ObjectKey) async throws {
        do {
            // The answer repeats what was sent: its body is not read.
            _ = try await client.send(.create(.events, namespace: key.namespace, body: event))
        } catch {
            throw classify(error)
        }
    }

    func patch(_ patch: JSONValue, _ key: ObjectKey) async throws {
        do {
            _ = try await client.send(.patch(.events, key, body: patch, type: .merge))
        } catch {
            throw classify(error)
        }
    }

    private func classify(_ error: any Error) -> any Error {
        guard let error = error as? ClientError else { return error }
        if let answer = error.apiError {
            if answer.isNotFound { return EventSinkError.missing }
            let isPointless = answer.isAlreadyExists || answer.isNamespaceTerminating
            return isPointless ? EventSinkError.pointless : EventSinkError.refused(error)
        }
        return error.disposition == .retry ? EventSinkError.unreachable(error) : EventSinkError.refused(error)
    }
}
