//! What is made again after a rebase: files under /usr that are made from others. The rebase dropped the layer's, so the
//! base's are visible, which know nothing of what the user added.

mod labels;
mod step;
mod table;
mod triggers;

pub(crate) use labels::relabel;
pub(crate) use step::{Step, When};
pub(crate) use table::steps;
pub(crate) use triggers::pending;
