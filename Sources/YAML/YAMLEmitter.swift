import CYAML
import JSON

/// Owns one libyaml emitter and writes one document.
@safe struct YAMLEmitter: ~Copyable {
    /// The library is out of memory.
    private struct Failure: Error {}

    private static let firstKeys = ["apiVersion", "kind", "metadata", "spec", "status"]

    private let emitter: OpaquePointer

    /// Makes an emitter; nil without memory.
    init?() {
        guard let emitter = unsafe cyaml_emitter_create() else { return nil }
        unsafe self.emitter = emitter
    }

    deinit {
        unsafe cyaml_emitter_destroy(emitter)
    }

    /// The text of a document; nil without memory.
    consuming func emit(_ value: JSONValue) -> String? {
        do throws(Failure) {
            try check(unsafe cyaml_emit_start(emitter))
            try write(value)
            try check(unsafe cyaml_emit_end(emitter))
        } catch {
            return nil
        }
        var count = 0
        guard let text = unsafe cyaml_emitter_text(emitter, &count) else { return nil }
        // The text is copied before the emitter goes.
        return unsafe String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    private func check(_ isDone: Bool) throws(Failure) {
        guard isDone else { throw Failure() }
    }

    private func write(_ value: JSONValue) throws(Failure) {
        switch value {
        case .null: try scalar("null", CYAML_STYLE_ANY)
        case .bool(let value): try scalar(value ? "true" : "false", CYAML_STYLE_ANY)
        case .number(let value): try scalar(value.literal, CYAML_STYLE_ANY)
        case .string(let text): try scalar(text, style(of: text))
        case .array(let elements):
            try check(unsafe cyaml_emit_sequence_start(emitter))
            for element in elements {
                try write(element)
            }
            try check(unsafe cyaml_emit_sequence_end(emitter))
        case .object(let members):
            try check(unsafe cyaml_emit_mapping_start(emitter))
            for (key, value) in ordered(members) {
                try scalar(key, YAMLScalar.needsQuotes(key) ? CYAML_STYLE_DOUBLE_QUOTED : CYAML_STYLE_ANY)
                try write(value)
            }
            try check(unsafe cyaml_emit_mapping_end(emitter))
        }
    }

    /// Members in the order in which people read objects.
    private func ordered(_ members: JSONObject) -> [(key: String, value: JSONValue)] {
        let first = Self.firstKeys.compactMap { key in members[key].map { (key, $0) } }
        let rest = members.filter { !Self.firstKeys.contains($0.key) }
        return first + rest
    }

    /// The library itself quotes what the syntax does not allow plain, and escapes what it does not allow in a block.
    private func style(of text: String) -> CYAMLStyle {
        if text.utf8.contains(UInt8(ascii: "\n")) { return CYAML_STYLE_LITERAL }
        return YAMLScalar.needsQuotes(text) ? CYAML_STYLE_DOUBLE_QUOTED : CYAML_STYLE_ANY
    }

    private func scalar(_ text: String, _ style: CYAMLStyle) throws(Failure) {
        let bytes = Array(text.utf8)
        try check(unsafe cyaml_emit_scalar(emitter, bytes, bytes.count, style))
    }
}
