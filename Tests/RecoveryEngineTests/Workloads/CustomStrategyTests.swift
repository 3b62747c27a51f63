import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

@Suite("Job and Webhook")
struct CustomStrategyTests {
    private let scene = WorkloadScene()

    private func attempt(
        _ rung: StrategyRung,
        account: String? = "operator",
        target: String = "web"
    ) throws -> Attempt {
        try scene.attempt(name: target, namespace: WorkloadScene.namespace) { status in
            var effective = EffectiveSettings()
            effective.ladder = [rung]
            effective.serviceAccountName = account
            status.effective = effective
        }
    }

    // MARK: Job

    private func jobRung() -> StrategyRung {
        var rung = StrategyRung(name: "Job")
        rung.job = JobStrategySettings(
            template: [
                "metadata": ["labels": ["team": "web"]],
                "spec": ["template": ["spec": ["containers": [["name": "c", "env": [["name": "A", "value": "1"]]]]]]],
            ]
        )
        return rung
    }

    private var made: Unstructured? { scene.hub.objects(.jobs).first }

    private func endJob(_ condition: String) throws {
        scene.hub.edit(.jobs, try #require(made).key) { job in
            job["status"] = ["conditions": [["type": .string(condition), "status": "True", "message": "no luck"]]]
        }
    }

