//! What is asked for, as a formula over capabilities.

use super::Capability;

/// What a package asks for: capabilities, combined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants<C = Capability> {
    /// One of them.
    One(C),
    /// `a | b` of dpkg, `(a or b)` of rpm.
    Any(Vec<Wants<C>>),
    /// `(a and b)`
    All(Vec<Wants<C>>),
    /// `(what if when else otherwise)`
    If {
        /// Wanted if the condition holds.
        what: Box<Wants<C>>,
        /// The condition.
        when: Box<Wants<C>>,
        /// Wanted if it does not; `None` for nothing.
        otherwise: Option<Box<Wants<C>>>,
    },
    /// `(what unless when else otherwise)`, which rpm has for what is forbidden.
    Unless {
        /// Wanted if the condition does not hold.
        what: Box<Wants<C>>,
        /// The condition.
        when: Box<Wants<C>>,
        /// Wanted if it does; without it nothing helps.
        otherwise: Option<Box<Wants<C>>>,
    },
    /// `(a with b)`: one package has them all.
    Together(Vec<Wants<C>>),
    /// `(a without b)`: one package has the first, and not the second.
    Without(Box<Wants<C>>, Box<Wants<C>>),
    /// What could not be read.
    Unknown,
}

impl Wants<usize> {
    /// Whether it holds, given what is there.
    pub(super) fn holds(&self, met: &impl Fn(usize) -> bool) -> bool {
        let either = |wants: Option<&Self>, default| wants.map_or(default, |wants| wants.holds(met));
        match self {
            Wants::One(number) => met(*number),
            Wants::Any(list) => list.iter().any(|wants| wants.holds(met)),
            Wants::All(list) | Wants::Together(list) => list.iter().all(|wants| wants.holds(met)),
            Wants::If { what, when, .. } if when.holds(met) => what.holds(met),
            Wants::If { otherwise, .. } => either(otherwise.as_deref(), true),
            Wants::Unless { what, when, .. } if !when.holds(met) => what.holds(met),
            Wants::Unless { otherwise, .. } => either(otherwise.as_deref(), false),
            Wants::Without(what, not) => what.holds(met) && !not.holds(met),
            Wants::Unknown => false,
        }
    }

    /// True if a part of it could not be read.
    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Wants::Unknown => true,
            Wants::One(_) => false,
            Wants::Any(list) | Wants::All(list) | Wants::Together(list) => list.iter().any(Wants::is_unknown),
            Wants::If { what, when, otherwise } | Wants::Unless { what, when, otherwise } => {
                [Some(what), Some(when), otherwise.as_ref()].into_iter().flatten().any(|w| w.is_unknown())
            }
            Wants::Without(what, not) => what.is_unknown() || not.is_unknown(),
        }
    }
}
