import FoundationEssentials
import HTTPServer
import HTTPTransport
public import JSON
public import KubernetesClient
public import KubernetesCore
import SandboxServer
import Synchronization
import Telemetry
public import Timekeeping
import YAML

/// The embedded sandbox as the API server of a test, with the shipped CustomResourceDefinitions and roles.
///
/// Requests reach it in the process, at the test's time and on the test's executor, so that it also serves a
/// ``VirtualWorld``. Clients are the controller's ServiceAccount: what the shipped roles do not allow is refused, and what
/// the definitions do not allow is invalid. Faults on demand are the ``FakeAPIServer``'s.
public final class SandboxHub: Sendable {
    /// The namespace of the controller in the shipped manifests.
    public static let controllerNamespace = "tmc-recovery-system"
    private static let administrator = "administrator"
    private static let account = "recovery-controller"

    let server: SandboxServer
    private let timeSource: any TimeSource
    private let token = Mutex<String?>(nil)

    /// Makes a hub with these namespaces beside the controller's.
    public init(timeSource: any TimeSource, namespaces: [String] = []) {
        self.timeSource = timeSource
        var configuration = SandboxConfiguration()
        configuration.token = Self.administrator
        server = SandboxServer(configuration: configuration, timeSource: timeSource, logger: .disabled)
        for name in namespaces {
            store(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
        do {
            for object in try Self.shipped() { store(object) }
        } catch {
            preconditionFailure("the shipped manifests cannot be read: \(error)")
        }
    }

    /// A client that is the shipped controller.
    public func client(identity: String = "controller") -> KubernetesClient {
        KubernetesClient(
            configuration: ClientConfiguration(server: "https://sandbox.example:6443"),
            transport: SandboxTransport(hub: self),
            timeSource: timeSource,
            userAgent: identity
        )
    }

    // MARK: what a test looks at and changes behind the clients' backs

    /// The present state of an object.
    public func object(_ resource: APIResource, _ key: ObjectKey) -> Unstructured? {
        objects(resource).first { $0.key == key }
    }

    /// The present objects of a kind, sorted by key.
    public func objects(_ resource: APIResource) -> [Unstructured] {
        let served = served(resource)
        return server.store.transaction { $0.all(served.storage) }.map { stored in
            do {
                return Unstructured(served.served(try stored.value()))
            } catch {
                preconditionFailure("the sandbox stores what it cannot read: \(error)")
            }
        }.sorted { $0.key < $1.key }
    }

    /// Creates an object, or replaces it as a whole, status included: with the defaults of a real server, unchecked.
    public func put(_ content: JSONValue, _ resource: APIResource) {
        store(content, served(resource))
    }

    /// Changes an object; nothing happens when there is none.
    public func edit(_ resource: APIResource, _ key: ObjectKey, _ body: (inout JSONValue) -> Void) {
        guard var object = object(resource, key)?.content else { return }
        body(&object)
        store(object, served(resource))
    }

    // MARK: storing

    private func served(_ resource: APIResource) -> ServedResource {
        guard
            let served = server.registry.resource(
                group: resource.group,
                version: resource.version,
                plural: resource.plural
            )
        else { preconditionFailure("the sandbox does not serve \(resource)") }
        return served
    }

    /// Stores a document by its kind.
    private func store(_ document: JSONValue) {
        let apiVersion = document["apiVersion"]?.stringValue ?? ""
        let kind = document["kind"]?.stringValue ?? ""
        let definition = server.registry.all.first { definition in
            definition.kind == kind && definition.versions.contains { definition.apiVersion($0.name) == apiVersion }
        }
        guard let definition,
            let version = definition.versions.first(where: { definition.apiVersion($0.name) == apiVersion })
        else { preconditionFailure("the sandbox does not serve \(kind) of \(apiVersion)") }
        store(document, ServedResource(definition, version))
    }

    private func store(_ content: JSONValue, _ served: ServedResource) {
        var object = content
        object["apiVersion"] = .string(served.apiVersion)
        object["kind"] = .string(served.definition.kind)
        served.version.schema.applyDefaults(to: &object)
        served.rules.setDefaults(&object)
        let metadata = object["metadata"]
        let name = ObjectName(
            namespace: metadata?["namespace"]?.stringValue ?? "",
            name: metadata?["name"]?.stringValue ?? ""
        )
        server.store.transaction { tx in
            let stored = tx.get(served.storage, name)
            ObjectMetadata.begin(&object, now: timeSource.wallTime())
            var old: JSONValue?
            do { old = try stored?.value() } catch { preconditionFailure("\(error)") }
            for field in ["uid", "creationTimestamp"] {
                guard let kept = old?["metadata"]?[field] else { continue }
                object.set(kept, at: ["metadata", field])
            }
            for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
                object.set(metadata?[field], at: ["metadata", field])
            }
            let generation = (old?["metadata"]?["generation"]?.intValue ?? 0) + 1
            object.set(.number(generation), at: ["metadata", "generation"])
            served.rules.complete(&object, old)
            tx.put(served.storage, name, object)
        }
        server.controllers.settle()
    }

    private static func shipped() throws -> [JSONValue] {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let definitions = try FileManager.default.contentsOfDirectory(atPath: "\(root)/crds").sorted().map {
            "crds/\($0)"
        }
        let manifests = ["namespace", "serviceaccount", "rbac-controller", "rbac-detection", "rbac-strategies"].map {
            "manifests/\($0).yaml"
        }
        return try (definitions + manifests).flatMap { path in
            try YAMLDocument.parseAll([UInt8](Data(contentsOf: URL(filePath: "\(root)/\(path)"))), source: path)
        }
    }

    // MARK: serving

    /// Does one request as the controller.
    func serve(_ request: HTTPRequest) async throws -> HTTPStream {
        let token = try await controllerToken()
        let response = await handle(request, token: token)
        let headers = response.headers.map { HTTPHeader(name: $0.name, value: $0.value) }
        let body = response.stream.map { HTTPBody(source: SandboxStream($0)) }
        return HTTPStream(
            status: response.status,
            headers: headers,
            body: body ?? HTTPBody([response.body].filter { !$0.isEmpty })
        )
    }

    private func handle(_ request: HTTPRequest, token: String) async -> HTTPServerResponse {
        let (path, query) = FakeURL.split(request.url)
        let headers =
            request.headers.map { HTTPServerHeader(name: $0.name, value: $0.value) }
            + [HTTPServerHeader(name: "Authorization", value: "Bearer \(token)")]
        let response = await server.handle(
            HTTPServerRequest(
                method: request.method,
                path: FakeURL.decode(path),
                query: query.map { (name: $0.key, value: $0.value) },
                headers: headers,
                body: request.body ?? []
            )
        )
        // What a real cluster does in a moment has been done before the client goes on.
        server.controllers.settle()
        return response
    }

    /// A token of the controller's ServiceAccount, issued once for longer than any test's time.
    private func controllerToken() async throws -> String {
        if let token = token.withLock(\.self) { return token }
        let path = "/api/v1/namespaces/\(Self.controllerNamespace)/serviceaccounts/\(Self.account)/token"
        let body: JSONValue = ["spec": ["expirationSeconds": 4_000_000_000]]
        let headers = [HTTPHeader(name: "Content-Type", value: "application/json")]
        let request = HTTPRequest(method: "POST", url: path, headers: headers, body: body.serialized())
        let response = await handle(request, token: Self.administrator)
        guard let issued = try JSONValue(parsing: response.body)["status"]?["token"]?.stringValue else {
            preconditionFailure("no token: \(String(decoding: response.body, as: UTF8.self))")
        }
        token.withLock { $0 = issued }
        return issued
    }
}

/// The connection of the controller to a ``SandboxHub``.
struct SandboxTransport: HTTPTransport {
    let hub: SandboxHub

    func perform(_ request: HTTPRequest) async throws -> HTTPResponse {
        let stream = try await stream(request)
        let body = try await stream.body.collect(upTo: request.maxResponseBytes)
        return HTTPResponse(status: stream.status, headers: stream.headers, body: body)
    }

    func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        try Task.checkCancellation()
        return try await hub.serve(request)
    }

    func closeIdleConnections() async {}
}

/// A watch of the sandbox as the body of an answer.
private final class SandboxStream: HTTPBodySource {
    private let stream: HTTPServerStream
    private let readable = Signal()

    init(_ stream: HTTPServerStream) {
        self.stream = stream
        stream.onReadable { [readable] in readable.send() }
    }

    func next() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            switch stream.read() {
            case .bytes(let chunks): return Array(chunks.joined())
            case .nothing: try await readable.wait()
            case .finished: return nil
            case .closed: throw FakeFault.lost
            }
        }
    }

    func cancel() {
        stream.close()
    }
}
