import FoundationEssentials
import Glibc
import HTTPServer
import JSON
import ProcessSignals
import SandboxServer
import Telemetry
import Timekeeping
import YAML

/// The sandbox as a program: options in, the server set up and run until the process is ended.
struct SandboxProgram {
    /// The version that `--version` shows.
    static let version = "0.1.0"

    /// Something that the command line names cannot be used.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let options: SandboxOptions
    private let timeSource = SystemTimeSource()
    private let logger: Logger

    init(options: SandboxOptions) {
        self.options = options
        logger = Logger(level: options.logLevel, timeSource: timeSource)
    }

    /// Runs until SIGTERM or SIGINT; a second one ends the process at once.
    ///
    /// - Throws: `Failure`; `HTTPServerError` when the address cannot be bound.
    func run() async throws {
        let server = SandboxServer(configuration: options.configuration, timeSource: timeSource, logger: logger)
        for definition in try definitions() { try await install(definition, in: server) }
        try server.start()
        try SignalTrap.catchSignals { [logger] signal in
            logger.info("stopping", ["signal": String(signal)])
            server.stop()
        }
        if let path = options.kubeconfig { try writeKubeconfig(to: path, address: server.address) }
        logger.info("serving, for trying and testing only", ["url": "http://\(server.address)"])
        try await server.run()
        logger.info("stopped")
    }

    /// The objects in the files of `--crds`, in the order of the files' names.
    private func definitions() throws(Failure) -> [JSONValue] {
        guard let directory = options.definitions else { return [] }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted().filter { name in
                ["yaml", "yml", "json"].contains { name.hasSuffix(".\($0)") }
            }
            return try names.flatMap { name in
                let path = "\(directory)/\(name)"
                return try YAMLDocument.parseAll(
                    [UInt8](Data(contentsOf: URL(filePath: path))),
                    source: path,
                    limits: YAMLLimits(maxNodes: 1_000_000, maxBytes: 16 << 20)
                )
            }
        } catch {
            throw Failure(description: "--crds \(directory): \(error)")
        }
    }

    /// Creates a CustomResourceDefinition by a request, so that it is checked as everybody's.
    private func install(_ definition: JSONValue, in server: SandboxServer) async throws(Failure) {
        var headers = [HTTPServerHeader(name: "Content-Type", value: "application/json")]
        if let token = options.configuration.token {
            headers.append(HTTPServerHeader(name: "Authorization", value: "Bearer \(token)"))
        }
        let response = await server.handle(
            HTTPServerRequest(
                method: "POST",
                path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                headers: headers,
                body: definition.serialized()
            )
        )
        guard response.status == 201 else {
            let name = definition["metadata"]?["name"]?.stringValue ?? "?"
            let text = String(decoding: response.body, as: UTF8.self)
            throw Failure(description: "--crds: \(name): \(text)")
        }
    }

    /// Writes beside the file and renames, so that who waits for it finds it whole; only the owner may read it.
    private func writeKubeconfig(to path: String, address: String) throws(Failure) {
        let temporary = "\(path).\(getpid())"
        let isWritten = FileManager.default.createFile(
            atPath: temporary,
            contents: Data(YAMLDocument.emit(kubeconfig(address: address)).utf8),
            attributes: [.posixPermissions: 0o600]
        )
        guard isWritten, unsafe rename(temporary, path) == 0 else {
            throw Failure(description: "cannot write --write-kubeconfig \(path)")
        }
    }

    private func kubeconfig(address: String) -> JSONValue {
        let user: JSONValue = options.configuration.token.map { ["token": .string($0)] } ?? [:]
        return [
            "apiVersion": "v1", "kind": "Config", "current-context": "sandbox",
            "clusters": [["name": "sandbox", "cluster": ["server": .string("http://\(address)")]]],
            "users": [["name": "sandbox", "user": user]],
            "contexts": [
                ["name": "sandbox", "context": ["cluster": "sandbox", "user": "sandbox", "namespace": "default"]]
            ],
        ]
    }
}
