import KubernetesCore
import Testing

struct ResourceVersionTests {
    @Test(arguments: [
        ("1", "1", ResourceVersion.Ordering.same), ("1", "2", .older), ("10", "9", .newer),
        ("99999999999999999999998", "99999999999999999999999", .older),
        ("100000000000000000000000000000", "99999999999999999999999999999", .newer),
    ])
    func `numbers of any length compare`(left: String, right: String, ordering: ResourceVersion.Ordering) {
        #expect(ResourceVersion.compare(left, right) == ordering)
    }

    @Test(arguments: ["", "0", "01", "-1", "+1", "1a", " 1", "1.0", "١"])
    func `anything else is refused, not guessed`(version: String) {
        #expect(ResourceVersion.compare(version, "1") == nil)
        #expect(ResourceVersion.compare("1", version) == nil)
        #expect(ResourceVersion.compare(version, version) == nil)
        #expect(!ResourceVersion.isComparable(version))
    }
}
