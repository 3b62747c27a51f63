import FoundationEssentials
import KubernetesCore
import Testing

@testable import RecoveryAPI

struct LockKeyTests {
    private let object = ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "web", name: "front")

    @Test("nothing to lock means no key")
    func empty() {
        #expect(LockKey(ResolvedTarget()) == nil)
        #expect(LockKey(ResolvedTarget(cluster: "", name: "")) == nil)
    }

    @Test("without an object the cluster is locked")
    func cluster() {
        #expect(LockKey(ResolvedTarget(cluster: "edge"))?.text == "cluster\nedge")
    }

    @Test("who knows the uid and who does not get the same lock; another cluster is another object")
    func uid() {
        var known = object
        known.uid = "1"
        var elsewhere = known
        elsewhere.cluster = "edge"
        #expect(LockKey(known) == LockKey(object))
        #expect(LockKey(known) != LockKey(elsewhere))
    }

    @Test("another version of the API is the same object, everything else is not")
    func identity() {
        let changes: [(WritableKeyPath<ResolvedTarget, String?>, String?, Bool)] = [
            (\.apiVersion, "apps/v1beta1", true), (\.apiVersion, "v1", false), (\.apiVersion, "extensions/v1", false),
            (\.kind, "StatefulSet", false), (\.namespace, "other", false), (\.namespace, nil, false),
            (\.name, "back", false), (\.cluster, "edge", false), (\.cluster, "", true), (\.uid, "2", true),
        ]
        for (field, value, isSame) in changes {
            var changed = object
            changed[keyPath: field] = value
            #expect((LockKey(changed) == LockKey(object)) == isSame, "\(String(describing: value))")
        }
    }

    @Test("the lease has a name that never changes, since two controllers must find the same one")
    func leaseName() throws {
        let key = try #require(LockKey(object))
        #expect(key.text == "cluster\n\nobject\napps\nDeployment\nweb\nfront")
        #expect(key.leaseName == "rcv-f6825847f186346a")
        #expect(key.leaseName.utf8.count == 20)
        #expect(NameRules.problem(subdomain: key.leaseName) == nil)
    }

    @Test("fingerprints tell error types of one target apart")
    func fingerprint() throws {
        let key = try #require(LockKey(object))
        #expect(key.fingerprint(errorType: "A") == key.fingerprint(errorType: "A"))
        #expect(key.fingerprint(errorType: "A") != key.fingerprint(errorType: "B"))
        #expect(key.fingerprint(errorType: "A").count == 16)
    }
}

struct RecoveryNamingTests {
    private let fingerprint = "0123456789abcdef"

    @Test("names are kind, name, hash and number")
    func plain() {
        let target = ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", namespace: "web", name: "front")
        let name = RecoveryNaming.name(target: target, fingerprint: fingerprint, number: 2)
        #expect(name == "deployment-front-01234567-2")
        #expect(RecoveryNaming.number(in: name, fingerprint: fingerprint) == 2)
    }

    @Test("without an object the name speaks of the cluster")
    func cluster() {
        let name = RecoveryNaming.name(target: ResolvedTarget(cluster: "edge-1"), fingerprint: fingerprint, number: 1)
        #expect(name == "membercluster-edge-1-01234567-1")
    }

    @Test(
        "names are DNS labels whatever the target is called, and keep their number",
        arguments: [
            "front", "a.b.c", "system:node", "UPPER_case", "", "---", String(repeating: "x", count: 253),
            String(repeating: "x-", count: 40), "ümlaut", "日本",
        ],
        [1, 10, Int.max]
    )
    func hostile(_ target: String, _ number: Int) {
        for kind in ["Pod", String(repeating: "K", count: 63), ""] {
            let name = RecoveryNaming.name(
                target: ResolvedTarget(kind: kind, name: target),
                fingerprint: fingerprint,
                number: number
            )
            #expect(NameRules.problem(label: name) == nil, "\(name)")
            #expect(RecoveryNaming.number(in: name, fingerprint: fingerprint) == number)
        }
    }

    @Test(
        "a Job may have the name that an attempt gives it, whatever the Recovery is called",
        arguments: [
            ("web", "web"), (String(repeating: "a", count: 39) + ".web", String(repeating: "a", count: 39)),
            (String(repeating: "a", count: 38) + "-.b", String(repeating: "a", count: 38)), ("a.b", "a-b"),
            (String(repeating: "x", count: 253), String(repeating: "x", count: 40)),
        ]
    )
    func job(_ name: String, _ stem: String) {
        let metadata = ObjectMeta(name: name, namespace: "web")
        let recovery = Recovery(metadata: metadata, spec: RecoverySpec(error: ReportedError(type: "A")))
        let job = RecoveryNaming.jobName(of: recovery, executionID: "A-0-1")
        #expect(NameRules.problem(label: job) == nil && job.hasPrefix("rcv-\(stem)-") && job.utf8.count <= 57)
        #expect(job != RecoveryNaming.jobName(of: recovery, executionID: "A-0-2"))
    }

    @Test("numbers are read from own names only", arguments: ["web", "deployment-front-76543210-1", "x-01234567-", ""])
    func foreign(_ name: String) {
        #expect(RecoveryNaming.number(in: name, fingerprint: fingerprint) == nil)
    }

    @Test("attempts are named by error type, second and number")
    func executionID() {
        let time = Date(timeIntervalSince1970: 1_640_995_200.9)
        let id = RecoveryNaming.executionID(errorType: "ClusterUnreachable", time: time, attempt: 1)
        #expect(id == "ClusterUnreachable-1640995200-1")
        let never = Date(timeIntervalSince1970: .infinity)
        #expect(RecoveryNaming.executionID(errorType: "A", time: never, attempt: 2) == "A-0-2")
    }
}
