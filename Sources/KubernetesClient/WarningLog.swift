import HTTPTransport
import Synchronization
import Telemetry

/// Logs what servers warn of, each text once.
final class WarningLog: Sendable {
    /// More texts than any server has; beyond it, what was logged is forgotten, so that memory stays bounded.
    private static let maxTexts = 1_000

    private let logger: Logger
    private let seen = Mutex<Set<String>>([])

    init(logger: Logger) {
        self.logger = logger
    }

    /// Logs the texts that are new.
    func note(_ warnings: [String]) {
        for text in warnings {
            let isNew = seen.withLock { seen in
                if seen.count >= Self.maxTexts { seen = [] }
                return seen.insert(text).inserted
            }
            if isNew { logger.warning("the API server warns", ["warning": text]) }
        }
    }

    /// The texts of all `Warning: 299 agent "text"` headers (RFC 7234, section 5.5); others are left out.
    static func texts(in headers: [HTTPHeader]) -> [String] {
        // The length first: this is asked of every header of every answer.
        headers.filter { $0.name.utf8.count == 7 && $0.name.lowercased() == "warning" }.flatMap { texts(in: $0.value) }
    }

    /// Reads a list of warnings: code, agent, quoted text, perhaps a quoted date.
    private static func texts(in value: String) -> [String] {
        var texts: [String] = []
        var rest = Substring(value)
        while let code = word(&rest), word(&rest) != nil, let text = quoted(&rest) {
            if code == "299", !text.isEmpty { texts.append(text) }
            guard let comma = rest.firstIndex(of: ",") else { break }
            rest = rest[rest.index(after: comma)...]
        }
        return texts
    }

    private static func word(_ rest: inout Substring) -> Substring? {
        rest = rest.drop { $0 == " " }
        guard let end = rest.firstIndex(of: " ") else { return nil }
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    /// A quoted string with backslash escapes, without control characters.
    private static func quoted(_ rest: inout Substring) -> String? {
        rest = rest.drop { $0 == " " }
        guard rest.popFirst() == "\"" else { return nil }
        var text = ""
        while let character = rest.popFirst() {
            if character == "\"" { return text }
            guard let next = character == "\\" ? rest.popFirst() : character else { return nil }
            text.unicodeScalars += next.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }
        }
        return nil
    }
}
