import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

@Suite("ReservationBook")
struct ReservationBookTests {
    private static let now = Date(timeIntervalSinceReferenceDate: 1_000)
    private let web = ObjectKey(name: "web")
    private let shop = ObjectKey(name: "shop")
    private let third = ObjectKey(name: "third")

    private func cpu(_ count: Int64, until seconds: Double? = nil) -> CapacityReservation {
        CapacityReservation(
            ResourceAmounts(["cpu": Quantity(count)]),
            until: seconds.map { Self.now.addingTimeInterval($0) }
        )
    }

    private func taken(
        _ book: inout ReservationBook,
        _ cluster: String,
        besides key: ObjectKey,
        after: Double = 0
    ) -> Int64 {
        book.amounts(on: cluster, besides: key, now: Self.now.addingTimeInterval(after))["cpu"].value
    }

    private func set(
        _ book: inout ReservationBook,
        _ reservations: [String: CapacityReservation],
        of key: ObjectKey
    ) -> Bool { book.set(reservations, of: key) }

    @Test("others' reservations are summed by cluster, one's own left out, and replaced as a whole")
    func sums() {
        var book = ReservationBook()
        #expect(taken(&book, "edge", besides: web) == 0)
        #expect(set(&book, ["edge": cpu(2), "north": cpu(2)], of: web) == false)
        #expect(set(&book, ["edge": cpu(3)], of: shop) == false)
        #expect(taken(&book, "edge", besides: third) == 5 && taken(&book, "north", besides: third) == 2)
        #expect(taken(&book, "edge", besides: web) == 3 && taken(&book, "edge", besides: shop) == 2)
        #expect(set(&book, ["edge": cpu(4)], of: shop) == false, "more is not free")
        #expect(taken(&book, "edge", besides: third) == 6)
        #expect(set(&book, ["edge": cpu(2)], of: web), "north is free again")
        #expect(taken(&book, "north", besides: third) == 0)
        #expect(set(&book, [:], of: web))
        #expect(set(&book, [:], of: web) == false)
        #expect(taken(&book, "edge", besides: third) == 4)
    }

    @Test("a reservation ends by itself, each at its own time")
    func ends() {
        var book = ReservationBook()
        book.set(["edge": cpu(1, until: 10), "north": cpu(1)], of: web)
        book.set(["edge": cpu(2, until: 5)], of: shop)
        #expect(book.nextEnd(after: Self.now) == Self.now.addingTimeInterval(5))
        #expect(book.nextEnd(after: Self.now.addingTimeInterval(5)) == Self.now.addingTimeInterval(10), "nobody asked")
        #expect(taken(&book, "edge", besides: third, after: 4.9) == 3)
        #expect(taken(&book, "edge", besides: third, after: 5) == 1)
        #expect(book.nextEnd(after: Self.now) == Self.now.addingTimeInterval(10))
        #expect(taken(&book, "edge", besides: third, after: 10) == 0)
        #expect(book.nextEnd(after: Self.now) == nil && taken(&book, "north", besides: third, after: 1_000_000) == 1)
    }

    @Test("what one placement asks for beyond all measure does not stay behind when it goes")
    func huge() {
        var book = ReservationBook()
        book.set(["edge": cpu(2)], of: web)
        book.set(["edge": cpu(.max)], of: shop)
        #expect(taken(&book, "edge", besides: third) == .max)
        book.set([:], of: shop)
        #expect(taken(&book, "edge", besides: third) == 2)
    }

    @Test(
        "a copy counts from its decision until its pods are sure to be counted",
        arguments: [
            (nil, 6), (["state": "Pending"], 6),
            (["state": "Pending", "ready": false, "message": "not looked at yet"], 6),
            (["state": "Failed"], 0),
            (["state": "Synced", "hash": "h", "ready": true, "lastSyncTime": "2001-01-01T00:16:40Z"], 0),
            (["state": "Synced", "hash": "h", "ready": false, "lastSyncTime": "2001-01-01T00:16:40Z"], 6),
            (["state": "Synced", "hash": "h", "ready": false, "lastSyncTime": "2001-01-01T00:16:25Z"], 0),
            (["state": "Synced", "hash": "h", "ready": false], 0),
        ] as [(JSONValue?, Int64)]
    )
    func copies(state: JSONValue?, cpu: Int64) throws {
        var clusters: JSONValue = []
        if var state {
            state["cluster"] = "edge"
            clusters = [state]
        }
        var placement = try placement([["cluster": "edge"]], clusters)
        var book = ReservationBook()
        book.set(placement.reservations(), of: web)
        #expect(taken(&book, "edge", besides: shop) == cpu)
        placement.metadata.deletionTimestamp = Self.now
        #expect(placement.reservations().isEmpty)
    }

    @Test("a copy that leaves reserves nothing, and what has no pods nothing anywhere")
    func nothing() throws {
        var placement = try placement([["cluster": "edge", "leaving": true], ["cluster": "north"]])
        #expect(placement.reservations().keys.sorted() == ["north"])
        placement.spec.manifests = [["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c"]]]
        #expect(placement.reservations().isEmpty)
    }

    private func placement(_ decisions: JSONValue, _ clusters: JSONValue = []) throws -> Placement {
        let pod: JSONValue = ["containers": [["name": "c", "resources": ["requests": ["cpu": "2"]]]]]
        let web: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
            "spec": ["replicas": 3, "template": ["spec": pod]],
        ]
        return try Placement(json: [
            "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Placement", "metadata": ["name": "web"],
            "spec": ["manifests": [web]], "status": ["decisions": decisions, "clusters": clusters],
        ])
    }
}
