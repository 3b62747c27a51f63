import Foundation
import Timekeeping

/// Whether `hack/test` has found (or built) the binaries of a real control plane.
let hasControlPlane = ProcessInfo.processInfo.environment["RECOVERY_CLUSTER_TESTS"] == "1"

/// The planes that tests share: each is started once in a run. `hack/test` removes them afterwards.
actor SharedPlane {
    /// The cluster that controllers work for.
    static let hub = SharedPlane("test-hub", nodes: 1)
    /// The cluster that is a member of the fleet.
    static let member = SharedPlane("test-member")
    /// Another member, with a node: for what moves between two, and for what runs.
    static let secondMember = SharedPlane("test-member-2", nodes: 1)

    private let name: String
    private let nodes: Int
    private var started: ControlPlane?

    private init(_ name: String, nodes: Int = 0) {
        self.name = name
        self.nodes = nodes
    }

    /// The plane with the CRDs and, new in this call, a namespace of the test's own.
    ///
    /// The suites run one after the other, so nobody asks while the plane is being started.
    func plane(namespace: String? = nil) async throws -> ControlPlane {
        let plane: ControlPlane
        if let started {
            plane = started
        } else {
            plane = try await ControlPlane.startWithCRDs(name, nodes: nodes)
            started = plane
        }
        if let namespace { try await plane.kubectl("create namespace \(namespace)") }
        return plane
    }
}
