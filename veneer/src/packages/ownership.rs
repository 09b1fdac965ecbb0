//! What the package databases say of a path: all that the file engine asks of packages.

/// Who owns a path of the layer, once it is known what becomes of each package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Owner {
    /// No package, or none that the others are about.
    #[default]
    Nobody,
    /// A base package that the user left alone (BASE): the rules for files, with [`Shipped::old`] for what A had.
    Base,
    /// A package of the user's that stays, and that the new base does not have (KEEP, ADOPT).
    Kept,
    /// A package that the user has in a newer version than the new base (OVERRIDE).
    Overriding,
    /// A package whose files in the layer go: the base has it, or nobody has it any more (HANDBACK, DROPPED).
    Gone,
    /// A package that the user removed and that stays removed: the new base's files of it are hidden (REMOVED).
    Removed,
    /// A package of the base that the user had removed and that is back all the same.
    Returned,
    /// The package database itself, which is composed anew.
    Database,
    /// A package database that the new base has no counterpart for.
    Stranded,
}

/// The digest of a file's content as a package database has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// dpkg's `md5sums`, and very old rpms.
    Md5([u8; 16]),
    /// rpm, and pacman's mtree.
    Sha256([u8; 32]),
}

/// What a path's content was when its package brought it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shipped {
    /// By the old base's database: the content of A.
    pub old: Option<Digest>,
    /// By the layer's database: what the package manager put into the upper. Equal to `old` for base packages.
    pub layer: Option<Digest>,
}
