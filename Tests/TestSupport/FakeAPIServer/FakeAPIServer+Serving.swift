import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import Synchronization
import Timekeeping

extension FakeAPIServer {
    /// Does one request, with all that is to go wrong with it.
    func serve(_ httpRequest: HTTPRequest, identity: String) async throws -> HTTPStream {
        let now = timeSource.now()
        let request = state.withLock { state in
            let request = FakeRequest(httpRequest, identity: identity, number: state.log.count + 1, time: now)
            state.log.append(FakeLogEntry(request: request))
            return request
        }
        let (fault, before, after) = state.withLock { state in
            (Self.takeFault(&state, request), state.before, state.after)
        }
        if let reply = try await interfere(fault, request) { return finish(request, reply) }
        for hook in before {
            if let reply = try await hook(request) { return finish(request, reply) }
        }
        guard !state.withLock({ $0.isDown }) else { throw FakeFault.refused }
        var (reply, watcher) = apply(request)
        state.withLock { $0.log[request.number - 1].status = reply.status }
        switch fault {
        case .loseReply: throw FakeFault.lost
        case .delayReply(let duration): try await timeSource.sleep(for: duration)
        case .hangAfterApplying: try await Latch().wait()
        default: break
        }
        for hook in after { reply = try await hook(request, reply) }
        return finish(request, reply, watcher)
    }

    private static func takeFault(_ state: inout State, _ request: FakeRequest) -> FakeFault? {
        guard let index = state.faults.firstIndex(where: { $0.applies(request) }) else { return nil }
        let fault = state.faults[index].fault
        state.faults[index].remaining -= 1
        if state.faults[index].remaining <= 0 { state.faults.remove(at: index) }
        return fault
    }

    /// What a fault does before the request arrives.
    private func interfere(_ fault: FakeFault?, _ request: FakeRequest) async throws -> FakeReply? {
        switch fault {
        case .refuse: throw FakeFault.refused
        case .answer(let reply): return reply
        case .delay(let duration): try await timeSource.sleep(for: duration)
        case .hang: try await Latch().wait()
        case .loseReply, .delayReply, .hangAfterApplying, nil: break
        }
        return nil
    }

    private func finish(_ request: FakeRequest, _ reply: FakeReply, _ watcher: FakeWatcher? = nil) -> HTTPStream {
        let chunkBytes = state.withLock { state in
            state.log[request.number - 1].status = reply.status
            state.log[request.number - 1].wasAnswered = true
            return state.maxChunkBytes
        }
        let body: HTTPBody
        if let watcher {
            body = HTTPBody(source: watcher)
        } else {
            body = HTTPBody(Self.cut(reply.body, chunkBytes))
        }
        return HTTPStream(status: reply.status, headers: reply.headers, body: body)
    }

    private static func cut(_ bytes: [UInt8], _ size: Int) -> [[UInt8]] {
        guard bytes.count > size else { return bytes.isEmpty ? [] : [bytes] }
        return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
    }

    /// Does the request.
    private func apply(_ request: FakeRequest) -> (FakeReply, FakeWatcher?) {
        if let target = request.target, request.isWatch { return openWatch(request, target) }
        let wallTime = timeSource.wallTime()
        let allowsAccess = state.withLock { $0.allowsAccess }
        let reply = change { database in
            if request.target?.collection.plural.hasSuffix("accessreviews") == true {
                var review = request.json
                review.set(.bool(allowsAccess(review["spec"] ?? .null)), at: ["status", "allowed"])
                return FakeReply(status: 201, review)
            }
            return database.handle(request, now: wallTime)
        }
        return (reply, nil)
    }

