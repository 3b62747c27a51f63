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
    /// - Parameters:
    ///   - text: the file.
    ///   - strategies: the names that an entry's strategy may have; nil when any may.
    /// - Returns: what was skipped, and why.
    package mutating func merge(text: [UInt8], strategies: Set<String>? = nil) -> [String] {
        do {
            return merge(try YAMLDocument.parse(text, source: "errors.yaml"), strategies: strategies)
        } catch {
            return ["\(error)"]
        }
    }
}
