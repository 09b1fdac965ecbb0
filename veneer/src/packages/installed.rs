//! The packages that a tree lists, for whoever wants to show them: a base, or the /usr of the running system.

use super::database::Database as _;
use super::version::Order;
use super::{Manager, Package, dpkg, find, pacman, rpm};
use crate::error::Result;
use crate::tree::Dir;

/// The packages of which files are there, sorted by [`Package::key`]; none if there is no database that could be read.
pub fn installed(usr: &Dir) -> Result<Vec<Package>> {
    let Some((manager, dir)) = find(usr)? else { return Ok(Vec::new()) };
    let mut packages = match manager {
        Manager::Dpkg => dpkg::packages(usr, &dir)?,
        Manager::Rpm => rpm::packages(usr, &dir)?,
        Manager::Pacman => pacman::Base::open(usr, &dir)?.packages().to_vec(),
    };
    packages.retain(Package::is_installed);
    Ok(packages)
}

impl Manager {
    /// Its order of versions.
    #[must_use]
    pub fn order(self) -> Order {
        match self {
            Manager::Dpkg => Order::Dpkg,
            Manager::Rpm => Order::Rpm,
            Manager::Pacman => Order::Pacman,
        }
    }
}
