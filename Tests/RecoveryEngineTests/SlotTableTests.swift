import KubernetesCore
import TestSupport
import Testing

@testable import RecoveryEngine

/// Who runs and who waits.
@Suite("SlotTable")
struct SlotTableTests {
    private let time = ManualTimeSource()

    private func key(_ name: String) -> ObjectKey { ObjectKey(namespace: "team", name: name) }

    @Test(
        "places are given up to the limit, then in order of priority and age, and nobody overtakes (controller-runtime #3496)"
    )
    func order() {
        let table = SlotTable(limit: 2, home: "team", timeSource: time)
        #expect(table.acquire(key("a"), priority: 1) == nil && table.acquire(key("b"), priority: 1) == nil)
        #expect(table.acquire(key("a"), priority: 1) == nil, "it has one already")
        #expect(table.acquire(key("low"), priority: 1) == .zero)
        time.advance(by: .seconds(5))
        #expect(table.acquire(key("high"), priority: 9) == .zero)
        #expect(table.acquire(key("middle"), priority: 5) == .zero)
        #expect(table.acquire(key("low"), priority: 1) == .seconds(5))
        #expect(table.taken == 2 && table.waiting == 3)
        #expect(table.release(key("a")) == key("high"))
        #expect(table.release(key("nobody")) == nil)
        #expect(table.release(key("b")) == key("low"), "five seconds are worth five")
        #expect(table.acquire(key("late"), priority: 99) == .zero)
        #expect(table.release(key("middle")) == nil, "it waits no longer")
        #expect(table.release(key("high")) == key("late"))
        #expect(table.release(key("low")) == nil && table.taken == 1 && table.waiting == 0)
    }

    @Test("whoever gave up waiting and came back has its new place in the line")
    func comesBack() {
        let table = SlotTable(limit: 1, home: "team", timeSource: time)
        #expect(table.acquire(key("a"), priority: 1) == nil)
        #expect(table.acquire(key("b"), priority: 9) == .zero)
        #expect(table.release(key("b")) == nil)
        #expect(table.acquire(key("c"), priority: 5) == .zero)
        #expect(table.acquire(key("b"), priority: 1) == .zero)
        #expect(table.release(key("a")) == key("c"))
    }

    @Test(
        "however many clusters are gone, a quarter of the places is left for what can be repaired at once",
        arguments: [(1, 1), (2, 1), (3, 2), (4, 3), (10, 8)]
    )
    func keepsPlaces(limit: Int, patient: Int) {
        let table = SlotTable(limit: limit, home: "team", timeSource: time)
        for index in 0..<20 { _ = table.acquire(key("gone-\(index)"), priority: 90, kind: .patient) }
        #expect(table.taken == patient && table.waiting == 20 - patient)
        for index in patient..<limit { #expect(table.acquire(key("busy-\(index)"), priority: 1) == nil) }
        #expect(table.taken == limit)
        #expect(table.acquire(key("more"), priority: 1) == .zero)
        #expect(table.release(key("gone-0")) == key("gone-\(patient)"), "higher priority, and its share is not used up")
        if limit > patient {
            #expect(table.release(key("busy-\(patient)")) == key("more"), "of its own share nothing is left to others")
        }
    }

    @Test("a place that only the patient want stays free until one of them gives up its own")
    func staysFree() {
        let table = SlotTable(limit: 2, home: "team", timeSource: time)
        #expect(table.acquire(key("gone-1"), priority: 9, kind: .patient) == nil)
        #expect(table.acquire(key("busy"), priority: 1) == nil)
        #expect(table.acquire(key("gone-2"), priority: 9, kind: .patient) == .zero)
        #expect(table.release(key("busy")) == nil && table.taken == 1)
        #expect(table.release(key("gone-1")) == key("gone-2") && table.taken == 1)
    }

    @Test(
        "no tenant has more than three quarters, and all of them leave places to the controller's own namespace",
        arguments: [(1, 1, 1), (3, 3, 3), (4, 3, 3), (8, 6, 7), (10, 8, 9), (100, 75, 88)]
    )
    func tenants(limit: Int, one: Int, all: Int) {
        let table = SlotTable(limit: limit, home: "team", timeSource: time)
        func guest(_ name: String, _ index: Int) -> ObjectKey { ObjectKey(namespace: name, name: "\(index)") }
        for index in 0..<limit * 2 { _ = table.acquire(guest("a", index), priority: 99) }
        #expect(table.taken == one)
        for index in 0..<limit * 2 { _ = table.acquire(guest("b", index), priority: 1) }
        #expect(table.taken == all)
        for index in all..<limit { #expect(table.acquire(key("own-\(index)"), priority: 0) == nil) }
        #expect(table.taken == limit)
        #expect(table.release(guest("a", 0)) == guest("a", one), "the place of a tenant can be another one of its own")
        if all < limit { #expect(table.release(key("own-\(all)")) == nil, "but not that of the controller's") }
        if all > one { #expect(table.release(guest("b", 0)) == guest("b", all - one), "nor that of another tenant") }
    }
}
