import JSON
import Testing

@testable import SandboxServer

@Suite("Bodies in Protobuf")
struct ProtobufDecoderTests {
    /// Writes messages as clients do.
    private struct Writer {
        var bytes: [UInt8] = []

        init(_ build: (inout Writer) -> Void) { build(&self) }

        mutating func varint(_ value: UInt64) {
            var value = value
            while value >= 0x80 {
                bytes.append(UInt8(value & 0x7f) | 0x80)
                value >>= 7
            }
            bytes.append(UInt8(value))
        }

        mutating func number(_ field: UInt64, _ value: UInt64) {
            varint(field << 3)
            varint(value)
        }

        mutating func text(_ field: UInt64, _ value: String) { raw(field, Array(value.utf8)) }

        mutating func message(_ field: UInt64, _ build: (inout Writer) -> Void) { raw(field, Writer(build).bytes) }

        mutating func raw(_ field: UInt64, _ value: [UInt8]) {
            varint(field << 3 | 2)
            varint(UInt64(value.count))
            bytes += value
        }
    }

    private func body(_ apiVersion: String, _ kind: String, _ build: (inout Writer) -> Void) -> [UInt8] {
        let unknown = Writer { unknown in
            unknown.message(1) { type in
                type.text(1, apiVersion)
                type.text(2, kind)
            }
            unknown.message(2, build)
            unknown.text(3, "")
            unknown.text(4, "")
        }
        return [0x6b, 0x38, 0x73, 0] + unknown.bytes
    }

    @Test("what Go always sends and means nothing is left out, as in JSON")
    func zeroValues() throws {
        let bytes = body("v1", "ConfigMap") { map in
            map.message(1) { metadata in
                metadata.text(1, "a")
                metadata.text(2, "")
                metadata.number(7, 0)
                metadata.message(8) { _ in }
            }
            map.message(2) { entry in
                entry.text(1, "k")
                entry.text(2, "v")
            }
            map.message(3) { entry in
                entry.text(1, "b")
                entry.raw(2, [1, 2, 3])
            }
        }
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": ["k": "v"],
            "binaryData": ["b": "AQID"],
        ]
        #expect(try ProtobufDecoder.object(bytes) == expected)
    }

    @Test("embedded messages stand in the object itself; ports, quantities and times have their own forms")
    func specialTypes() throws {
        let bytes = body("v1", "Pod") { pod in
            pod.message(1) { metadata in
                metadata.message(8) { time in time.number(1, 1_800_000_000) }
            }
            pod.message(2) { spec in
                spec.message(1) { volume in
                    volume.text(1, "v")
                    volume.message(2) { source in
                        source.message(2) { emptyDir in emptyDir.text(1, "Memory") }
                    }
                }
                spec.message(2) { container in
                    container.text(1, "c")
                    container.message(8) { resources in
                        resources.message(1) { entry in
                            entry.text(1, "cpu")
                            entry.message(2) { quantity in quantity.text(1, "500m") }
                        }
                    }
                    container.message(10) { probe in
                        probe.message(1) { handler in
                            handler.message(2) { get in
                                get.text(1, "/")
                                get.message(2) { port in
                                    port.number(1, 1)
                                    port.text(3, "http")
                                }
                            }
                        }
                    }
                }
            }
        }
        let object = try ProtobufDecoder.object(bytes)
        #expect(object["metadata"]?["creationTimestamp"] == "2027-01-15T08:00:00Z")
        #expect(object["spec"]?["volumes"] == [["name": "v", "emptyDir": ["medium": "Memory"]]])
        let container = object["spec"]?["containers"]?[index: 0]
        #expect(container?["resources"]?["limits"] == ["cpu": "500m"])
        #expect(container?["livenessProbe"] == ["httpGet": ["path": "/", "port": "http"]])
    }

    @Test("the table of numbers names only types and fields that exist")
    func table() {
        #expect(ProtobufNumbers.all.problems.isEmpty)
        let embedded = Set(
            ProtobufNumbers.all.types.values.flatMap { fields in
                fields.values.compactMap { field in
                    if case .embedded(let type) = field { type } else { nil }
                }
            }
        )
        for (type, fields) in ProtobufNumbers.all.types where !embedded.contains(type) {
            let known = Set(BuiltinCatalogue.types.objects[type]?.fields.map(\.name) ?? [])
            #expect(!known.isEmpty || fields.isEmpty, "\(type)")
            for case .named(let name) in fields.values { #expect(known.contains(name), "\(type).\(name)") }
        }
    }

    @Test(
        "bytes that are no message are refused",
        arguments: [
            [], [0x6b, 0x38, 0x73], [0x6b, 0x38, 0x73, 0, 0x0a, 0xff], [0x6b, 0x38, 0x73, 0, 0xff, 0xff],
            [0x6b, 0x38, 0x73, 0, 0x0a, 0x02, 0x0a, 0x09], [1, 2, 3, 4, 5],
        ] as [[UInt8]]
    )
    func broken(_ bytes: [UInt8]) {
        #expect(throws: ProtobufError.self) { try ProtobufDecoder.object(bytes) }
    }

    @Test("random changes of a good body never trap")
    func fuzz() {
        let good = body("apps/v1", "Deployment") { deployment in
            deployment.message(2) { spec in
                spec.number(1, 3)
                spec.message(3) { template in
                    template.message(2) { pod in pod.message(2) { container in container.text(1, "c") } }
                }
            }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var bytes = good
            for _ in 0..<3 {
                let index = Int.random(in: 4..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
            }
            _ = try? ProtobufDecoder.object(bytes)
        }
    }
}
