//! What a check found: values, and what people are told.

use std::fmt;

/// What is amiss with one requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Nothing that is there meets it.
    Missing {
        /// False if it was only recommended.
        strong: bool,
        /// Something of that name in another version, if there is one.
        there: Option<String>,
    },
    /// Something is there that must not be: this.
    Conflict {
        /// The package.
        with: String,
    },
    /// It could not be read, and was not checked.
    Unknown,
}

/// A requirement that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The package that asks.
    pub package: String,
    /// Its architecture, as it was given to the check.
    pub arch: String,
    /// The requirement, as the package manager writes it.
    pub requirement: String,
    /// What is amiss.
    pub what: What,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmet { package, requirement, .. } = self;
        match &self.what {
            What::Missing { strong, there } => {
                let verb = if *strong { "needs" } else { "recommends" };
                write!(f, "{package} {verb} {requirement}")?;
                there.iter().try_for_each(|there| write!(f, "; there is {there}"))
            }
            What::Conflict { with } if with == requirement => write!(f, "{package} conflicts with {with}"),
            What::Conflict { with } => write!(f, "{package} conflicts with {requirement}; there is {with}"),
            What::Unknown => write!(f, "{package} has a requirement that is not understood: {requirement}"),
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Sorted by package; of a package in the order in which it asked.
    pub unmet: Vec<Unmet>,
    /// False if a bound was met, and not everything was checked.
    pub complete: bool,
}
