/// The request line and headers of one request, checked.
struct RequestHead {
    /// How the end of the body is found.
    enum Framing: Equatable {
        case none
        case sized(Int)
        case chunked
    }

    /// The methods that handlers may see; others are answered 501, and these but two are everything that HTTP defines.
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    /// Methods that HTTP defines and no server here supports.
    private static let refusedMethods: Set<String> = ["CONNECT", "TRACE"]

    private(set) var request: HTTPServerRequest
    /// Whether the client speaks HTTP/1.0.
    let isOld: Bool
    private(set) var framing = Framing.none
    /// Whether the connection stays open after the answer.
    private(set) var keepsAlive: Bool
    /// Whether the client holds the body back until it is told to go on.
    private(set) var expectsContinue = false

    /// Parses a head with all its line ends.
    init(_ bytes: ArraySlice<UInt8>) throws(RequestRejection) {
        var lines = bytes.split(separator: ASCII.lineFeed).map { $0.last == ASCII.carriageReturn ? $0.dropLast() : $0 }[
            ...
        ]
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard let first = lines.popFirst() else { throw .badRequest }
        (request, isOld) = try Self.requestLine(first)
        keepsAlive = !isOld
        for line in lines { request.headers.append(try Self.header(line)) }
        try applyHeaders(isOld: isOld)
    }

    private static func requestLine(
        _ line: ArraySlice<UInt8>
    ) throws(RequestRejection) -> (HTTPServerRequest, isOld: Bool) {
        let words = line.split(separator: ASCII.space, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(ASCII.isToken) else { throw .badRequest }
        let isOld = try isOldVersion(words[2])
        let method = String(decoding: words[0], as: UTF8.self)
        guard !refusedMethods.contains(method) else { throw .methodNotAllowed }
        guard methods.contains(method) else { throw .notImplemented }
        guard words[1].allSatisfy({ $0 > ASCII.space && $0 != 0x7f }) else { throw .badRequest }
        var request = try target(words[1], method: method)
        request.method = method
        return (request, isOld)
    }

    /// True for HTTP/1.0, whose connections close unless both sides say otherwise.
    private static func isOldVersion(_ word: ArraySlice<UInt8>) throws(RequestRejection) -> Bool {
        let prefix = Array("HTTP/".utf8)
        guard word.count == 8, word.starts(with: prefix) else { throw .badRequest }
        let version = Array(word.dropFirst(prefix.count))
        guard ASCII.isDigit(version[0]), version[1] == UInt8(ascii: "."), ASCII.isDigit(version[2]) else {
            throw .badRequest
        }
        guard version[0] == UInt8(ascii: "1") else { throw .versionNotSupported }
        return version[2] == UInt8(ascii: "0")
    }

    /// "/path?query", the same after "http://host", or "*".
    private static func target(_ word: ArraySlice<UInt8>, method: String) throws(RequestRejection) -> HTTPServerRequest
    {
        var word = word
        if method == "OPTIONS", word.elementsEqual("*".utf8) { return HTTPServerRequest(path: "*") }
        for scheme in ["http://", "https://"] where word.starts(with: scheme.utf8) {
            word = word.dropFirst(scheme.utf8.count).drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            if word.first != UInt8(ascii: "/") { word = ArraySlice("/".utf8) + word }
        }
        guard word.first == UInt8(ascii: "/"), !word.contains(UInt8(ascii: "#")) else { throw .badRequest }
        let path = word.prefix { $0 != UInt8(ascii: "?") }
        guard let decoded = ASCII.decode(path) else { throw .badRequest }
        var request = HTTPServerRequest(path: decoded)
        for pair in word.dropFirst(path.count + 1).split(separator: UInt8(ascii: "&")) {
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            guard
                let decodedName = ASCII.decode(name, plusIsSpace: true),
                let value = ASCII.decode(pair.dropFirst(name.count + 1), plusIsSpace: true)
            else { throw .badRequest }
            request.query.append((decodedName, value))
        }
        return request
    }

    private static func header(_ line: ArraySlice<UInt8>) throws(RequestRejection) -> HTTPServerHeader {
        // A blank before the colon or at the start of a line (an old way to fold) is not a token.
        guard let colon = line.firstIndex(of: ASCII.colon), colon > line.startIndex else { throw .badRequest }
        let name = line[..<colon]
        let value = line[(colon + 1)...]
        guard name.allSatisfy(ASCII.isToken), value.allSatisfy(ASCII.isText) else { throw .badRequest }
        let isBlank = { (byte: UInt8) in byte == ASCII.space || byte == ASCII.tab }
        let trimmed = value.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        return HTTPServerHeader(
            name: String(decoding: name, as: UTF8.self),
            value: String(decoding: Array(trimmed), as: UTF8.self)
        )
    }

    // MARK: meaning

    private mutating func applyHeaders(isOld: Bool) throws(RequestRejection) {
        let hosts = request.values(of: "Host")
        guard hosts.count == 1 || (isOld && hosts.isEmpty) else { throw .badRequest }
        let options = request.values(of: "Connection").flatMap { $0.split(separator: ",") }.map(Self.normalised)
        if options.contains("close") {
            keepsAlive = false
        } else if isOld {
            keepsAlive = options.contains("keep-alive")
        }
        expectsContinue =
            !isOld && request.values(of: "Expect").map { Self.normalised($0[...]) }.contains("100-continue")
        framing = try Self.framing(
            codings: request.values(of: "Transfer-Encoding"),
            lengths: request.values(of: "Content-Length"),
            isOld: isOld
        )
    }

    private static func framing(
        codings: [String],
        lengths: [String],
        isOld: Bool
    ) throws(RequestRejection) -> Framing {
        if !codings.isEmpty {
            // Both at once, or a coding where none is defined, has two readings.
            guard lengths.isEmpty, !isOld else { throw .badRequest }
            guard codings.count == 1, normalised(codings[0][...]) == "chunked" else { throw .notImplemented }
            return .chunked
        }
        guard let length = lengths.first else { return .none }
        guard lengths.allSatisfy({ $0 == length }), !length.isEmpty, length.utf8.allSatisfy(ASCII.isDigit) else {
            throw .badRequest
        }
        guard let count = Int(length) else { throw .bodyTooLarge }
        return count == 0 ? .none : .sized(count)
    }

    private static func normalised(_ text: Substring) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }).lowercased()
    }
}

extension HTTPServerRequest {
    /// The value of the first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        values(of: name).first
    }

    /// The value of the first query item of that name.
    public func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    func values(of name: String) -> [String] {
        let name = name.lowercased()
        return headers.filter { $0.name.lowercased() == name }.map(\.value)
    }
}
