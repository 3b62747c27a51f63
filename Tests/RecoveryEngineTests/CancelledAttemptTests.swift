import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Attempts in the middle of which a person ends the Recovery.
@Suite("What an attempt has changed is taken back when its Recovery is ended (kured #137, SNR PR #253)")
struct CancelledAttemptTests {
    /// Changes something that can be taken back, and waits for its effect.
    private func changing(after first: LessonScene? = nil) -> LessonScene {
        LessonScene(after: first) { attempt, _ in
            try await attempt.mutate("Change", inverse: ["was": 1]) { "changed" }
            try await attempt.pause(for: .seconds(100_000))
        }
    }

    private func cancel(_ scene: LessonScene) {
        scene.hub.edit(Recovery.resource, LessonScene.key("web")) { $0.set(true, at: ["spec", "cancel"]) }
    }

    private func actions(_ recovery: Recovery?) -> [String] {
        (recovery?.status?.executions?.last?.result?.actions ?? []).map { "\($0.name) \($0.result.rawValue)" }
    }

    @Test("cancelled while it runs: at the next safe point, once, and the status says what was taken back")
    func cancelled() throws {
        let scene = changing()
        scene.start()
        scene.put("web")
        #expect(try actions(scene.recovery("web")) == ["Change Succeeded"])
        cancel(scene)
        scene.world.run(for: .seconds(5))
        let ended = try scene.recovery("web")
        #expect(ended?.state == .cancelled)
        #expect(ended?.status?.message?.hasPrefix("cancelled: spec.cancel is true; taken back: ") == true)
        #expect(actions(ended) == ["Change Succeeded", "UndoChange Succeeded"])
        #expect(scene.acting.undone == ["web"])
    }

    @Test("deleted while it runs: although there is no status any more")
    func deleted() throws {
        let scene = changing()
        scene.start()
        scene.put("web")
        let client = scene.hub.client(identity: "person")
        let deletion = scene.world.start { try await client.delete(Recovery.resource, LessonScene.key("web")) }
        scene.world.run(for: .seconds(5))
        _ = try deletion.result?.get()
        #expect(try scene.recovery("web") == nil)
        #expect(scene.acting.undone == ["web"])
    }

    @Test("cancelled while no controller runs: the next one takes it back, and begins nothing")
    func cancelledWhileDown() throws {
        let first = changing()
        first.start()
        first.put("web")
        first.crash()
        cancel(first)
        first.world.run(for: .seconds(60))
        let second = changing(after: first)
        second.start()
        second.world.run(for: .seconds(5))
        #expect(try second.recovery("web")?.state == .cancelled)
        #expect(second.acting.undone == ["web"] && second.acting.acted.isEmpty)
    }

    @Test("suspended: nothing is taken back, the same attempt goes on later")
    func suspended() throws {
        let scene = changing()
        scene.start()
        scene.put("web")
        scene.hub.edit(Recovery.resource, LessonScene.key("web")) { $0.set(true, at: ["spec", "suspend"]) }
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.state == .pending)
        #expect(scene.acting.undone.isEmpty)
        cancel(scene)
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.state == .cancelled)
        #expect(scene.acting.undone == ["web"])
    }
}
