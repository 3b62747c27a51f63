package import FoundationEssentials
internal import RecoveryAPI
package import Timekeeping

/// All that the detectors of one policy see, from look to look; pure, so that the engine only delivers what it says.
///
/// ```swift
/// let look = watch.look(sightings, rules: plan.rules, blind: [], now: time.now(), wall: time.wallTime())
/// for report in look.reports { try await deliver(report) }
/// ```
package struct PolicyWatch: Sendable {
    /// What a detector follows.
    package struct Subject: Sendable, Hashable {
        /// The detector.
        package var rule: DetectionRule
        /// What it looks at.
        package var target: DetectedTarget
    }

    /// What a look comes to.
    package struct Look: Sendable, Hashable {
        /// Failures that have lasted long enough.
        package var reports: [IncidentReport] = []
        /// Failures whose finding is another one than before.
        package var changed: Set<Failure> = []
        /// How many targets there are.
        package var base = DetectionBase()
        /// When the next look is due although nothing changes.
        package var nextLook: MonotonicInstant?
    }

    /// What makes a failure one and the same, whichever detector sees it.
    package struct Failure: Sendable, Hashable {
        /// What failed.
        package var target: DetectedTarget
        /// How.
        package var errorType: String

        /// Names a failure.
        package init(_ target: DetectedTarget, errorType: String) {
            self.target = target
            self.errorType = errorType
        }
    }

    private var trackers: [Subject: IncidentTracker] = [:]
    private var findings: [Failure: DetectionFinding] = [:]
    /// Targets that are gone, and since when.
    private var gone: [Subject: MonotonicInstant] = [:]
    /// Failures that nothing is heard of any more, and since when.
    private var silent: [Failure: MonotonicInstant] = [:]

    /// How long a target that is gone or silent is remembered, for Recoveries that are looked at late.
    private static let memory = Duration.seconds(600)

    /// Begins with nothing seen.
    package init() {}

    /// Takes in all that the detectors see now.
    ///
    /// - Parameters:
    ///   - sightings: what each detector sees; of a target that one sees twice, the last counts.
    ///   - rules: all detectors; what others saw is forgotten.
    ///   - blind: detectors that see nothing at present: what they saw before is neither gone nor well.
    ///   - now: the monotonic time.
    ///   - wall: the date.
    /// - Returns: what is to be reported and told, and when to look again.
    package mutating func look(
        _ sightings: [Sighting],
        rules: Set<DetectionRule>,
        blind: Set<DetectionRule>,
        now: MonotonicInstant,
        wall: Date
    ) -> Look {
        var look = Look()
        trackers = trackers.filter { rules.contains($0.key.rule) }
        var verdicts: [Subject: TargetVerdict] = [:]
        for sighting in sightings {
            verdicts[Subject(rule: sighting.rule, target: sighting.target)] = sighting.verdict
        }
        for subject in verdicts.keys where trackers[subject] == nil {
            trackers[subject] = IncidentTracker(subject.rule)
        }
        for subject in trackers.keys.sorted(by: Self.goesFirst) {
            let verdict = verdicts[subject] ?? (blind.contains(subject.rule) ? .unknown : nil)
            noteSilence(subject, verdict, now: now)
            gone[subject] = verdict == nil ? gone[subject] ?? now : nil
            if trackers[subject] == nil { continue }
            if let times = trackers[subject]?.look(verdict, now: now, wall: wall),
                let failure = trackers[subject]?.failure
            {
                look.reports.append(IncidentReport(subject.rule, subject.target, failure, times))
            }
        }
        forgetGone(now: now)
        look.base = base(suspects: sightings.filter(\.isSuspect).map(\.target))
        look.changed = updateFindings(now: now)
        look.nextLook = nextLook(now: now)
        return look
    }

    /// A report could not be delivered: the next look makes it again.
    package mutating func reportFailed(_ report: IncidentReport) {
        trackers[Subject(rule: report.rule, target: report.target)]?.reportFailed()
    }

    /// What is known of each failure, as of the last look.
    package var allFindings: [Failure: DetectionFinding] { findings }

    /// What failed at the last look, as seen by detectors that look at the targets themselves.
    package var presentFailures: Set<Failure> {
        let failing = trackers.filter { !$0.key.rule.isLate && $0.value.failure != nil }.keys
        return Set(failing.map { Failure($0.target, errorType: $0.rule.errorType) })
    }

    /// Of a detector that is told when a failure is over, one that it no longer hears of is neither over nor gone.
    private mutating func noteSilence(_ subject: Subject, _ verdict: TargetVerdict?, now: MonotonicInstant) {
        let failure = Failure(subject.target, errorType: subject.rule.errorType)
        switch verdict {
        case .failing: silent[failure] = nil
        case nil, .unknown:
            guard subject.rule.isToldOfHealth, trackers[subject]?.failure != nil else { return }
            silent[failure] = now
            if verdict == nil { trackers[subject] = nil }
        case .healthy: return
        }
    }

    private func base(suspects: [DetectedTarget]) -> DetectionBase {
        var (matched, unhealthy) = (Set<DetectedTarget>(), Set(suspects))
        for (subject, tracker) in trackers where gone[subject] == nil {
            matched.insert(subject.target)
            if tracker.failure != nil { unhealthy.insert(subject.target) }
        }
        return DetectionBase(matched: matched.count, unhealthy: unhealthy.count)
    }

    private mutating func forgetGone(now: MonotonicInstant) {
        let old = gone.filter { subject, since in
            guard let tracker = trackers[subject] else { return true }
            return tracker.finding(now: now) == .healed && since.duration(to: now) >= Self.memory
        }
        for subject in old.keys {
            trackers[subject] = nil
            gone[subject] = nil
        }
        silent = silent.filter { $0.value.duration(to: now) < Self.memory }
    }

    private mutating func updateFindings(now: MonotonicInstant) -> Set<Failure> {
        var new: [Failure: DetectionFinding] = [:]
        for (subject, tracker) in trackers {
            let failure = Failure(subject.target, errorType: subject.rule.errorType)
            let finding = tracker.finding(now: now)
            if finding.outweighs(new[failure] ?? .unwatched) { new[failure] = finding }
        }
        for failure in silent.keys where DetectionFinding.silent.outweighs(new[failure] ?? .unwatched) {
            new[failure] = .silent
        }
        defer { findings = new }
        return Set(new.keys).union(findings.keys).filter { new[$0] != findings[$0] }
    }

    private func nextLook(now: MonotonicInstant) -> MonotonicInstant? {
        let ends = gone.compactMap { subject, since in
            trackers[subject]?.finding(now: now) == .healed ? since.advanced(by: Self.memory) : nil
        }
        return (trackers.values.compactMap(\.nextLook) + ends).min()
    }

    /// An order that does not depend on hashing, so that a seeded run repeats itself.
    private static func goesFirst(_ left: Subject, _ right: Subject) -> Bool {
        let (first, second) = (left.target.reference, right.target.reference)
        if first.namespace != second.namespace { return first.namespace ?? "" < second.namespace ?? "" }
        if first.kind != second.kind { return first.kind < second.kind }
        if first.name != second.name { return first.name < second.name }
        return left.rule.name < right.rule.name
    }
}
