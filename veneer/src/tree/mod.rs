//! File trees by directory handles: nothing here ever follows a symlink or leaves the tree that it was given, so a
//! store made by an attacker cannot lead a program that runs as root astray.

mod attributes;
mod depth;
mod dir;
mod label;
mod removal;
mod shadow;
mod split;
mod sum;

pub use attributes::{
    Attributes, MARK_METACOPY, MARK_OPAQUE, MARK_ORIGIN, MARK_REDIRECT, MARK_WHITEOUT, is_opaque,
    is_overlay_mark,
};
pub use depth::{DEPTH_LIMIT, check_depth};
pub use dir::{Dir, Kind, is_whiteout, read_at_once, read_whole};
pub(crate) use dir::{each_piece, leave_open, read_sized};
pub use label::Label;
pub use shadow::shadow_down;
pub use split::split;
pub use sum::sum_of;
