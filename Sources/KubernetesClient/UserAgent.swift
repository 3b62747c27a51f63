/// What a client calls itself.
public enum UserAgent {
    /// `name/version (linux/amd64) kubernetes/unknown`, as Go clients do it.
    public static func text(name: String, version: String) -> String {
        "\(clean(name))/\(clean(version)) (\(platform)) kubernetes/unknown"
    }

    /// The program's file name with an unknown version.
    static var standard: String {
        let program = CommandLine.arguments.first?.split(separator: "/").last.map(String.init)
        return text(name: program ?? "swift-client", version: "unknown")
    }

    #if arch(x86_64)
    private static let platform = "linux/amd64"
    #elseif arch(arm64)
    private static let platform = "linux/arm64"
    #else
    private static let platform = "linux/unknown"
    #endif

    /// Keeps what a product token may hold.
    private static func clean(_ text: String) -> String {
        let kept = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-._+".contains($0)) }
        return kept.isEmpty ? "unknown" : kept
    }
}
