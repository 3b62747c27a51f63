import Foundation
import JSON

/// Replaces what differs from run to run by names, so that the same value has the same name everywhere in a scenario.
///
/// Values that the scenario itself has sent stay as they are.
struct Normalizer {
    /// A name for each value, in order of appearance.
    private struct Names {
        private var known: [String: Int] = [:]

        /// The number of a value, from 1.
        mutating func number(_ value: String) -> Int {
            if let number = known[value] { return number }
            known[value] = known.count + 1
            return known.count
        }
    }

    /// Everything that the scenario says.
    private let sent: String
    /// What uids are called: by the names of their objects, so that one object more on one server changes no others.
    private var uids: [String: String] = [:]
    private var uidsOfName: [String: Names] = [:]
    private var generatedNames = Names()
    /// The versions of each object, by uid or name.
    private var versions: [String: Names] = [:]
    private let patterns: Patterns

    init(_ scenario: Scenario) {
        sent = scenario.steps.map { "\($0.path) \($0.headers) \($0.body)" }.joined(separator: "\n")
        patterns = Patterns(scenario)
    }

    /// The answer with names in place of what is different in every run.
    mutating func normalize(_ exchange: Exchange) -> Exchange {
        var exchange = exchange
        noteUIDs(exchange.body)
        exchange.body = normalize(exchange.body, key: "", owner: "")
        exchange.headers = exchange.headers.mapValues { text($0) }
        return exchange
    }

    private mutating func noteUIDs(_ value: JSONValue) {
        switch value {
        case .array(let elements):
            for element in elements { noteUIDs(element) }
        case .object(let members):
            if let uid = members["uid"]?.stringValue, uids[uid] == nil, !sent.contains(uid) {
                let name = members["name"]?.stringValue ?? members["username"]?.stringValue ?? ""
                let plain = patterns.generated?.replace(in: name) { _ in "<generated>" } ?? name
                let number = uidsOfName[plain, default: Names()].number(uid)
                uids[uid] = number == 1 ? "<uid of \(plain)>" : "<uid \(number) of \(plain)>"
            }
            for (_, member) in members { noteUIDs(member) }
        default: break
        }
    }

    private mutating func normalize(_ value: JSONValue, key: String, owner: String) -> JSONValue {
        switch value {
        case .array(let elements):
            let normalized = elements.map { normalize($0, key: key, owner: owner) }
            // The server goes through a map of managers or of fields; the message has the order where there is one.
            return .array(key == "causes" ? normalized.sorted { $0.text < $1.text } : normalized)
        case .object(let members):
            // An object's version is named after the object; a list or a bookmark has neither uid nor name.
            let owner = members["uid"]?.stringValue ?? members["name"]?.stringValue ?? ""
            return .object(
                JSONObject(members.map { (text($0.key), normalize($0.value, key: $0.key, owner: owner)) })
            )
        case .string(let string):
            return .string(self.string(string, key: key, owner: owner))
        case .number(let number) where key == "nodePort" && (30_000...32_767).contains(number.int64 ?? 0):
            return "<port>"
        default:
            return value
        }
    }

    private mutating func string(_ string: String, key: String, owner: String) -> String {
        switch key {
        case "resourceVersion" where !string.isEmpty && string.allSatisfy(\.isNumber):
            if owner.isEmpty { return "<version of the whole>" }
            return "<version \(versions[owner, default: Names()].number(string))>"
        case "continue" where !string.isEmpty: return "<continue>"
        case "token" where string.split(separator: ".").count == 3: return "<token>"
        case "cells" where patterns.age.matches(string): return "<age>"
        case "cells" where patterns.clusterAddress.matches(string): return "<address>"
        case "cells": return patterns.nodePort.replace(in: text(string)) { _ in ":<port>/" }
        case "clusterIP", "clusterIPs":
            return patterns.clusterAddress.matches(string) && !sent.contains(string) ? "<address>" : string
        default: break
        }
        return string.hasPrefix("-----BEGIN CERTIFICATE") ? "<certificate>" : text(string)
    }

    /// Replaces what is found inside of a text.
    private mutating func text(_ string: String) -> String {
        guard string.utf8.count > 4 else { return string }
        let sent = sent
        var text = Self.withoutDumps(string)
        var names = generatedNames
        text = patterns.uid.replace(in: text) { sent.contains($0) ? $0 : uids[$0] ?? "<uid>" }
        text = patterns.generated?.replace(in: text) { "<generated \(names.number($0))>" } ?? text
        generatedNames = names
        for (pattern, name) in [
            (patterns.time, "<time>"), (patterns.clock, "<time>"), (patterns.server, "<server>"),
            (patterns.pointer, "<pointer>"), (patterns.currentVersion, "current: <version>"),
            (patterns.tokenSecret, "-token-<generated>"),
        ] {
            text = pattern.replace(in: text) { sent.contains($0) ? $0 : name }
        }
        return patterns.version.replace(in: text) { found in
            found.prefix { !$0.isNumber } + "<version>"
        }
    }

    /// Cuts the texts that show Go structures: their blanks are random on purpose.
    private static func withoutDumps(_ text: String) -> String {
        for mark in ["core.PodSpec{", "byte of ...|"] {
            guard let range = text.range(of: mark) else { continue }
            return text[..<range.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines) + " <dump>"
        }
        return text
    }
}

/// A regular expression over a text.
struct Pattern {
    private let regex: Regex<AnyRegexOutput>

    /// Nil when the expression is wrong.
    init(_ expression: String) {
        do {
            regex = try Regex(expression)
        } catch {
            preconditionFailure("\(expression): \(error)")
        }
    }

    /// Whether it is found in the text.
    func matches(_ text: String) -> Bool {
        text.firstMatch(of: regex) != nil
    }

    /// The text with every match replaced.
    func replace(in text: String, with replacement: (String) -> String) -> String {
        var (replaced, rest) = ("", text[...])
        while let match = rest.firstMatch(of: regex) {
            replaced += rest[..<match.range.lowerBound] + replacement(String(rest[match.range]))
            rest = rest[match.range.upperBound...]
        }
        return replaced + rest
    }
}

/// What values look like that are different in every run.
struct Patterns {
    let uid = Pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
    let time = Pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z")
    let clock = Pattern("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)? [+]0000 UTC( m=[+][0-9.]+)?")
    let version = Pattern(
        #"[Rr]esource ?[Vv]ersion( in precondition: | in object meta: | in record [(]|\\*"?: ?\\*"?)[0-9]+( [(][0-9]+)?"#
    )
    let age = Pattern("^([0-9]+[smhd]){1,2}$")
    let server = Pattern("127[.]0[.]0[.]1:[0-9]+")
    let clusterAddress = Pattern("^10[.][0-9]+[.][0-9]+[.][0-9]+$")
    let nodePort = Pattern(":3[0-2][0-9]{3}/")
    let currentVersion = Pattern("current: [0-9]+")
    let pointer = Pattern("0xc[0-9a-f]{9}")
    let tokenSecret = Pattern("-token-[a-z0-9]{5}")
    /// What follows a `generateName` of the scenario is random.
    let generated: Pattern?

    init(_ scenario: Scenario) {
        let prefixes = scenario.steps.compactMap { step -> String? in
            guard case .document(let document) = step.body else { return nil }
            return document["metadata"]?["generateName"]?.stringValue
        }
        let names = prefixes.joined(separator: "|")
        generated = prefixes.isEmpty ? nil : Pattern("(\(names))[bcdfghjklmnpqrstvwxz2456789]{5}")
    }
}