    @Test("a Job is made once, knows the error, runs as the ServiceAccount, and its success is waited for")
    func job() throws {
        let attempt = try attempt(jobRung())
        let run = scene.start(JobStrategy(), attempt)
        let job = try #require(made)
        #expect(
            job.name.hasPrefix("rcv-broken-") && job.namespace == WorkloadScene.namespace && job.labels["team"] == "web"
        )
        let pod = try #require(job["spec", "template", "spec"])
        #expect(pod["serviceAccountName"] == "operator" && pod["restartPolicy"] == "Never")
        #expect(job["spec", "backoffLimit"] == 0 && job["spec", "ttlSecondsAfterFinished"] == 3_600)
        #expect(job["metadata", "ownerReferences"]?[index: 0]?["kind"] == "Recovery")
        let variables = pod["containers"]?[index: 0]?["env"]?.arrayValue ?? []
        for (name, value) in [
            ("A", "1"), ("RECOVERY_ERROR_TYPE", "ComponentUnhealthy"), ("RECOVERY_TARGET_NAME", "web"),
        ] {
            #expect(variables.contains(["name": .string(name), "value": .string(value)]), "\(name)")
        }
        #expect(!run.isFinished)
        try endJob("Complete")
        #expect(try scene.finish(run).message == "Job shop/\(job.name) completed")
        var begun = ActionRecord(JobStrategy.action, .started)
        begun.time = nil
        let again = try scene.attempt(actions: [begun], namespace: WorkloadScene.namespace) { status in
            var effective = EffectiveSettings()
            effective.ladder = [jobRung()]
            effective.serviceAccountName = "operator"
            status.effective = effective
        }
        _ = try scene.finish(scene.start(JobStrategy(), again))
        #expect(scene.harness.writes(.jobs).count <= 2)
    }

    @Test("no detector looks at the Job, it ends with the attempt, and the error cannot name variables of the pod")
    func jobIsBounded() throws {
        _ = scene.start(JobStrategy(), try attempt(jobRung(), target: "$(TOKEN)"))
        let job = try #require(made)
        #expect(job.labels["recovery.tmc.io/exclude"] == "true")
        #expect(job["spec", "template", "metadata", "labels", "recovery.tmc.io/exclude"] == "true")
        #expect(job["spec", "activeDeadlineSeconds"] == 300)
        let variables = job["spec", "template", "spec", "containers"]?[index: 0]?["env"]?.arrayValue ?? []
        #expect(variables.contains(["name": "RECOVERY_TARGET_NAME", "value": "$$(TOKEN)"]))
    }

    @Test("a Job that still runs when the attempt fails or is cancelled is deleted; one that has ended stays")
    func jobIsEnded() throws {
        let slow = try attempt(jobRung())
        let run = scene.start(JobStrategy(), slow)
        #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        let undo = scene.harness.world.start { try await Compensation(slow, JobStrategy()).run() }
        #expect(try undo.result?.get().contains("which still ran") == true && made == nil)

        let cancelled = try attempt(jobRung())
        let second = scene.start(JobStrategy(), cancelled)
        #expect(made != nil)
        cancelled.journal.requestStop(.cancelled)
        #expect(throws: AttemptStopped(.cancelled)) { try scene.finish(second) }
        #expect(made == nil)

        let failed = try attempt(jobRung())
        let third = scene.start(JobStrategy(), failed)
        try endJob("Failed")
        #expect(throws: StrategyFailure.self) { try scene.finish(third) }
        let late = scene.harness.world.start { try await Compensation(failed, JobStrategy()).run() }
        #expect(late.isFinished && made != nil)
    }

    @Test("a Job that fails is a transient failure with its reason")
    func jobFails() throws {
        let run = scene.start(JobStrategy(), try attempt(jobRung()))
        try endJob("Failed")
        let failure = #expect(throws: StrategyFailure.self) { try scene.finish(run) }
        #expect(failure?.description.hasSuffix("failed: no luck") == true)
    }

    @Test("without a ServiceAccount, or without a template, nothing is made")
    func jobNeeds() throws {
        let anonymous = try scene.harness.failure(JobStrategy(), attempt(jobRung(), account: nil))
        #expect(anonymous.kind == "permanent" && anonymous.advice.contains("serviceAccountName"))
        let empty = try scene.harness.failure(JobStrategy(), attempt(StrategyRung(name: "Job")))
        #expect(empty.kind == "permanent" && empty.advice.contains("job: {template"))
        #expect(scene.hub.objects(.jobs).isEmpty)
    }

    // MARK: Webhook

    private func webhookRung(_ url: String = "https://ops.example/run", secret: String? = nil) -> StrategyRung {
        var rung = StrategyRung(name: "Webhook")
        rung.webhook = WebhookStrategySettings(url: url)
        rung.webhook?.secretRef = secret.map { SecretReference(name: $0) }
        return rung
    }

    private func strategy(_ transport: ScriptedTransport) -> WebhookStrategy {
        WebhookStrategy(transport: transport, addresses: AddressRule())
    }

    @Test("the webhook gets the error, a token from the Secret, and the same key for the same attempt")
    func webhook() throws {
        scene.hub.put(
            [
                "metadata": ["name": "ops", "namespace": .string(WorkloadScene.namespace)],
                "data": ["token": "czNjcmV0Cg=="],
            ],
            .secrets
        )
        let transport = ScriptedTransport([.json(["message": "started runbook 7"])])
        let attempt = try attempt(webhookRung(secret: "ops"))
        let result = try scene.finish(scene.start(strategy(transport), attempt))
        #expect(result.message == "the webhook answered 200: started runbook 7")
        let request = try #require(transport.requests.first)
        #expect(request.method == "POST" && request.url == "https://ops.example/run")
        let headers = Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        #expect(headers["Authorization"] == "Bearer s3cret")
        #expect(headers["Idempotency-Key"]?.hasSuffix("/\(StrategyHarness.executionID)") == true)
        let body = try JSONValue(parsing: request.body ?? [])
        #expect(body["error_type"] == "ComponentUnhealthy" && body["target_kind"] == "Deployment")
        #expect(request.mayConnect?("10.0.0.1") == true && request.mayConnect?("127.0.0.1") == false)
        let status = try #require(scene.hub.objects(Recovery.resource).first).content.serialized()
        #expect(!String(decoding: status, as: UTF8.self).contains("s3cret"))
    }

    @Test(
        "what the answer means",
        arguments: [(503, "transient"), (429, "transient"), (404, "permanent"), (302, "permanent")]
    )
    func answers(_ status: Int, _ kind: String) throws {
        let transport = ScriptedTransport([.json([:], status: status)])
        let failure = try scene.harness.failure(strategy(transport), attempt(webhookRung()))
        #expect(failure.kind == kind && failure.message.contains("\(status)"))
    }

    @Test(
        "addresses of the node and its metadata service are not asked",
        arguments: ["http://127.0.0.1:9/", "http://169.254.169.254/"]
    )
    func refusesAddresses(_ url: String) throws {
        let transport = ScriptedTransport([])
        let failure = try scene.harness.failure(strategy(transport), attempt(webhookRung(url)))
        #expect(failure.kind == "permanent" && failure.message.contains("allowedAddresses"))
        #expect(transport.requests.isEmpty)
    }

    @Test("without a ServiceAccount, a URL or the token nothing is sent")
    func webhookNeeds() throws {
        let transport = ScriptedTransport([])
        let strategy = strategy(transport)
        #expect(try scene.harness.failure(strategy, attempt(webhookRung(), account: nil)).kind == "permanent")
        #expect(try scene.harness.failure(strategy, attempt(StrategyRung(name: "Webhook"))).kind == "permanent")
        scene.hub.put(["metadata": ["name": "ops", "namespace": .string(WorkloadScene.namespace)]], .secrets)
        #expect(
            try scene.harness.failure(strategy, attempt(webhookRung(secret: "ops"))).message.contains("no key token")
        )
        #expect(transport.requests.isEmpty)
    }
}
