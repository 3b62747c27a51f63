import TestSupport

/// What a seed decides about member clusters, and about what is placed on them.
struct PlannedFleet: Sendable {
    /// One move without anything else, for crashes at every single write.
    var isOneMove = false
    var members = ["m1", "m2"]
    /// How many copies are asked for.
    var count = 1
    /// What people do: edits, moves, drift.
    var acts = 0
    /// What happens to members from outside.
    var disturbances = 0

    init() {}

    init(seed: UInt64) {
        var random = SeededRandom(seed: seed ^ 0xF1EE7)
        members = (1...Int.random(in: 2...3, using: &random)).map { "m\($0)" }
        count = Int.random(in: 1..<members.count, using: &random)
        acts = Int.random(in: 1...6, using: &random)
        disturbances = random.chance(0.6) ? Int.random(in: 1...5, using: &random) : 0
    }
}

extension ScenarioPlan {
    /// The plan of a seed with a fleet, whose Recoveries the controller opens itself.
    init(fleetSeed seed: UInt64) {
        self.init(seed: seed)
        (recoveries, userEvents, hasPolicy) = ([], 0, false)
        (books, mode) = (PlannedBooks(), PlannedMode())
        fleet = PlannedFleet(seed: seed)
    }

    /// One Relocate between two members, without faults but a crash.
    init(moveWith crash: PlannedCrash?, electsLeader: Bool) {
        self.init(crash: crash, electsLeader: electsLeader, hasPolicy: false)
        (recoveries, books) = ([], PlannedBooks())
        fleet = PlannedFleet()
        fleet?.isOneMove = true
    }
}
