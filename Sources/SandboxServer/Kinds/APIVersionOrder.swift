/// The order of the versions of a group: `v2` before `v1` before `v2beta1` before `v1alpha1`, then other names.
package enum APIVersionOrder {
    /// Whether a version is preferred to another.
    package static func precedes(_ left: String, _ right: String) -> Bool {
        switch (Parts(left), Parts(right)) {
        case (let left?, let right?): (left.stage, left.major, left.minor) > (right.stage, right.major, right.minor)
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): left.utf8.lexicographicallyPrecedes(right.utf8)
        }
    }

    /// A name as `v1beta2`.
    private struct Parts {
        var major: Int
        var stage = 2
        var minor = 0

        init?(_ text: String) {
            guard text.first == "v", let match = text.dropFirst().prefixMatch(of: /[1-9][0-9]*/),
                let major = Int(match.0)
            else { return nil }
            self.major = major
            var rest = text.dropFirst(1 + match.0.count)
            guard !rest.isEmpty else { return }
            if rest.hasPrefix("alpha") {
                stage = 0
                rest = rest.dropFirst(5)
            } else if rest.hasPrefix("beta") {
                stage = 1
                rest = rest.dropFirst(4)
            } else {
                return nil
            }
            guard rest.wholeMatch(of: /[1-9][0-9]*/) != nil, let minor = Int(rest) else { return nil }
            self.minor = minor
        }
    }
}
