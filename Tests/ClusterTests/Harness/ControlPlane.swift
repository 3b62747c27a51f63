import Foundation
import HTTPTransport
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Timekeeping

/// A real Kubernetes control plane on loopback, made by `hack/control-plane`.
struct ControlPlane: Sendable {
    let name: String
    let kubeconfig: String
    let client: KubernetesClient
    private let transport: CurlTransport

    /// The checkout.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path()

    /// Starts a fresh plane; one of that name that is left over is removed first.
    static func start(_ name: String, nodes: Int = 0) async throws -> ControlPlane {
        try await Shell.run("\(root)hack/control-plane down \(name)")
        try await Shell.run("\(root)hack/control-plane up \(name) --nodes \(nodes) --audit")
        let environment = try await Shell.run("\(root)hack/control-plane env \(name)")
        guard let line = environment.split(separator: "\n").first(where: { $0.hasPrefix("export KUBECONFIG=") }) else {
            throw ShellError(command: "env \(name)", status: 0, output: environment)
        }
        let kubeconfig = String(line.dropFirst("export KUBECONFIG=".count))
        let transport = try CurlTransport()
        let client = KubernetesClient(
            configuration: try KubernetesClient.loadConfiguration(kubeconfig: kubeconfig),
            transport: transport
        )
        return ControlPlane(name: name, kubeconfig: kubeconfig, client: client, transport: transport)
    }

    /// Starts a fresh plane with the CRDs, the controller's namespace, account, roles and configuration as manifests/ ships
    /// them, and the given tenant namespaces.
    static func startWithCRDs(_ name: String, nodes: Int = 0, namespaces: [String] = []) async throws -> ControlPlane {
        let plane = try await start(name, nodes: nodes)
        try await plane.kubectl("apply --validate=false -f \(root)crds")
        try await plane.kubectl("wait --for=condition=Established --timeout=60s -f \(root)crds")
        for namespace in [RecoveryAPI.defaultControllerNamespace] + namespaces {
            try await plane.kubectl("create namespace \(namespace)")
        }
        try await plane.applyShippedRoles()
        return plane
    }

    /// Removes the plane.
    func down() async throws {
        transport.shutdown()
        try await Shell.run("\(Self.root)hack/control-plane down \(name)")
    }

    /// Stops a component, by default as a crash would.
    func stop(_ component: String, signal: String = "KILL") async throws {
        try await Shell.run("\(Self.root)hack/control-plane stop \(name) \(component) --signal \(signal)")
    }

    /// Starts a stopped component again, on the same port with the same data.
    func start(_ component: String) async throws {
        try await Shell.run("\(Self.root)hack/control-plane start \(name) \(component)")
    }

    /// Runs `body` while a component hangs, and lets it go on in any case.
    func whileHanging<Value>(_ component: String, _ body: () async throws -> Value) async throws -> Value {
        try await stop(component, signal: "STOP")
        return try await cleaningUp({ try await stop(component, signal: "CONT") }, body)
    }

    /// The port of its API server.
    func port() async throws -> Int {
        let server = try await kubectl("config view --minify -o 'jsonpath={.clusters[0].cluster.server}'")
        guard let port = URL(string: server)?.port else { throw ShellError(command: "port", status: 0, output: server) }
        return port
    }

    /// Runs kubectl with words as a person would type them.
    @discardableResult
    func kubectl(_ arguments: String) async throws -> String {
        try await Shell.run("kubectl --kubeconfig \(kubeconfig) \(arguments)")
    }

    /// Applies a manifest, into a namespace where it names none itself.
    func apply(_ manifest: String, in namespace: String? = nil) async throws {
        let scope = namespace.map { "-n \($0) " } ?? ""
        try await kubectl("apply --validate=false \(scope)-f - <<'MANIFEST'\n\(manifest)\nMANIFEST")
    }

    /// Has the server refuse further ConfigMaps in a namespace, by a quota that it knows of.
    func refuseConfigMaps(_ namespace: String) async throws {
        try await kubectl("create quota few -n \(namespace) --hard=count/configmaps=0")
        let attempt = "kubectl --kubeconfig \(kubeconfig) create configmap probe -n \(namespace) --dry-run=server"
        try await Shell.run("for i in $(seq 300); do \(attempt) || exit 0; sleep 0.1; done; exit 1")
    }

    /// Waits until an object is as expected, by watching it.
    ///
    /// - Throws: `NotReached` with the last state that was seen.
    func wait<Object: KubernetesObject>(
        for type: Object.Type,
        _ key: ObjectKey,
        within limit: Duration = .seconds(60),
        until isReached: @escaping @Sendable (Object) -> Bool
    ) async throws -> Object {
        let time = SystemTimeSource()
        let seen = LastSeen<Object>()
        do {
            return try await withDeadline(time.now().advanced(by: limit), time) {
                try await follow(type, key, seen, isReached)
            }
        } catch is DeadlineExceeded {
            throw NotReached(key: key, last: seen.value.map { String(describing: $0) } ?? "never seen")
        }
    }

    private func follow<Object: KubernetesObject>(
        _ type: Object.Type,
        _ key: ObjectKey,
        _ seen: LastSeen<Object>,
        _ isReached: @Sendable (Object) -> Bool
    ) async throws -> Object {
        while true {
            do {
                let list = try await client.list(
                    type,
                    namespace: key.namespace,
                    options: ListOptions(fieldSelector: "metadata.name=\(key.name)")
                )
                for object in list.items {
                    seen.value = object
                    if isReached(object) { return object }
                }
                let options = WatchOptions(
                    fieldSelector: "metadata.name=\(key.name)",
                    resourceVersion: list.metadata.resourceVersion
                )
                for try await event in try await client.watch(type, namespace: key.namespace, options: options) {
                    guard case .added(let object) = event.orModified else { continue }
                    seen.value = object
                    if isReached(object) { return object }
                }
            } catch let error as ClientError where error.transportError != nil {
                // The server of this test may be down on purpose.
                try await SystemTimeSource().sleep(for: .milliseconds(200))
            }
        }
    }
}

/// What was waited for did not happen in time.
struct NotReached: Error, CustomStringConvertible {
    let key: ObjectKey
    let last: String

    var description: String { "\(key) did not get there; last seen: \(last)" }
}
