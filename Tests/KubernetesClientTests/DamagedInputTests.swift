import HTTPTransport
import JSON
import KubernetesCore
import TestSupport
import Testing

@testable import KubernetesClient

/// A small generator of numbers that are the same in every run.
private struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

/// Whatever arrives, the answer is a value or an error, never a trap.
@Suite(.timeLimit(.minutes(1)))
struct DamagedInputTests {
    /// `text` with some bytes changed, left out, doubled or cut off.
    private static func damage(_ text: String, _ random: inout SeededNumbers) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0...Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0...4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(bytes[place], at: place)
            case 3: bytes.removeSubrange(place...)
            default: bytes.swapAt(place, 0)
            }
        }
        return bytes
    }

    @Test("Damaged watch events are read or refused", arguments: [1, 2, 3] as [UInt64])
    func readsDamagedEvents(seed: UInt64) async throws {
        var random = SeededNumbers(state: seed)
        let frame = #"{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":"a","labels":{"k":"\u00e9"}}}}"#
        var refused = 0
        for _ in 1...500 {
            let bytes = Self.damage(frame, &random)
            let feed = StreamFeed()
            feed.send(bytes)
            feed.finish()
            let test = TestClient([.stream(feed)])
            do {
                for try await _ in try await test.client.watch(.pods) {}
            } catch is ClientError {
                refused += 1
            }
        }
        #expect(refused > 100)
    }

    @Test("Damaged lists are read or refused", arguments: [1, 2, 3] as [UInt64])
    func readsDamagedLists(seed: UInt64) async throws {
        var random = SeededNumbers(state: seed)
        let list = #"{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a"}},{}]}"#
        var refused = 0
        for _ in 1...500 {
            let test = TestClient([.bytes(Self.damage(list, &random))])
            do {
                _ = try await test.client.list(.pods)
            } catch is ClientError {
                refused += 1
            }
        }
        #expect(refused > 100)
    }

    @Test("Damaged headers of errors are read or ignored", arguments: [1, 2, 3] as [UInt64])
    func readsDamagedHeaders(seed: UInt64) async throws {
        var random = SeededNumbers(state: seed)
        for _ in 1...500 {
            let warning = String(decoding: Self.damage(#"299 - "a \"b\"", 299 x "c" "date""#, &random), as: UTF8.self)
            for text in WarningLog.texts(in: [HTTPHeader(name: "Warning", value: warning)]) { #expect(!text.isEmpty) }
            let seconds = String(decoding: Self.damage("99999999999999999999", &random), as: UTF8.self)
            let test = TestClient([.status(503, headers: ["Retry-After": seconds]), .json([:])])
            do {
                _ = try await test.client.send(.raw("/a"))
                #expect(test.time.slept.allSatisfy { $0 <= .seconds(36) })
            } catch let error as ClientError {
                #expect(error.apiError?.status == 503)
            }
        }
    }
}
