import FoundationEssentials
import JSON
import KubernetesCore
import Testing

@testable import RecoveryDecision

@Suite("The ledger of healthy revisions")
struct RevisionLedgerTests {
    private static let start = Date(timeIntervalSince1970: 1_767_225_600)

    private func entry(_ template: String, after seconds: Double = 0) -> RevisionLedger.Entry {
        RevisionLedger.Entry(template: template, time: Self.start.addingTimeInterval(seconds))
    }

    @Test("a rollback goes to the revision that was healthy last, and nowhere when that is the present one")
    func goals() throws {
        var ledger = RevisionLedger(data: nil)
        for template in ["a", "b", "c"] { _ = try ledger.record(entry(template), of: "Deployment.web") }
        #expect(ledger.goals("Deployment.web", from: "bad").map(\.template) == ["c", "b", "a"])
        #expect(ledger.goals("Deployment.web", from: "b").map(\.template) == ["c", "a"])
        #expect(ledger.goals("Deployment.web", from: "c").isEmpty)
        #expect(ledger.goals("Deployment.other", from: "c").isEmpty)
        #expect(ledger.latest("Deployment.web")?.template == "c" && !ledger.knows("Deployment.other"))
    }

    @Test("what a rollback has left is no goal until it is recorded anew (argo-cd #9570)")
    func leaves() throws {
        var ledger = RevisionLedger(data: nil)
        for template in ["a", "b"] { _ = try ledger.record(entry(template), of: "k") }
        let left = Self.start.addingTimeInterval(60)
        let text = try #require(try ledger.leave("b", at: left, of: "k"))
        #expect(RevisionLedger(data: ["k": .string(text)]) == ledger)
        #expect(ledger.goals("k", from: "c").map(\.template) == ["a"] && ledger.goals("k", from: "a").isEmpty)
        #expect(try ledger.leave("b", at: left, of: "k") == nil)

        _ = try ledger.record(entry("b", after: 61), of: "k")
        #expect(try ledger.leave("b", at: left, of: "k") == nil, "it was healthy again since")
        #expect(ledger.goals("k", from: "c").map(\.template) == ["b", "a"])
        #expect(try ledger.leave("a", at: left, of: "k") != nil)
        #expect(try ledger.leave("b", at: .distantFuture, of: "k") == "[]")
        #expect(ledger.knows("k") && ledger.latest("k") == nil, "its place is kept")
    }

    @Test("what is written is read back; a revision that comes again is the latest once; the oldest go")
    func records() throws {
        var ledger = RevisionLedger(data: nil)
        var text: String?
        for template in ["a", "b", "c", "d", "e", "f", "b"] { text = try ledger.record(entry(template), of: "k") }
        let read = RevisionLedger(data: ["k": .string(try #require(text))])
        #expect(read == ledger)
        #expect(read.goals("k", from: "").map(\.template) == ["b", "f", "e", "d", "c"])
        #expect(try ledger.record(entry("b"), of: "k") == nil, "it is the latest already")
    }

    @Test("entries that cannot be read vouch for nothing, and do not hide the others")
    func damaged() {
        let good: JSONValue = #"[{"template":"a","time":"2026-01-01T00:00:00Z"}]"#
        let ledger = RevisionLedger(data: ["a": good, "b": "[{]", "c": 5, "d": "[{\"template\":1}]", "e": ""])
        #expect(ledger.knows("a") && !["b", "c", "d", "e"].contains { ledger.knows($0) })
        #expect(RevisionLedger(data: "text") == RevisionLedger(data: nil))
    }

    @Test("a full ledger takes no further workloads, but goes on with those it has")
    func isBounded() throws {
        var ledger = RevisionLedger(data: nil)
        for number in 0..<RevisionLedger.maxWorkloads { _ = try ledger.record(entry("a"), of: "k\(number)") }
        #expect(try ledger.record(entry("a"), of: "one more") == nil)
        #expect(try ledger.record(entry("b"), of: "k7") != nil)
    }

    @Test(
        "a ConfigMap with the owner or the label of a policy is its ledger, one with only the name is not",
        arguments: [
            ("web", nil, true), ("other", nil, false), (nil, ["recovery.tmc.io/v1", "RecoveryPolicy", "web"], true),
            (nil, ["recovery.tmc.io/v1", "RecoveryPolicy", "other"], false),
            (nil, ["apps/v1", "RecoveryPolicy", "web"], false),
            (nil, ["recovery.tmc.io/v1", "Recovery", "web"], false),
            (nil, nil, false),
        ] as [(String?, [String]?, Bool)]
    )
    func whose(label: String?, owner: [String]?, isLedger: Bool) {
        var metadata: JSONValue = ["name": "recovery-ledger-web"]
        if let label { metadata["labels"] = ["recovery.tmc.io/policy": .string(label)] }
        if let owner {
            let words = owner.map { JSONValue.string($0) }
            metadata["ownerReferences"] = [["apiVersion": words[0], "kind": words[1], "name": words[2]]]
        }
        #expect(RevisionLedger.isLedger(Unstructured(["metadata": metadata]), ofPolicy: "web") == isLedger)
    }

    @Test("names fit, and long ones stay apart")
    func names() {
        #expect(RevisionLedger.name(ofPolicy: "web") == "recovery-ledger-web")
        #expect(RevisionLedger.key(kind: "Deployment", name: "web") == "Deployment.web")
        let long = String(repeating: "a", count: 250)
        let dotted = String(repeating: "a", count: 199 - "recovery-ledger-".count) + ".web" + long
        let names = [long + "b", long + "c", dotted].map { RevisionLedger.name(ofPolicy: $0) }
        #expect(names.allSatisfy { NameRules.problem(subdomain: $0) == nil }, "\(names)")
        #expect(names.allSatisfy { $0.utf8.count <= 253 } && names[0] != names[1])
    }
}

@Suite("Pod templates as revisions")
struct WorkloadTemplateTests {
    private let template: JSONValue = [
        "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["image": "v1"]]],
    ]

    @Test(
        "what controllers and servers add makes no other revision",
        arguments: [
            (["metadata", "labels", "pod-template-hash"], "5d4"), (["metadata", "creationTimestamp"], .null),
            (["$patch"], "replace"), (["metadata", "annotations", "kubectl.kubernetes.io/restartedAt"], "2026"),
            (["spec", "securityContext"], [:]),
        ] as [([String], JSONValue)]
    )
    func same(path: [String], value: JSONValue) {
        var other = template
        other.set(value, at: path)
        #expect(WorkloadTemplate.hash(other) == WorkloadTemplate.hash(template))
    }

    @Test(
        "everything else does",
        arguments: [
            (["metadata", "labels", "app"], "shop"), (["spec", "containers"], [["image": "v2"]]),
            (["metadata", "annotations", "note"], "x"), (["spec", "hostNetwork"], false),
        ] as [([String], JSONValue)]
    )
    func other(path: [String], value: JSONValue) {
        var other = template
        other.set(value, at: path)
        #expect(WorkloadTemplate.hash(other) != WorkloadTemplate.hash(template))
    }

    @Test("what is written back keeps all but the marks of its keeper")
    func written() {
        var kept = template
        kept.set("5d4", at: ["metadata", "labels", "pod-template-hash"])
        kept["$patch"] = "replace"
        #expect(WorkloadTemplate.written(kept) == template)
    }
}
