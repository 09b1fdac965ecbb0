//! Why a command did not do what was asked.

/// What a command can end with besides success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The question was understood, and the answer is no.
    #[error("{0}")]
    No(String),
    /// The store or the system would not let it.
    #[error("{0}")]
    Library(#[from] veneer::Error),
    /// There is nothing to work on.
    #[error("{0}")]
    Missing(String),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[source] std::io::Error),
    /// What was to be printed could not be put into JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// What else to say of the next step.
    pub(crate) fn remedy(&self) -> &'static str {
        // Layers can be read by root alone.
        if self.is_permission() && !rustix::process::geteuid().is_root() { "; try `sudo veneer`" } else { "" }
    }

    fn is_permission(&self) -> bool {
        use veneer::Error::{Mount, Open, Read, Remove, Write};

        match self {
            Failure::Library(
                Open { source, .. }
                | Read { source, .. }
                | Write { source, .. }
                | Remove { source, .. }
                | Mount { source, .. },
            ) => source.kind() == std::io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }

    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Failure::No(_) => 1,
            Failure::Library(_) | Failure::Missing(_) | Failure::Output(_) | Failure::Json(_) => 3,
        }
    }
}
