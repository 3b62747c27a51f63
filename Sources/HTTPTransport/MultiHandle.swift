internal import CCurl

/// The multi handle that drives all transfers of one transport.
///
/// Only the loop's thread calls it, but for `wakeUp`, which libcurl allows from any thread: hence the unchecked Sendable.
/// The thread and everybody who may wake it hold it, so it is freed when nobody can call it any more.
@safe
final class MultiHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    init() throws(HTTPTransportError) {
        guard let pointer = unsafe ccurl_multi_init() else {
            throw HTTPTransportError(
                layer: .local,
                function: "curl_multi_init",
                message: "out of memory or descriptors"
            )
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe ccurl_multi_cleanup(pointer)
    }

    /// Ends the current or next `poll`; false when libcurl could not.
    func wakeUp() -> Bool {
        unsafe ccurl_multi_wakeup(pointer) == 0
    }

    func add(_ easy: EasyHandle) throws(HTTPTransportError) {
        try CurlLibrary.checkMulti(unsafe ccurl_multi_add(pointer, easy.pointer), "curl_multi_add_handle")
    }

    func remove(_ easy: EasyHandle) throws(HTTPTransportError) {
        try CurlLibrary.checkMulti(unsafe ccurl_multi_remove(pointer, easy.pointer), "curl_multi_remove_handle")
    }

    /// Does all that can be done without waiting.
    func perform() throws(HTTPTransportError) {
        try CurlLibrary.checkMulti(unsafe ccurl_multi_perform(pointer), "curl_multi_perform")
    }

    /// Waits for work, a wake-up or the end of the time.
    func poll(milliseconds: Int32) throws(HTTPTransportError) {
        try CurlLibrary.checkMulti(unsafe ccurl_multi_poll(pointer, milliseconds), "curl_multi_poll")
    }

    /// The next transfer that is done, with its code.
    func nextDone() -> (easy: EasyHandle.ID, code: Int32)? {
        var code: Int32 = 0
        guard let easy = unsafe ccurl_multi_next_done(pointer, &code) else { return nil }
        return (EasyHandle.ID(bitPattern: easy), code)
    }
}
