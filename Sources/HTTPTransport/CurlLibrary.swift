internal import CCurl
import Glibc

/// Makes writes to a closed connection return an error instead of ending the process.
///
/// A transport does it for itself; a program that writes to sockets or pipes of its own calls it first thing in main.
public func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
}

/// The one initialisation of libcurl in this process, and its return codes as errors.
enum CurlLibrary {
    private static let startCode = ccurl_global_init()

    /// Initialises libcurl when that has not happened.
    static func start() throws(HTTPTransportError) {
        try check(startCode, "curl_global_init")
    }

    /// Throws unless `code` says that an easy call worked.
    static func check(_ code: Int32, _ function: String) throws(HTTPTransportError) {
        guard code != 0 else { return }
        throw HTTPTransportError(layer: .local, code: code, function: function, message: text(code))
    }

    /// Throws unless `code` says that a multi call worked.
    static func checkMulti(_ code: Int32, _ function: String) throws(HTTPTransportError) {
        guard code != 0 else { return }
        let message = unsafe String(cString: ccurl_multi_text(code))
        throw HTTPTransportError(layer: .local, code: code, function: function, message: message)
    }

    /// libcurl's text for an easy code.
    static func text(_ code: Int32) -> String {
        unsafe String(cString: ccurl_easy_text(code))
    }
}
