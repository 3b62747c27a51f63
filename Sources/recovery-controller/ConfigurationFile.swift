import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryDecision
import RecoveryEngine
import YAML

/// The settings cannot be used: every problem on a line of its own, with the place and the remedy.
struct ConfigurationError: Error, CustomStringConvertible {
    let description: String
}

/// The file behind `--config`.
enum ConfigurationFile {
    /// Reads the settings; without a file the defaults.
    ///
    /// - Throws: `ConfigurationError` with all problems that the file has.
    static func read(_ path: String?, registry: StrategyRegistry) throws(ConfigurationError) -> EngineConfiguration {
        guard let path else { return EngineConfiguration() }
        let document: JSONValue
        do {
            document = try YAMLDocument.parse([UInt8](Data(contentsOf: URL(filePath: path))), source: path)
        } catch {
            throw ConfigurationError(description: "cannot read --config \(path): \(error)")
        }
        let (configuration, found) = EngineConfiguration.read(document)
        let unknown = registry.unknown(in: configuration.enabledStrategies).map { name in
            ConfigurationProblem(
                field: "enabledStrategies",
                message:
                    "\(name) is not a strategy; known ones: \(registry.catalogue(enabled: nil).names.joined(separator: ", "))"
            )
        }
        let problems = found + unknown
        guard problems.isEmpty else {
            throw ConfigurationError(
                description: problems.map { "\(path): \($0)" }.joined(separator: "\n")
            )
        }
        return configuration
    }
}
