import FoundationEssentials
import JSON
import KubernetesCore
import Testing
import YAML

@testable import RecoveryAPI

struct DecodingTests {
    @Test("unknown words of a spec are kept, reported and written back", arguments: ["Catastrophic", "", "high"])
    func unknownWord(_ word: String) throws {
        let object = try CompleteObjects.object("Recovery")
            .replacing([.key("spec"), .key("error"), .key("severity")], with: .string(word))
        let recovery = try object.decode(Recovery.self)
        #expect(recovery.spec.error.severity == .unknown(word))
        #expect(recovery.spec.error.effectiveSeverity == .medium)
        #expect(recovery.validate().map(\.path) == ["spec.error.severity"])
        #expect(try recovery.jsonValue().value(at: ["spec", "error", "severity"])?.stringValue == word)
    }

    @Test(
        "a value of the wrong type fails with its path",
        arguments: [
            ("{spec: {error: {type: 5}}}", "spec.error.type"),
            ("{spec: {error: {type: A}, maxAttempts: many}}", "spec.maxAttempts"),
            ("{spec: {error: {type: A}, maxAttempts: 1.5}}", "spec.maxAttempts"),
            ("{spec: {error: {type: A}, parameters: [1]}}", "spec.parameters"),
            ("{spec: {error: {type: A, time: noon}}}", "spec.error.time"),
            ("{spec: {error: {}}}", "spec.error.type"),
            (
                "{spec: {error: {type: A}}, status: {executions: [{id: a, attempt: 1, strategy: b, state: Odd}]}}",
                "status.executions[0].state"
            ),
        ]
    )
    func wrongType(_ text: String, _ path: String) throws {
        var object = try YAMLDocument.parse(Array(text.utf8), source: "test")
        object["metadata"] = ["name": "a"]
        let error = try #require(throws: DecodingError.self) { try object.decode(Recovery.self) }
        #expect(FieldViolation(error).path == path)
    }

    @Test("objects survive a round trip with all their fields", arguments: KindUnderTest.all)
    func roundTrip(_ kind: KindUnderTest) throws {
        let object = try CompleteObjects.object(kind.resource.kind)
        let decoded: any KubernetesObject =
            switch kind.resource.kind {
            case "Recovery": try object.decode(Recovery.self)
            case "RecoveryPolicy": try object.decode(RecoveryPolicy.self)
            case "RecoveryApproval": try object.decode(RecoveryApproval.self)
            case "MemberCluster": try object.decode(MemberCluster.self)
            case "Placement": try object.decode(Placement.self)
            default: try object.decode(Migration.self)
            }
        #expect(try decoded.jsonValue() == object)
    }

    @Test(
        "counts and percentages are read as users write them",
        arguments: [
            ("5", CountOrPercent.count(5)), ("-1", .count(-1)), ("\"40%\"", .percent(40)), ("\"0%\"", .percent(0)),
            ("\"100%\"", .percent(100)), ("\"101%\"", .invalid("101%")), ("\"5\"", .invalid("5")),
            ("\"%\"", .invalid("%")), ("\"-5%\"", .invalid("-5%")), ("\"+5%\"", .invalid("+5%")),
            ("\"9999999999999999999%\"", .invalid("9999999999999999999%")), ("\"٤%\"", .invalid("٤%")),
        ]
    )
    func countOrPercent(_ text: String, _ expected: CountOrPercent) throws {
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(try value.decode(CountOrPercent.self) == expected)
        #expect(try JSONValue(encoding: expected) == value)
    }

    @Test("a count that is neither number nor string fails")
    func noCount() {
        #expect(throws: DecodingError.self) { try JSONValue.array([]).decode(CountOrPercent.self) }
        #expect(throws: DecodingError.self) { try JSONValue.bool(true).decode(CountOrPercent.self) }
    }

    @Test(
        "percentages round down, as three targets of which 40 % may fail are one",
        arguments: [
            (CountOrPercent.percent(40), 3, 1), (.percent(40), 2, 0), (.percent(100), 7, 7), (.percent(0), 7, 0),
            (.percent(33), 100, 33), (.percent(99), Int.max, Int.max / 100 * 99 + 6), (.count(4), 2, 4),
            (.count(-4), 2, 0), (.invalid("x"), 5, 0),
        ]
    )
    func resolved(_ value: CountOrPercent, _ base: Int, _ expected: Int) {
        #expect(value.resolved(base: base) == expected)
    }
}

