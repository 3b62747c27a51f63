import Glibc

/// Why a file could not be read.
public struct FileReadError: Error, Sendable, CustomStringConvertible {
    /// The path as it was asked for.
    public let path: String
    /// The `errno`, or 0 when the file was read and refused.
    public let code: Int32
    /// What happened, for people.
    public let message: String

    /// Whether there is no such file.
    public var isMissing: Bool { code == ENOENT }

    /// Path and cause.
    public var description: String { "\(path): \(message)" }
}

/// Reads kubeconfigs, tokens and certificates.
///
/// The read happens on the calling thread, on purpose: these files hold a few kilobytes, live on local disks or in
/// memory (projected volumes), and are read at most once in some ten seconds.
enum SmallFile {
    /// The largest file that is read; what is larger is none of the files meant here.
    static let maxBytes = 1 << 20

    /// The whole content of the file at `path`.
    static func read(_ path: String) throws(FileReadError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileReadError(path: path, errno: errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileReadError(path: path, errno: errno)
            }
            content += chunk.prefix(count)
            if content.count > maxBytes {
                throw FileReadError(path: path, code: 0, message: "larger than \(maxBytes) bytes")
            }
        }
    }
}

extension FileReadError {
    /// Words for an `errno` of a call on `path`.
    init(path: String, errno code: Int32) {
        self.init(path: path, code: code, message: SystemCall.text(code))
    }
}

/// Words for the results of system calls.
enum SystemCall {
    /// The text of an `errno`, without the shared buffer of `strerror`.
    static func text(_ code: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 128)
        unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = unsafe bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return }
            // Too long a text is cut, an unknown code has a text too: the result tells nothing more.
            _ = unsafe strerror_r(code, start, bytes.count)
        }
        let text = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        return text.isEmpty ? "error \(code)" : text
    }
}
