internal import YAML

extension ErrorCatalogue {
    /// The entries that come with the program: `errors.yaml` beside this file, which the build puts into the binary.
    package static let standard: ErrorCatalogue = {
        var catalogue = ErrorCatalogue()
        // A test reads the same bytes and accepts no problem, so none can be found here.
        _ = catalogue.merge(text: PackageResources.errors_yaml)
        return catalogue
    }()

    /// Adds or replaces the entries of a YAML file.
    ///
    /// - Returns: what was skipped, and why.
    package mutating func merge(text: [UInt8]) -> [String] {
        do {
            return merge(try YAMLDocument.parse(text, source: "errors.yaml"))
        } catch {
            return ["\(error)"]
        }
    }
}
