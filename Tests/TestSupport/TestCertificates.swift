import Glibc

/// A certificate with its key, PEM.
public struct TestIdentity: Sendable {
    /// The certificate.
    public var certificate: [UInt8]
    /// The key.
    public var key: [UInt8]
}

/// An authority made by the openssl command for one test run.
public struct TestAuthority: Sendable {
    /// The authority's certificate and key.
    public let identity: TestIdentity

    /// Makes an authority of that name.
    public init(name: String) throws {
        let directory = try TemporaryDirectory()
        identity = try directory.make(
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
            subject: name,
            extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"]
        )
    }

    /// Makes a certificate for a server with these names ("DNS:name", "IP:address") or a client without any.
    public func issue(_ subject: String, names: [String] = []) throws -> TestIdentity {
        let directory = try TemporaryDirectory()
        let authority = try directory.write(identity.certificate, as: "ca.pem")
        let authorityKey = try directory.write(identity.key, as: "ca.key")
        return try directory.make(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-CA", authority, "-CAkey", authorityKey,
            ],
            subject: subject,
            extensions: ["basicConstraints=CA:FALSE"]
                + (names.isEmpty ? [] : ["subjectAltName=" + names.joined(separator: ",")])
        )
    }
}

/// A directory that is removed when nobody holds it any more.
public final class TemporaryDirectory: Sendable {
    /// Where it is.
    public let path: String

    /// Makes an empty directory.
    public init() throws {
        var template = Array("/tmp/tmc-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw LoopbackError(message: "no temporary directory: errno \(errno)")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        _ = try? run("rm", ["-rf", path])
    }

    /// Writes a file and returns its path.
    public func write(_ bytes: [UInt8], as name: String) throws -> String {
        let file = "\(path)/\(name)"
        guard let stream = unsafe fopen(file, "w") else { throw LoopbackError(message: "cannot write \(file)") }
        defer { unsafe fclose(stream) }
        guard unsafe fwrite(bytes, 1, bytes.count, stream) == bytes.count else {
            throw LoopbackError(message: "cannot write \(file)")
        }
        return file
    }

    /// Reads a file.
    public func read(_ name: String) throws -> [UInt8] {
        let file = "\(path)/\(name)"
        guard let stream = unsafe fopen(file, "r") else { throw LoopbackError(message: "cannot read \(file)") }
        defer { unsafe fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe fread(&bytes, 1, bytes.count, stream)
        return Array(bytes.prefix(count))
    }

    /// Runs openssl and reads the certificate and key that it made.
    fileprivate func make(_ arguments: [String], subject: String, extensions: [String]) throws -> TestIdentity {
        let outputs = ["-keyout", "\(path)/key.pem", "-out", "\(path)/certificate.pem", "-subj", "/CN=\(subject)"]
        try run("openssl", arguments + outputs + extensions.flatMap { ["-addext", $0] })
        return TestIdentity(certificate: try read("certificate.pem"), key: try read("key.pem"))
    }
}

/// Runs a command to its end without its output.
private func run(_ command: String, _ arguments: [String]) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
        unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var words: [UnsafeMutablePointer<CChar>?] = unsafe ([command] + arguments).map { unsafe strdup($0) } + [nil]
    defer { while let word = unsafe words.popLast() { unsafe free(word) } }
    var child = pid_t()
    guard unsafe posix_spawnp(&child, command, &actions, nil, &words, environ) == 0 else {
        throw LoopbackError(message: "cannot run \(command)")
    }
    var status: Int32 = 0
    while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else { throw LoopbackError(message: "\(command) failed: \(status)") }
}
