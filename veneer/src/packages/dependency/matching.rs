//! Whether one thing that is provided is the one thing that is wanted: each manager's own rule.

use std::cmp::Ordering;

use super::{Kind, Member, MultiArch, Op, Provided, Qualifier};
use crate::packages::version::{Evr, Order};

/// Who asks, and for which versions and architectures of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) version: Option<(Op, &'a str)>,
    pub(super) arch: &'a Qualifier,
    /// The architecture of the package that asks.
    pub(super) own_arch: &'a str,
    pub(super) kind: Kind,
}

/// Whether `provided` of `member`, which has the name that is asked for, is an answer.
pub(super) fn answers(
    order: Order,
    question: Question<'_>,
    member: &Member<'_>,
    provided: &Provided<'_>,
) -> bool {
    versions_meet(order, question.version, provided.version)
        && (order != Order::Dpkg || arch_fits(question, member, provided))
}

fn versions_meet(order: Order, wanted: Option<(Op, &str)>, there: Option<(Op, &str)>) -> bool {
    match (order, wanted, there) {
        // dpkg takes no notice of a Provides with another sign than `=`.
        (Order::Dpkg, _, Some((op, _))) if op != Op::EQUAL => false,
        (_, None, _) | (Order::Rpm, _, None) => true,
        (Order::Dpkg | Order::Pacman, Some(_), None) => false,
        (Order::Rpm, Some(wanted), Some(there)) => ranges_overlap(wanted, there),
        // pacman compares with an exact version only.
        (Order::Dpkg | Order::Pacman, Some((op, wanted)), Some((equal, there))) => {
            equal == Op::EQUAL && op.allows(order.compare(there, wanted))
        }
    }
}

/// rpm's rule: both sides are ranges. A release that only one side names is not compared, if the other side takes
/// equal versions at all.
fn ranges_overlap((op_a, a): (Op, &str), (op_b, b): (Op, &str)) -> bool {
    let (a, b) = (Evr::parse(a), Evr::parse(b));
    let release = |evr: Evr<'_>| evr.release.is_some_and(|release| !release.is_empty());
    let mut ordering = a.compare_without_release(&b);
    if ordering.is_eq() {
        match (release(a), release(b)) {
            (true, true) => ordering = a.compare(&b),
            (true, false) if op_b.equal => return true,
            (false, true) if op_a.equal => return true,
            _ => {}
        }
    }
    match ordering {
        Ordering::Less => op_a.greater || op_b.less,
        Ordering::Greater => op_a.less || op_b.greater,
        Ordering::Equal => {
            (op_a.equal && op_b.equal) || (op_a.less && op_b.less) || (op_a.greater && op_b.greater)
        }
    }
}

/// dpkg's rule (deb-control(5), and the multiarch specification that it follows), with apt's reading where the two
/// differ, since `apt-get` refuses to work if it finds a package broken: `:any` of what is forbidden, and Provides with
/// an architecture. The architectures are known by name: none is `all`.
fn arch_fits(question: Question<'_>, member: &Member<'_>, provided: &Provided<'_>) -> bool {
    let there = provided.arch.unwrap_or(member.arch);
    // What a Provides says of an architecture is all that holds of it.
    let multi_arch = if provided.arch.is_some() { MultiArch::No } else { member.multi_arch };
    match question.arch {
        // What is forbidden is so on every architecture.
        Qualifier::Own if question.kind == Kind::Forbids => there != "any",
        Qualifier::Own => there == question.own_arch || multi_arch == MultiArch::Foreign,
        Qualifier::Any => there == "any" || multi_arch == MultiArch::Allowed,
        Qualifier::Arch(arch) => there == arch,
    }
}
