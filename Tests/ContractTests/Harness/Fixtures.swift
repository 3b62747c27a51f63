import Foundation
import JSON
import YAML

/// The files of the suite, read from the checkout so that a recording run can write them.
enum Fixtures {
    /// `Tests/ContractTests/Fixtures`.
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    /// The checkout.
    static let checkout = directory.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func bytes(_ url: URL) throws -> [UInt8] {
        try Array(Data(contentsOf: url))
    }

    static func yaml(_ url: URL) throws -> JSONValue {
        try YAMLDocument.parse(
            try bytes(url),
            source: url.lastPathComponent,
            limits: YAMLLimits(maxNodes: 100_000)
        )
    }

    /// The files of a folder with that ending, by name.
    static func files(in folder: URL, ending: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == ending }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }
}

/// A fixture that does not say what it has to.
struct FixtureError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
