internal import ControllerRuntime
internal import KubernetesCore

extension ControllerConfiguration {
    /// How the engine's controllers work: every error is tried again, less and less often.
    ///
    /// A right, a kind or the leadership that is missing now may be there later, and no object must have to wait for its
    /// next edit.
    static var patient: ControllerConfiguration {
        var configuration = ControllerConfiguration()
        configuration.disposition = { error in
            let disposition = defaultDisposition(error)
            return disposition == .terminal ? .retry : disposition
        }
        return configuration
    }
}
