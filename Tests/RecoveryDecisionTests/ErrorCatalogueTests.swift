import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

@Suite("The error catalogue")
struct ErrorCatalogueTests {
    /// Every code of the documents that this project began with.
    private static let codes = [
        "HH-AUTH-001", "HH-AUTH-002", "HH-AUTH-012", "HH-GIT-001", "HH-GIT-004", "HH-GIT-014", "HH-K8S-001",
        "HH-K8S-004", "HH-K8S-010", "HH-NET-001", "HH-NET-002", "HH-STATE-001", "HH-STATE-010", "HH-VAL-001",
        "HH-VAL-002",
    ]

    @Test("the program has an entry for every code, and none of them is skipped")
    func standard() {
        var read = ErrorCatalogue()
        #expect(read.merge(text: PackageResources.errors_yaml) == [])
        #expect(read == .standard)
        #expect(read.entries.keys.sorted() == Self.codes)
        for entry in read.entries.values {
            #expect(entry.title?.isEmpty == false && entry.steps?.isEmpty == false, "\(entry.code)")
        }
    }

    @Test("entries replace and add by code")
    func merges() {
        var catalogue = ErrorCatalogue.standard
        let text = """
            errors:
            - {code: HH-K8S-004, category: Kubernetes, level: Emergency, steps: [Call the network team]}
            - {code: SHOP-1, category: Shop, level: Guided, strategy: Restart}
            """
        #expect(catalogue.merge(text: Array(text.utf8)) == [])
        #expect(catalogue.entries["HH-K8S-004"]?.level == .emergency)
        #expect(catalogue.entries["SHOP-1"]?.strategy == "Restart")
        #expect(catalogue.entries["HH-AUTH-001"] == ErrorCatalogue.standard.entries["HH-AUTH-001"])
    }

    @Test(
        "malformed entries are named and skipped, and hide no others",
        arguments: [
            ("{category: A, level: Manual}", "errors[0]: code is missing"),
            ("{code: X, level: Manual}", "X: category is missing"),
            ("{code: X, category: A, level: Panic}", "X: level must be one of Automatic, Guided, Manual, Emergency"),
            (
                "{code: X, category: A, level: Manual, steps: []}",
                "X: steps must be 1 to 10 texts of at most 1024 bytes"
            ),
            (
                "{code: X, category: A, level: Manual, steps: [1]}",
                "X: steps must be 1 to 10 texts of at most 1024 bytes"
            ),
            ("{code: X, category: A, level: Manual, cure: y}", "X: cure is no field of an entry"),
            ("{code: X, category: A, level: Manual, title: 5}", "X: a field has the wrong type"),
            (
                "{code: hh k8s, category: A, level: Manual}",
                "hh k8s: code must be groups of capital letters and digits, joined by '-'"
            ), ("{code: X, category: A, level: Manual, strategy: Restrat}", "X: there is no strategy Restrat"),
            ("text", "errors[0]: must be a mapping"), ("{code: GOOD, category: A, level: Manual}", ""),
        ]
    )
    func malformed(_ entry: String, _ problem: String) {
        var catalogue = ErrorCatalogue()
        let good = "{code: GOOD, category: A, level: Guided}"
        let text = Array("errors:\n- \(entry)\n- \(good)\n".utf8)
        let problems = catalogue.merge(text: text, strategies: ["Restart"])
        #expect(problems == [problem.isEmpty ? "GOOD: is there twice; the first one counts" : problem])
        #expect(catalogue.entries.keys.sorted() == ["GOOD"])
    }

    @Test("what is no catalogue at all changes nothing", arguments: ["", "errors: 5", "[1, 2]", "{unclosed"])
    func noCatalogue(_ text: String) {
        var catalogue = ErrorCatalogue.standard
        #expect(catalogue.merge(text: Array(text.utf8)).count == 1)
        #expect(catalogue == .standard)
    }

    @Test("its steps and its level count where the strategy and the policy say nothing")
    func escalates() throws {
        var recovery = Recovery(metadata: .init(name: "a", namespace: "b"), spec: .init(error: .init(type: "Odd")))
        recovery.spec.error.code = "HH-GIT-014"
        var status = RecoveryStatus()
        status.effective = EffectiveSettings()
        status.effective?.error = ErrorCatalogue.standard.entry(for: recovery.spec.error)
        #expect(status.knownNextSteps(recovery).first?.contains("--diff-filter=U") == true)
        #expect(EscalationRule.level(for: .exhausted, recovery: recovery, status: status) == .guided)
        status.effective?.escalation = EscalationSettings(level: .emergency)
        #expect(EscalationRule.level(for: .exhausted, recovery: recovery, status: status) == .emergency)
        var result = ExecutionResult()
        result.nextSteps = ["what the strategy found"]
        var execution = RecoveryExecution(id: "x", attempt: 1, strategy: "y")
        execution.result = result
        status.executions = [execution]
        #expect(status.knownNextSteps(recovery) == ["what the strategy found"])
    }
}
