internal import FoundationEssentials
internal import JSON
internal import KubernetesCore

/// The text in a Secret's data, without the line ends that editors leave behind; what is no text is left out.
enum SecretText {
    /// All keys of a Secret.
    static func all(_ secret: Unstructured) -> [String: String] {
        (secret["data"]?.objectValue ?? [:]).reduce(into: [:]) { texts, field in
            guard let bytes = field.value.stringValue.flatMap({ Data(base64Encoded: $0) }),
                let text = String(validating: bytes, as: UTF8.self)
            else { return }
            let start = text.drop(while: \.isWhitespace)
            texts[field.key] = String(start.reversed().drop(while: \.isWhitespace).reversed())
        }
    }
}
