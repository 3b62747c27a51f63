package import ControllerRuntime
internal import JSON
package import KubernetesClient
internal import KubernetesCore
package import RecoveryDecision
internal import Synchronization
internal import Telemetry
package import Timekeeping

/// The error catalogue in force: the program's own, with the entries of the ConfigMap `recovery-error-catalogue` in the
/// controller's namespace over it; followed, so that a change counts for the next Recovery.
package final class ErrorCatalogueSource: Sendable {
    /// The ConfigMap's name.
    package static let name = "recovery-error-catalogue"
    /// The key with the YAML file.
    package static let key = "errors.yaml"

    /// Opens when the ConfigMap has been read, or there is none.
    package let hasSynced = Latch()

    private let catalogue = Mutex(ErrorCatalogue.standard)
    private let maps: Informer<Unstructured>
    private let strategies: Set<String>
    private let logger: Logger

    /// Makes a source with the program's own catalogue; it follows the ConfigMap once it runs.
    ///
    /// - Parameters:
    ///   - client: the hub.
    ///   - namespace: the controller's own.
    ///   - strategies: the names of all strategies there are, enabled or not.
    ///   - informers: how the ConfigMap is followed.
    ///   - context: clock and logger.
    package init(
        client: KubernetesClient,
        namespace: String,
        strategies: Set<String>,
        informers: InformerConfiguration,
        context: RuntimeContext
    ) {
        maps = Informer(
            client: client,
            resource: .configMaps,
            scope: WatchScope(namespace: namespace, fieldSelector: "metadata.name=\(Self.name)"),
            configuration: informers,
            context: RuntimeContext(timeSource: context.timeSource, logger: context.logger)
        )
        self.strategies = strategies
        logger = context.logger
    }

    /// What error codes mean now.
    package var current: ErrorCatalogue { catalogue.withLock { $0 } }

    /// Follows the ConfigMap until cancelled.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        let registration = maps.addHandler(receivesResyncs: false) { [weak self] event in
            switch event {
            case .added(let map, _), .updated(_, let map): self?.take(map)
            case .deleted, .deletedFinalStateUnknown, .undecodable: self?.take(nil)
            }
        }
        defer { registration.remove() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.maps.run() }
            group.addTask {
                try await registration.hasSynced.wait()
                self.hasSynced.open()
            }
            try await group.waitForAll()
        }
    }

    private func take(_ map: Unstructured?) {
        var next = ErrorCatalogue.standard
        if let map {
            let text = map["data", Self.key]?.stringValue
            let problems =
                text.map { next.merge(text: Array($0.utf8), strategies: strategies) } ?? ["there is no key \(Self.key)"]
            for problem in problems.prefix(20) {
                logger.warning("an entry of the error catalogue is skipped", ["map": "\(map.key)", "entry": problem])
            }
        }
        catalogue.withLock { $0 = next }
    }
}
