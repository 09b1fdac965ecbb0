//! `veneer doctor`: what is wrong with the running system, and what to do about it.

use crate::args::Options;
use crate::failure::Failure;
use crate::finding::tell;
use crate::root::Root;
use crate::system;

pub(crate) fn doctor(options: &Options) -> Result<String, Failure> {
    tell(options, system::check(options, &Root::new(&options.root))?)
}
