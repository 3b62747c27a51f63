public import FoundationEssentials

/// Dates as Kubernetes writes them: `2006-01-02T15:04:05Z`, or with microseconds.
///
/// Calendar arithmetic is done here because Foundation's formatters would bring ICU or cost much more.
public enum RFC3339 {
    /// The seconds from 1970 to 2001, from where `Date` counts: going through 1970 would cost the last microsecond.
    private static let referenceSeconds = 978_307_200

    /// The moment that a text names, or nil when it is no RFC 3339 date and time.
    ///
    /// Fractions are cut to microseconds. Leap seconds are refused, as in Go.
    public static func date(from text: String) -> Date? {
        var reader = Reader(bytes: Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2, in: 1...12), reader.take("-"),
            let day = reader.number(2, in: 1...daysInMonth(month, year)), reader.take("T") || reader.take("t"),
            let hour = reader.number(2, in: 0...23), reader.take(":"),
            let minute = reader.number(2, in: 0...59), reader.take(":"),
            let second = reader.number(2, in: 0...59),
            let micros = reader.fraction(), let zone = reader.zoneSeconds(), reader.isAtEnd
        else { return nil }
        let days = daysSince1970(year, month, day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - zone
        return Date(
            timeIntervalSinceReferenceDate: Double(seconds - referenceSeconds) + Double(micros) / 1_000_000
        )
    }

    /// The text of a moment in UTC, cut to `fractionDigits` (0 to 6); nil outside the years 0 to 9999.
    public static func string(from date: Date, fractionDigits: Int = 0) -> String? {
        // Rounding to microseconds undoes what the double lost; only then may digits be cut.
        let sinceReference = (date.timeIntervalSinceReferenceDate * 1_000_000).rounded()
        guard sinceReference.magnitude < 1e18 else { return nil }
        let (seconds, fraction) = floorDivide(Int64(sinceReference), 1_000_000)
        let (days, time) = floorDivide(seconds + Int64(referenceSeconds), 86_400)
        let (year, month, day) = civil(daysSince1970: Int(days))
        guard (0...9999).contains(year) else { return nil }
        let second = Int(time)
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
        text += "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        if fractionDigits > 0 { text += ".\(padded(Int(fraction), 6).prefix(fractionDigits))" }
        return text + "Z"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func daysInMonth(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // Both directions count in eras of 400 years that start in March, so that the leap day ends a year:
    // https://howardhinnant.github.io/date_algorithms.html

    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = (month <= 2 ? year - 1 : year) + 400
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (shifted / 400 - 1) * 146_097 + dayOfEra - 719_468
    }

    private static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = floorDivide(Int64(days) + 719_468, 146_097)
        let inEra = Int(dayOfEra)
        let yearOfEra = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365
        let dayOfYear = inEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension RFC3339 {
    /// Takes a text apart from left to right.
    private struct Reader {
        let bytes: [UInt8]
        private var index = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        var isAtEnd: Bool { index == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
            index += 1
            return true
        }

        /// Exactly `count` digits whose value lies in `range`.
        mutating func number(_ count: Int, in range: ClosedRange<Int> = 0...9999) -> Int? {
            var value = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return range.contains(value) ? value : nil
        }

        private mutating func digit() -> Int? {
            guard index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else {
                return nil
            }
            defer { index += 1 }
            return Int(bytes[index] - UInt8(ascii: "0"))
        }

        /// Microseconds; 0 when there is no fraction, nil when its digits are missing.
        mutating func fraction() -> Int? {
            guard take(".") else { return 0 }
            guard var micros = digit() else { return nil }
            var digits = 1
            while let next = digit() {
                if digits < 6 { micros = micros * 10 + next }
                digits += 1
            }
            for _ in 0..<max(0, 6 - digits) {
                micros *= 10
            }
            return micros
        }

        /// Seconds east of UTC.
        mutating func zoneSeconds() -> Int? {
            if take("Z") || take("z") { return 0 }
            let isEast = take("+")
            guard isEast || take("-"), let hours = number(2, in: 0...23), take(":"), let minutes = number(2, in: 0...59)
            else { return nil }
            let seconds = hours * 3600 + minutes * 60
            return isEast ? seconds : -seconds
        }
    }
}
