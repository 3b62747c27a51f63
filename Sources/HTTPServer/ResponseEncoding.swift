import FoundationEssentials
import Glibc

extension HTTPServerResponse {
    /// An answer that says nothing but the status.
    public static func plain(_ status: Int) -> HTTPServerResponse {
        text("\(status) \(reason(status))\n", status: status)
    }

    /// The bytes to send; of an answer with a stream only those before its body.
    ///
    /// Headers that would break the framing are left out: the server's own, and those with control characters.
    func encoded(date: Date, keepsAlive: Bool, isHead: Bool, isChunked: Bool = false) -> [UInt8] {
        let status = (200...599).contains(status) ? status : 500
        let hasBody = status != 204 && status != 304
        var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\nDate: \(Self.httpDate(date))\r\n"
        for header in headers where header.isSendable { head += "\(header.name): \(header.value)\r\n" }
        if stream != nil {
            if isChunked { head += "Transfer-Encoding: chunked\r\n" }
        } else if hasBody {
            head += "Content-Length: \(body.count)\r\n"
        }
        if !keepsAlive { head += "Connection: close\r\n" }
        head += "\r\n"
        return hasBody && !isHead && stream == nil ? Array(head.utf8) + body : Array(head.utf8)
    }

    private static func reason(_ status: Int) -> String {
        reasons[status] ?? "Status"
    }

    private static let reasons = [
        200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 304: "Not Modified", 400: "Bad Request",
        401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
        409: "Conflict", 410: "Gone", 413: "Content Too Large", 415: "Unsupported Media Type",
        422: "Unprocessable Content", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
        500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable", 504: "Gateway Timeout",
        505: "HTTP Version Not Supported",
    ]

    /// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
    static func httpDate(_ date: Date) -> String {
        // Outside this range the format has no name for it: year 1 to 9999.
        var seconds = time_t(min(max(date.timeIntervalSince1970, -62_135_596_800), 253_402_300_799))
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return "Thu, 01 Jan 1970 00:00:00 GMT" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = days[Int(unsafe parts.tm_wday) % 7]
        let month = months[Int(unsafe parts.tm_mon) % 12]
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded($0, 2) }.joined(separator: ":")
        let date = unsafe "\(padded(parts.tm_mday, 2)) \(month) \(padded(parts.tm_year + 1900, 4))"
        return "\(day), \(date) \(time) GMT"
    }

    private static func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
}

extension HTTPServerHeader {
    fileprivate var isSendable: Bool {
        !["content-length", "connection", "date", "transfer-encoding", "keep-alive"].contains(name.lowercased())
            && !name.isEmpty && name.utf8.allSatisfy(ASCII.isToken) && value.utf8.allSatisfy(ASCII.isText)
    }
}
