internal import CCurl

/// The connection and the TLS sessions of one ``EasyHandle``, kept apart from those of all others.
@safe
final class ShareHandle {
    private let pointer: OpaquePointer

    init() throws(HTTPTransportError) {
        guard let pointer = unsafe ccurl_share_init() else {
            throw HTTPTransportError(layer: .local, function: "curl_share_init", message: "out of memory")
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe ccurl_share_cleanup(pointer)
    }

    /// Makes a handle use the share; returns libcurl's code.
    func attach(to easy: OpaquePointer) -> Int32 {
        unsafe ccurl_easy_set_share(easy, pointer)
    }
}
