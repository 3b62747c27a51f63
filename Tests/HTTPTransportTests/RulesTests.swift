import CCurl
import Glibc
import Testing

@testable import HTTPTransport

/// The pure rules under the transport, as tables.
struct RulesTests {
    @Test(arguments: [
        (CCurlFailure.nameResolution, TransferProgress(), HTTPTransportError.Layer.dns),
        (.connect, TransferProgress(isResolved: true), .tcp),
        (.connect, TransferProgress(isResolved: true, proxyScheme: "http"), .proxy),
        (.timeout, TransferProgress(), .timeout(.dns)),
        (.timeout, TransferProgress(isResolved: true), .timeout(.tcp)),
        (.timeout, TransferProgress(isResolved: true, hasBegunTLS: true), .timeout(.tls)),
        (.timeout, TransferProgress(isResolved: true, hasBegunTLS: true, wasSent: true), .timeout(.http)),
        (.timeout, TransferProgress(proxyScheme: "socks5"), .timeout(.proxy)),
        (.timeout, TransferProgress(isResolved: true, hasBegunTLS: true, proxyScheme: "socks5"), .timeout(.tls)),
        (.timeout, TransferProgress(isResolved: true, hasBegunTLS: true, proxyScheme: "https"), .timeout(.proxy)),
        (
            .timeout, TransferProgress(isResolved: true, hasBegunTLS: true, proxyScheme: "https", proxyStatus: 200),
            .timeout(.tls)
        ), (.transfer, TransferProgress(isResolved: true, proxyScheme: "http", proxyStatus: 407), .proxy),
        (.transfer, TransferProgress(wasSent: true), .http), (.request, TransferProgress(), .url),
        (.request, TransferProgress(wasSent: true), .http), (.security, TransferProgress(hasBegunTLS: true), .tls),
        (.local, TransferProgress(), .local),
    ])
    func `a failure is blamed on the layer it happened in`(
        failure: CCurlFailure,
        progress: TransferProgress,
        layer: HTTPTransportError.Layer
    ) {
        #expect(progress.layer(for: failure) == layer)
    }

    @Test(arguments: [
        ("https://10.0.0.1:6443/a?b", "k8s", "https://k8s:6443/a?b", "k8s:6443:10.0.0.1:6443", "10.0.0.1:6443"),
        ("https://host", "k8s", "https://k8s:443", "k8s:443:host:443", "host"),
        ("HTTPS://host:/x", "k8s", "https://k8s:443/x", "k8s:443:host:443", "host:"),
        ("https://[::1]:1/x", "k8s", "https://k8s:1/x", "k8s:1:[::1]:1", "[::1]:1"),
        ("https://[::1]?x", "fd00::1", "https://[fd00::1]:443?x", "[fd00::1]:443:[::1]:443", "[::1]"),
        ("https://u:p@host/@x", "k8s", "https://u:p@k8s:443/@x", "k8s:443:host:443", "host"),
    ])
    func `a server name changes what TLS sees and nothing else`(
        url: String,
        name: String,
        rewritten: String,
        connectTo: String,
        host: String
    ) throws {
        let other = try #require(ServerNameOverride(url: url, serverName: name))
        #expect(other.url == rewritten)
        #expect(other.connectTo == connectTo)
        #expect(other.hostHeader == host)
    }

    @Test(arguments: ["http://host", "https://", "https://:1", "https://[::1", "https://h:x", "https://h:70000", ""])
    func `a URL that no server name fits is left to libcurl`(url: String) {
        #expect(ServerNameOverride(url: url, serverName: "k8s") == nil)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", HeaderLine.status(200)), ("HTTP/1.1 503\r\n", .status(503)),
        ("HTTP/2 200 \n", .status(200)),
        ("HTTP/1.1\r\n", .invalid), ("HTTP/1.1 20x OK\r\n", .invalid), ("HTTP/1.1 2000\r\n", .invalid), ("\r\n", .end),
        ("A: b \r\n", .field(HTTPHeader(name: "A", value: "b"))), ("A:\r\n", .field(HTTPHeader(name: "A", value: ""))),
        ("A:b:c\r\n", .field(HTTPHeader(name: "A", value: "b:c"))), (" folded: x\r\n", .ignored), (": x\r\n", .ignored),
        ("nothing\r\n", .ignored),
    ])
    func `a header line is read`(text: String, line: HeaderLine) {
        let read = unsafe Array(text.utf8).withUnsafeBytes { unsafe HeaderLine($0) }
        #expect(read == line)
    }

    @Test(arguments: [
        ("http://h:1/a/b", "http://h:1"), ("http://h", "http://h"), ("https://h?x/y", "https://h"),
        ("http://h#/", "http://h"),
        ("", ""), ("x", "x"),
    ])
    func `connections belong to an origin`(url: String, origin: String) {
        #expect(ConnectionPool.Key(HTTPRequest(url: url)).origin == origin)
    }

    @Test(arguments: [
        (Duration.zero, Int32(1)), (.seconds(-5), 1), (.nanoseconds(1), 1), (.milliseconds(2), 2),
        (.microseconds(2001), 3), (.seconds(3), 3000), (.seconds(Int64.max), .max), (.seconds(2_147_483), .max),
    ])
    func `a duration never becomes zero or overflows in libcurl's units`(duration: Duration, milliseconds: Int32) {
        #expect(duration.wholeMilliseconds == milliseconds)
    }

    @Test func `a broken pipe is an error and not the end`() async {
        await #expect(processExitsWith: .success) {
            ignoreBrokenPipes()
            var ends: [Int32] = [-1, -1]
            try #require(unsafe pipe(&ends) == 0)
            close(ends[0])
            #expect(unsafe write(ends[1], "x", 1) == -1)
            #expect(errno == EPIPE)
        }
    }
}
