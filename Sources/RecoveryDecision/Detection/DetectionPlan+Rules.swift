internal import KubernetesCore
internal import RecoveryAPI

// What each detector of a policy opens, and how patient it is.
extension DetectionPlan {
    mutating func add(_ detector: ConditionDetector, _ index: Int) {
        // The selector and all else are part of the name: a detector that was edited begins anew.
        let looksFor = [
            detector.apiVersion, detector.kind, detector.type, detector.effectiveStatus.rawValue,
            detector.reason ?? "", detector.selector?.queryString ?? "", detector.effectiveOnNoData.rawValue,
        ]
        var rule = DetectionRule(
            name: "conditions[\(index)] \(looksFor.joined(separator: " "))",
            errorType: detector.errorType,
            severity: detector.effectiveSeverity,
            forSeconds: detector.effectiveForSeconds,
            healthyForSeconds: detector.effectiveHealthyForSeconds
        )
        rule.code = detector.code
        detectors.append(Detector(rule: rule, source: .condition(detector)))
    }

    mutating func add(_ detector: WorkloadDetector) {
        let rule = DetectionRule(
            name: "workloads \(detector.selector?.queryString ?? "")",
            errorType: ErrorType.componentUnhealthy.rawValue,
            severity: detector.effectiveSeverity,
            forSeconds: detector.effectiveForSeconds,
            healthyForSeconds: detector.effectiveHealthyForSeconds
        )
        detectors.append(Detector(rule: rule, source: .workloads(detector)))
    }

    mutating func add(_ detector: EventDetector, _ index: Int) {
        let looksFor = [
            detector.reason, detector.type?.rawValue ?? "", detector.kind ?? "", String(detector.effectiveCount),
            String(detector.effectiveWindowSeconds),
        ]
        // The window is what an event detector waits for.
        var rule = DetectionRule(
            name: "events[\(index)] \(looksFor.joined(separator: " "))",
            errorType: detector.errorType,
            severity: detector.effectiveSeverity,
            forSeconds: 0,
            healthyForSeconds: detector.effectiveHealthyForSeconds
        )
        rule.code = detector.code
        rule.isLate = true
        detectors.append(Detector(rule: rule, source: .events(detector)))
    }

    mutating func add(_ detector: AlertDetector, _ index: Int) {
        let labels = detector.matchLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let target = detector.targetRef.map { "\($0.apiVersion) \($0.kind) \($0.namespace ?? "") \($0.name)" } ?? ""
        // Whoever sends alerts has waited, and says when they are over.
        var rule = DetectionRule(
            name: "alerts[\(index)] \(labels.joined(separator: " ")) \(target)",
            errorType: detector.errorType,
            severity: detector.effectiveSeverity,
            forSeconds: 0,
            healthyForSeconds: 0
        )
        rule.code = detector.code
        rule.isLate = true
        rule.isToldOfHealth = true
        detectors.append(Detector(rule: rule, source: .alerts(detector)))
    }

    mutating func add(_ detector: NodeDetector) {
        let rule = DetectionRule(
            name: "nodes \(detector.selector?.queryString ?? "")",
            errorType: ErrorType.componentUnhealthy.rawValue,
            severity: detector.effectiveSeverity,
            forSeconds: detector.effectiveForSeconds,
            healthyForSeconds: detector.effectiveHealthyForSeconds
        )
        detectors.append(Detector(rule: rule, source: .nodes(detector)))
    }

    mutating func add(_ probe: HTTPProbe) {
        // Its thresholds are what a probe waits for.
        var rule = DetectionRule(
            name: "httpProbes[\(probe.name)] \(probe.url)",
            errorType: probe.errorType,
            severity: probe.effectiveSeverity,
            forSeconds: 0,
            healthyForSeconds: probe.effectiveHealthyForSeconds
        )
        rule.code = probe.code
        detectors.append(Detector(rule: rule, source: .probe(probe)))
    }

    mutating func add(_ detector: ClusterHealthDetector) {
        // The probes of a cluster have thresholds of their own.
        for (type, conditions) in ObservedCluster.failures {
            var rule = DetectionRule(
                name: "clusterHealth \(type.rawValue) \(detector.clusterSelector?.queryString ?? "")",
                errorType: type.rawValue,
                severity: detector.effectiveSeverity,
                forSeconds: 0,
                healthyForSeconds: detector.effectiveHealthyForSeconds
            )
            rule.isLate = true
            detectors.append(Detector(rule: rule, source: .clusters(detector, conditions: conditions)))
        }
    }
}
