import Testing

@testable import RecoveryDecision

@Suite("Addresses that policies may name")
struct AddressRuleTests {
    @Test(
        "loopback, link-local and metadata addresses are refused, however they are written",
        arguments: [
            "http://127.0.0.1/", "http://127.255.0.9:8080", "http://[::1]:80/x", "http://0.0.0.0", "http://[::]",
            "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://[fe80::1%25eth0]/",
            "http://[fd00:ec2::254]/", "http://[fd00:ec2::23]/v1/credentials", "http://[fd20:ce::254]/",
            "http://metadata.goog/",
            "http://100.100.100.200/", "http://168.63.129.16/", "http://224.0.0.1/",
            "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:7f00:1::]/", "http://[::127.0.0.1]/", "http://localhost:9093", "https://LocalHost./",
            "http://api.localhost/", "http://metadata.google.internal/computeMetadata/v1", "http://metadata/",
            "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/", "http://0177.0.0.1/",
            "http://127.0.0.1%2e/", "http://example.com\\@127.0.0.1/", "http://user:secret@example.com/",
            "http://example.com@127.0.0.1/", "ftp://example.com/", "http://", "http:///x", "file:///etc/passwd", "",
            "http://[::ffff:0:127.0.0.1]/", "http://[64:ff9b:1::169.254.169.254]/",
            "http://[64:ff9b:1:ffff::127.0.0.1]/",
            "http://[64:ff9b:1:a9fe:a9:fe00::]/", "http://[64:ff9b:1:7f:0:1::]/", "http://[64:ff9b:1:2a:7f:0:100:0]/",
            "http://[1::2::3]/", "http://[12345::]/", "http://[:::1]/",
        ]
    )
    func refuses(_ url: String) {
        #expect(AddressRule().problem(url: url) != nil)
    }

    @Test(
        "other addresses and names are let pass",
        arguments: [
            "http://web.production.svc/healthz", "https://hooks.slack.com/services/T/B/x", "http://10.0.0.1:8080/",
            "http://192.168.1.4/", "http://172.16.0.1", "https://[2001:db8::1]:443/", "http://[fd00::7]/",
            "http://8.8.8.8/", "http://[::ffff:0:8.8.8.8]/", "http://[64:ff9b:1::8.8.8.8]/",
            "http://[64:ff9b:2::127.0.0.1]/",
            "http://[64:ff9b:1:a00:0:100::]/",
            "http://128.0.0.1/", "http://126.255.255.255/", "http://169.253.255.255/", "http://example.com?x=@y",
            "http://[::2]/", "http://1.example.com/", "http://metadata.example.com/",
        ]
    )
    func allows(_ url: String) {
        #expect(AddressRule().problem(url: url) == nil)
    }

    @Test("what the name leads to is judged again")
    func judgesAddresses() {
        let rule = AddressRule()
        #expect(rule.problem(address: "10.1.2.3") == nil)
        #expect(rule.problem(address: "2001:db8::2") == nil)
        for address in ["127.0.0.1", "::1", "fe80::1%lo", "169.254.169.254", "nonsense", ""] {
            #expect(rule.problem(address: address) != nil, "\(address)")
        }
    }

    @Test("the configuration can allow ranges, and only those")
    func configured() throws {
        let rule = AddressRule(allowed: try ["127.0.0.0/8", "::1"].map { try #require(AddressRange($0)) })
        #expect(rule.problem(url: "http://127.0.0.1:9093/") == nil)
        #expect(rule.problem(url: "http://[::1]/") == nil)
        // The name is no longer refused: what it leads to is.
        #expect(rule.problem(url: "http://localhost/") == nil)
        #expect(rule.problem(address: "127.0.0.1") == nil)
        #expect(rule.problem(url: "http://169.254.169.254/") != nil)
    }

    @Test(
        "ranges",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/9", "10.128.0.0", false),
            ("0.0.0.0/0", "9.9.9.9", true), ("0.0.0.0/0", "2001::1", false), ("10.1.1.1", "10.1.1.1", true),
            ("10.1.1.1", "10.1.1.0", false), ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false),
        ]
    )
    func ranges(_ range: String, _ address: String, _ contains: Bool) throws {
        let range = try #require(AddressRange(range))
        #expect(range.contains(try #require(IPAddress(address))) == contains)
    }

    @Test(
        "what is no range is none",
        arguments: ["", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8", "::/129", "x/8", "10.0.0.0/"]
    )
    func noRange(_ text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test(
        "addresses",
        arguments: [
            ("1.2.3.4", [1, 2, 3, 4]), ("::ffff:1.2.3.4", [1, 2, 3, 4]), ("::ffff:0:1.2.3.4", [1, 2, 3, 4]),
            ("1.2.3", nil), ("1.2.3.256", nil),
            ("1.2.3.04", nil), ("+1.2.3.4", nil), ("1.2.3.4.5", nil),
            ("1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]),
            ("1::8", [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]), ("1:2:3:4:5:6:7", nil),
            ("1:2:3:4:5:6:7:8:9", nil), ("1:2:3:4::5:6:7:8", nil), ("g::", nil), ("1:+2::", nil),
        ] as [(String, [UInt8]?)]
    )
    func addresses(_ text: String, _ bytes: [UInt8]?) {
        #expect(IPAddress(text)?.bytes == bytes)
    }
}
