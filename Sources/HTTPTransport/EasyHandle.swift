internal import CCurl

/// One libcurl easy handle with everything it points to: callback table, error text, header list, TLS material, share.
///
/// It lives on the loop's thread and serves one transfer after the other, because making one costs more than a request.
@safe
final class EasyHandle {
    /// The handle's address, as libcurl reports it.
    typealias ID = UInt

    let pointer: OpaquePointer
    /// What the callbacks work on; set while the handle is in the multi handle.
    var transfer: Transfer?
    private let share: ShareHandle
    private let material: SecurityMaterial
    private let callbacks: UnsafeMutablePointer<ccurl_callbacks>
    private let errorText: UnsafeMutableBufferPointer<CChar>
    private var lists: [OpaquePointer]

    init(material: SecurityMaterial) throws(HTTPTransportError) {
        let share = try ShareHandle()
        guard let pointer = unsafe ccurl_easy_init() else {
            throw HTTPTransportError(layer: .local, function: "curl_easy_init", message: "out of memory")
        }
        unsafe self.pointer = pointer
        unsafe lists = []
        self.share = share
        self.material = material
        unsafe callbacks = .allocate(capacity: 1)
        unsafe errorText = .allocate(capacity: ccurl_error_buffer_size())
        unsafe errorText.initialize(repeating: 0)
        unsafe callbacks.initialize(
            to: ccurl_callbacks(
                context: nil,
                body: onBody,
                header: onHeader,
                will_send: onWillSend,
                may_connect: onMayConnect,
                read: onRead,
                has_begun_tls: 0
            )
        )
        unsafe callbacks.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        try check(unsafe ccurl_easy_set_defaults(pointer, errorText.baseAddress))
        try check(unsafe ccurl_easy_set_callbacks(pointer, callbacks))
        try check(unsafe share.attach(to: pointer))
        try material.apply(to: self)
    }

    deinit {
        unsafe ccurl_easy_cleanup(pointer)
        while let list = unsafe lists.popLast() { unsafe ccurl_list_free(list) }
        unsafe callbacks.deallocate()
        unsafe errorText.deallocate()
    }

    /// The handle's address, as libcurl reports it.
    var id: ID {
        unsafe ID(bitPattern: pointer)
    }

    /// Whether libcurl began a TLS handshake; also with a proxy, when that is reached by TLS.
    var hasBegunTLS: Bool {
        unsafe callbacks.pointee.has_begun_tls != 0
    }

    /// What libcurl wrote about the last failure; empty when it wrote nothing.
    var lastErrorText: String {
        guard let start = unsafe errorText.baseAddress else { return "" }
        return unsafe String(cString: start)
    }

    /// The system's file of trusted certificates.
    var systemAuthorityFile: String? {
        guard let path = unsafe ccurl_easy_system_authority_file(pointer) else { return nil }
        return unsafe String(cString: path)
    }

    func set(_ option: CCurlLongOption, _ value: Int) throws(HTTPTransportError) {
        try check(unsafe ccurl_easy_set_long(pointer, option, value))
    }

    func set(_ option: CCurlStringOption, _ value: String?) throws(HTTPTransportError) {
        try check(unsafe ccurl_easy_set_string(pointer, option, value))
    }

    /// Sets a list of lines; libcurl borrows it until `clear`.
    func set(_ option: CCurlListOption, _ lines: [String]) throws(HTTPTransportError) {
        var list: OpaquePointer?
        for line in lines {
            guard let longer = unsafe ccurl_list_append(list, line) else {
                unsafe ccurl_list_free(list)
                throw HTTPTransportError(layer: .local, function: "curl_slist_append", message: "out of memory")
            }
            unsafe list = longer
        }
        if let list = unsafe list { unsafe lists.append(list) }
        try check(unsafe ccurl_easy_set_list(pointer, option, list))
    }

    /// Sets TLS material that must outlive the handle.
    func setBlob(_ option: CCurlBlobOption, _ bytes: UnsafeRawBufferPointer) throws(HTTPTransportError) {
        try check(unsafe ccurl_easy_set_blob(pointer, option, bytes.baseAddress, bytes.count))
    }

    /// Sets the body, which libcurl copies.
    func setBody(_ body: [UInt8]) throws(HTTPTransportError) {
        let code = unsafe body.withUnsafeBytes { bytes in
            unsafe ccurl_easy_set_body(pointer, bytes.baseAddress ?? UnsafeRawPointer(callbacks), Int64(bytes.count))
        }
        try check(code)
    }

    /// Makes the handle one for a mail; it is not to be used for a request afterwards.
    func setMail(requiresTLS: Bool) throws(HTTPTransportError) {
        try check(unsafe ccurl_easy_set_mail(pointer, callbacks, requiresTLS ? 1 : 0))
    }

    /// Goes on with a paused transfer.
    func resume() throws(HTTPTransportError) {
        try check(unsafe ccurl_easy_resume(pointer), "curl_easy_pause")
    }

    func fact(_ info: CCurlLongInfo) -> Int {
        unsafe ccurl_easy_get_long(pointer, info)
    }

    func time(_ info: CCurlTimeInfo) -> Duration {
        .microseconds(unsafe ccurl_easy_get_time(pointer, info))
    }

    /// Gives up what belonged to the last request.
    func clear() throws(HTTPTransportError) {
        transfer = nil
        unsafe errorText[0] = 0
        unsafe callbacks.pointee.has_begun_tls = 0
        try check(unsafe ccurl_easy_set_list(pointer, .header, nil))
        try check(unsafe ccurl_easy_set_list(pointer, .connectTo, nil))
        while let list = unsafe lists.popLast() { unsafe ccurl_list_free(list) }
        try check(unsafe ccurl_easy_set_body(pointer, nil, 0))
    }

    private func check(_ code: Int32, _ function: String = "curl_easy_setopt") throws(HTTPTransportError) {
        try CurlLibrary.check(code, function)
    }
}

private func handle(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<EasyHandle>.fromOpaque(context).takeUnretainedValue().transfer
}

private func onBody(
    _ context: UnsafeMutableRawPointer?,
    _ bytes: UnsafeRawPointer?,
    _ count: Int
) -> CCurlWriteResult {
    guard let transfer = unsafe handle(context) else { return .abort }
    return unsafe transfer.receive(UnsafeRawBufferPointer(start: bytes, count: count))
}

private func onHeader(_ context: UnsafeMutableRawPointer?, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int32 {
    guard let transfer = unsafe handle(context) else { return 0 }
    return unsafe transfer.receiveHeader(UnsafeRawBufferPointer(start: bytes, count: count)) ? 1 : 0
}

private func onWillSend(_ context: UnsafeMutableRawPointer?) -> Int32 {
    guard let transfer = unsafe handle(context) else { return 0 }
    return transfer.willSend() ? 1 : 0
}

private func onMayConnect(_ context: UnsafeMutableRawPointer?, _ address: UnsafePointer<CChar>?) -> Int32 {
    guard let transfer = unsafe handle(context), let address = unsafe address else { return 0 }
    return unsafe transfer.mayConnect(String(cString: address)) ? 1 : 0
}

private func onRead(_ context: UnsafeMutableRawPointer?, _ bytes: UnsafeMutableRawPointer?, _ room: Int) -> Int {
    guard let transfer = unsafe handle(context) else { return 0 }
    return unsafe transfer.readMail(into: UnsafeMutableRawBufferPointer(start: bytes, count: room))
}