struct RecoveryTests {
    @Test("six states, of which four are final")
    func states() {
        #expect(
            RecoveryState.allCases.map(\.rawValue) == [
                "Pending", "InProgress", "Completed", "Failed", "Timeout", "Cancelled",
            ]
        )
        #expect(RecoveryState.allCases.filter { !$0.isFinal } == [.pending, .inProgress])
    }

    @Test("severities and levels are ordered as they are declared")
    func order() {
        #expect(Severity.allCases.shuffled().sorted() == [.low, .medium, .high, .critical])
        #expect(EscalationLevel.allCases.shuffled().sorted() == [.automatic, .guided, .manual, .emergency])
    }

    @Test("known types are worth a retry, internal errors and custom types are not unless the report says so")
    func retryability() {
        #expect(ErrorType.allCases.filter { !$0.isRetryable } == [.internalError])
        var error = ReportedError(type: "DatabaseDown")
        #expect(!error.isRetryable)
        error.retryable = true
        #expect(error.isRetryable)
        error = ReportedError(type: "SyncFailure")
        #expect(error.isRetryable && error.knownType == .syncFailure)
        error.retryable = false
        #expect(!error.isRetryable)
    }

    @Test("the builder puts every fact where the API keeps it")
    func builder() throws {
        let time = Date(timeIntervalSince1970: 1_640_995_200)
        let spec = RecoveryErrorBuilder(.clusterUnreachable, component: "syncer", operation: "heartbeat")
            .withMessage("Failed to connect").withCode("HH-K8S-004").withSeverity(.high).withRetryable(false)
            .withTime(time).withContext("a", "1").withContext("b", "2").withContext("a", "3")
            .withCluster("edge-cluster-1", logicalCluster: "root:edge")
            .withResource(TargetReference(apiVersion: "apps/v1", kind: "Deployment", name: "web"))
            .build()
        var expected = RecoverySpec(error: ReportedError(type: "ClusterUnreachable"))
        expected.error.component = "syncer"
        expected.error.operation = "heartbeat"
        expected.error.message = "Failed to connect"
        expected.error.code = "HH-K8S-004"
        expected.error.severity = .known(.high)
        expected.error.retryable = false
        expected.error.time = time
        expected.error.context = ["a": "3", "b": "2"]
        expected.clusterRef = NameReference(name: "edge-cluster-1")
        expected.logicalCluster = "root:edge"
        expected.targetRef = TargetReference(apiVersion: "apps/v1", kind: "Deployment", name: "web")
        #expect(spec == expected)
        #expect(Recovery(metadata: ObjectMeta(name: "a"), spec: spec).validate() == [])
    }

    @Test("what may change does not change the hash, what may not does")
    func hash() throws {
        let spec = try CompleteObjects.object("Recovery").decode(Recovery.self).spec
        let hash = try spec.immutableHash()
        var free = spec
        free.suspend = true
        free.cancel = true
        free.ttlSecondsAfterFinished = 5
        free.parameters = nil
        #expect(try free.immutableHash() == hash)
        let changes: [(inout RecoverySpec) -> Void] = [
            { $0.error.message = "other" }, { $0.clusterRef = nil }, { $0.targetRef?.name = "other" },
            { $0.policyRef = nil }, { $0.serviceAccountName = nil }, { $0.parentRef?.name = "other" },
            { $0.error.severity = .known(.low) }, { $0.error.severity = .unknown("Odd") },
        ]
        for (index, change) in changes.enumerated() {
            var changed = spec
            change(&changed)
            #expect(try changed.immutableHash() != hash, "change \(index)")
        }
    }

    @Test("the hash is the same before and after the server's defaults, and with empty strings for absent ones")
    func defaultedHash() throws {
        var bare = RecoverySpec(error: ReportedError(type: "Custom"))
        bare.targetRef = TargetReference(apiVersion: "v1", kind: "Pod", name: "a")
        var defaulted = bare
        defaulted.error.severity = .known(.medium)
        defaulted.serviceAccountName = ""
        defaulted.targetRef?.uid = ""
        defaulted.targetRef?.namespace = ""
        #expect(try bare.immutableHash() == defaulted.immutableHash())
    }
}