    private func openWatch(_ request: FakeRequest, _ target: FakeTarget) -> (FakeReply, FakeWatcher?) {
        let seconds = Int(request.query["timeoutSeconds"] ?? "")
        let now = timeSource.now()
        return state.withLock { state in
            let asked = Int(request.query["resourceVersion"] ?? "") ?? 0
            var progress = FakeWatcher.Progress(cursor: asked)
            let selector = FakeSelector(namespace: target.namespace, query: request.query)
            if asked == 0 {
                progress.cursor = state.frozenAt ?? state.database.version
                progress.initial = state.database.list(target.collection, selector)
            } else if asked < state.database.compactedVersion {
                // As real servers do: the watch is accepted, and its only event says that it is too old.
                let status = FakeReply.statusObject(410, "Expired", "too old resource version: \(asked)")
                progress.extras = [.bytes(JSONValue.object(["type": "ERROR", "object": status]).serialized())]
                progress.cursor = Int.max
                progress.end = .closed
            }
            let deadline = state.honoursWatchTimeouts ? seconds.map { now.advanced(by: .seconds($0)) } : nil
            let watcher = FakeWatcher(
                server: self,
                target: target,
                query: request.query,
                progress: progress,
                deadline: deadline
            )
            state.watchers.append(watcher)
            return (FakeReply(status: 200, body: []), watcher)
        }
    }

    /// The next bytes of a watch; none when there is nothing new.
    func takeBytes(for watcher: FakeWatcher) -> [UInt8] {
        state.withLock { state in
            watcher.progress.withLock { progress in
                if progress.unsent.isEmpty {
                    let visible = min(state.visibleVersion, progress.lastVisible)
                    // A frozen watch sends nothing at all, not even a bookmark.
                    if state.frozenAt != nil, progress.cursor >= visible, progress.cursor != Int.max { return [] }
                    progress.unsent = FakeWatcher.render(&progress, watcher, state.database, visible: visible)
                }
                let chunk = Array(progress.unsent.prefix(state.maxChunkBytes))
                progress.unsent.removeFirst(chunk.count)
                return chunk
            }
        }
    }

    func forget(_ watcher: FakeWatcher) {
        state.withLock { state in state.watchers.removeAll { $0 === watcher } }
    }
}

extension FakeState {
    /// Does one request that is no watch.
    mutating func handle(_ request: FakeRequest, now: Date) -> FakeReply {
        guard let target = request.target else {
            if let reply = discovery(request.path) { return reply }
            switch request.path {
            case "/readyz", "/livez", "/healthz": return FakeReply(status: 200, body: Array("ok".utf8))
            case "/version": return FakeReply(["major": "1", "minor": "30", "gitVersion": "v1.30.0"])
            default: return .failure(404, "NotFound", "the server could not find the requested resource")
            }
        }
        switch (request.verb, target.key) {
        case (.get, let key?): return get(request, target, key)
        case (.list, nil): return list(request, target)
        case (.create, nil): return create(request, target, now: now)
        case (.create, let key?): return createSubresource(request, target, key, now: now)
        case (.update, let key?): return update(request, target, key)
        case (.patch, let key?): return patch(request, target, key, now: now)
        case (.delete, let key?): return delete(request, target, key, now: now)
        case (.deleteCollection, nil): return deleteCollection(request, target, now: now)
        default: return .failure(405, "MethodNotAllowed", "\(request.method) \(request.path)")
        }
    }

    private mutating func createSubresource(
        _ request: FakeRequest,
        _ target: FakeTarget,
        _ key: ObjectKey,
        now: Date
    ) -> FakeReply {
        switch target.subresource {
        case "eviction":
            return delete(request, target, key, now: now)
        case "token":
            var reply = request.json
            reply.set(.string("token-of-\(key.name)-\(nextUID)"), at: ["status", "token"])
            reply.set(
                .string(Timestamp.format(now.addingTimeInterval(3600)) ?? ""),
                at: ["status", "expirationTimestamp"]
            )
            return FakeReply(status: 201, reply)
        default:
            return .failure(404, "NotFound", "no subresource \(target.subresource ?? "")")
        }
    }
}
