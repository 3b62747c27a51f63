import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import TestSupport
import Testing

@testable import RecoveryEngine

/// A hub with the MemberCluster `edge` and its Secret, and a member that answers as a test says.
struct MemberScene {
    typealias Answer = @Sendable (HTTPRequest) throws -> ScriptedAnswer

    static let cluster = "edge"
    static let secretKey = ObjectKey(namespace: StrategyHarness.namespace, name: "edge-kubeconfig")

    let harness: StrategyHarness
    let transport: ScriptedTransport

    /// Makes a member whose probes get `answers`, one after the other; the last one is given for ever.
    ///
    /// A probe begins with `/readyz`; other requests get the answer of the probe that they belong to.
    init(
        _ answers: [Answer],
        spec: JSONValue = [:],
        secret: JSONValue? = MemberScene.secret(),
        allowedCommands: Set<String> = []
    ) {
        let queue = AnswerQueue(answers)
        transport = ScriptedTransport { request in try queue.answer(request) }
        harness = StrategyHarness(memberTransport: transport, allowedCommands: allowedCommands)
        var all: JSONValue = ["kubeconfigSecretRef": ["name": .string(Self.secretKey.name)]]
        for (key, value) in spec.objectValue ?? [:] { all[key] = value }
        harness.hub.put(
            [
                "apiVersion": .string(MemberCluster.resource.apiVersion), "kind": "MemberCluster",
                "metadata": ["name": .string(Self.cluster)], "spec": all,
            ],
            MemberCluster.resource
        )
        if let secret { harness.hub.put(secret, .secrets) }
    }

    /// A Secret whose kubeconfig has this user.
    static func secret(
        user: String = "token: abc",
        server: String = "https://edge.example:6443",
        key: String = "kubeconfig"
    ) -> JSONValue {
        let text = """
            apiVersion: v1
            kind: Config
            current-context: edge
            clusters:
            - name: edge
              cluster: {server: "\(server)"}
            users:
            - name: edge
              user: {\(user)}
            contexts:
            - name: edge
              context: {cluster: edge, user: edge}
            """
        return secret(data: [key: .string(Data(text.utf8).base64EncodedString())])
    }

    /// A Secret whose plug-in, which has to be permitted, gives no credential: it asks for a terminal.
    static let brokenPlugin = secret(
        user: "exec: {apiVersion: client.authentication.k8s.io/v1, command: \(plugin), interactiveMode: Always}"
    )
    static let plugin = "/bin/login"
    /// A Secret whose plug-in takes longer than any probe waits.
    static let slowPlugin = secret(
        user: "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sleep, args: ['20'], "
            + "interactiveMode: Never}"
    )

    static func secret(data: JSONValue) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Secret", "data": data,
            "metadata": ["name": .string(secretKey.name), "namespace": .string(StrategyHarness.namespace)],
        ]
    }

    var strategy: ClusterConnectivityStrategy { ClusterConnectivityStrategy(members: harness.members) }

    func attempt(
        _ type: String = "ClusterUnreachable",
        parameters: [String: JSONValue] = [:],
        timeLimit: Duration = .seconds(300)
    ) throws -> Attempt {
        try harness.attempt(
            type,
            target: ResolvedTarget(cluster: Self.cluster),
            parameters: parameters,
            timeLimit: timeLimit
        )
    }

    /// The MemberCluster as it is on the hub.
    func stored() throws -> MemberCluster {
        let object = try #require(harness.hub.object(MemberCluster.resource, ObjectKey(namespace: nil, name: "edge")))
        return try MemberCluster(json: object.content)
    }

    /// `Type=Status/Reason` of the conditions.
    func conditions() throws -> [String] {
        try (stored().status?.conditions ?? []).map { "\($0.type)=\($0.status.rawValue)/\($0.reason)" }
    }

    /// The probes of the endpoint that were sent.
    var probes: [HTTPRequest] { transport.requests.filter { $0.url.contains("/readyz") } }

    /// A healthy API server of 1.20.
    static let healthy: Answer = { request in
        if request.url.contains("/readyz") { return .bytes(Array("ok".utf8)) }
        if request.url.contains("/version") { return .json(["gitVersion": "v1.20.2"]) }
        if request.url.contains("/selfsubjectaccessreviews") {
            return .json(["status": ["allowed": true]], status: 201)
        }
        if request.url.contains("watch=") { return .stream(StreamFeed()) }
        if request.url.contains("/nodes") || request.url.contains("/pods") {
            return .json(["kind": "List", "apiVersion": "v1", "metadata": ["resourceVersion": "1"], "items": []])
        }
        return .json(["kind": "NamespaceList", "apiVersion": "v1", "metadata": [:], "items": []])
    }

    /// No answer but this error.
    static func failing(
        _ layer: HTTPTransportError.Layer,
        code: Int32 = 0,
        systemCode: Int32 = 0
    ) -> Answer {
        { _ in .failure(HTTPTransportError(layer: layer, code: code, message: "no luck", systemCode: systemCode)) }
    }

    /// This status for everything.
    static func status(_ code: Int, _ reason: String, _ message: String = "") -> Answer {
        { _ in .status(code, reason: reason, message: message) }
    }
}

/// Moves to the next answer with each `/readyz`.
private final class AnswerQueue: Sendable {
    private let answers: [MemberScene.Answer]
    private let position = Mutex(-1)

    init(_ answers: [MemberScene.Answer]) {
        self.answers = answers
    }

    func answer(_ request: HTTPRequest) throws -> ScriptedAnswer {
        let index = position.withLock { position in
            if request.url.contains("/readyz") { position = min(position + 1, answers.count - 1) }
            return max(position, 0)
        }
        return try answers[index](request)
    }
}
