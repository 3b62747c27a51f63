import Synchronization

/// A body whose chunks are all there.
final class ReadyChunks: HTTPBodySource {
    private let chunks: Mutex<ArraySlice<[UInt8]>>

    init(_ chunks: [[UInt8]]) {
        self.chunks = Mutex(chunks.filter { !$0.isEmpty }[...])
    }

    func next() async throws -> [UInt8]? {
        try Task.checkCancellation()
        return chunks.withLock { $0.popFirst() }
    }

    func cancel() {
        chunks.withLock { $0 = [] }
    }
}
