import Testing

@testable import ControllerRuntime

@Suite("LeaderElectionConfiguration")
struct LeaderElectionConfigurationTests {
    @Test func `the standard times are those of client-go`() throws {
        let standard = Replica.configuration()
        try standard.validate()
        #expect(standard.leaseDuration == .seconds(15))
        #expect(standard.renewDeadline == .seconds(10))
        #expect(standard.retryPeriod == .seconds(2))
        #expect(standard.requestTimeout == .seconds(5))
        #expect(standard.lossDeadline == .seconds(12))
        #expect(standard.watchdogLimit == .seconds(14))
    }

    @Test(arguments: [
        (15.0, 10.0, 2.0, nil), (15, 15, 2, "lease duration must be greater"), (15, 10, 10, "retry period times 1.2"),
        (15, 10, 8.4, "retry period times 1.2"), (15, 10, 0, "retry period must be greater"),
        (15, 10, -1, "retry period must be greater"), (0.9, 0.5, 0.1, "at least one second"),
        (15, 0, 2, "retry period times 1.2"), (1, 0.5, 0.1, nil),
    ])
    func `times that would hang or split the leadership are refused`(
        lease: Double,
        renew: Double,
        retry: Double,
        problem: String?
    ) {
        var configuration = Replica.configuration()
        configuration.leaseDuration = .seconds(lease)
        configuration.renewDeadline = .seconds(renew)
        configuration.retryPeriod = .seconds(retry)
        var found: String?
        do {
            try configuration.validate()
        } catch {
            found = error.description
        }
        #expect(problem == nil ? found == nil : found?.contains(problem ?? "") == true)
    }

    @Test(arguments: [("", "n", "i"), ("ns", "", "i"), ("ns", "n", "")])
    func `names must not be empty`(namespace: String, name: String, identity: String) {
        let configuration = LeaderElectionConfiguration(namespace: namespace, leaseName: name, identity: identity)
        #expect(throws: LeaderElectionConfigurationError.self) { try configuration.validate() }
    }

    @Test func `a loss never comes later than the end of the lease`() {
        var configuration = Replica.configuration()
        configuration.leaseDuration = .seconds(11)
        configuration.retryPeriod = .seconds(8)
        #expect(configuration.lossDeadline == .seconds(11))
        #expect(configuration.watchdogLimit < .seconds(11) && configuration.watchdogLimit > .seconds(10))
    }

    @Test func `a short renew deadline still leaves a second for a request`() {
        var configuration = Replica.configuration()
        configuration.renewDeadline = .milliseconds(1500)
        #expect(configuration.requestTimeout == .seconds(1))
    }

    @Test func `identities are the host and something unique`() {
        let first = LeaderElectionConfiguration.uniqueIdentity()
        #expect(first != LeaderElectionConfiguration.uniqueIdentity())
        #expect(first.split(separator: "_").last?.count == 36)
        #expect(!first.hasPrefix("_"))
    }
}
