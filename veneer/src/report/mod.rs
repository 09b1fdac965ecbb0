//! What this boot did: for programs in `status.json`, for people in the log.

mod journal;
mod problem;
mod progress;
mod status;
mod voice;

pub use journal::{MESSAGE_LAYER, MESSAGE_PRISTINE, tell_journal};
pub use problem::{Problem, ProblemKind, display_path};
pub use progress::{Progress, show_progress};
pub use status::{Outcome, Status, StatusBase, StatusLayer, StatusLower};
pub use voice::{Sink, one_line, start_log};
