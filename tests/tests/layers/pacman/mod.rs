//! pacman's database after a rebase describes exactly what is visible.

mod ground;
mod hooks;
mod needs;
mod trouble;
mod verdicts;

use veneer_tests::base::Form;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;

const PACMAN: &[Need] = &[Need::Tool("pacman"), Need::Tool("bsdtar"), Need::Tool("gzip")];
const IMAGES: &[Need] = &[
    Need::Tool("pacman"),
    Need::Tool("bsdtar"),
    Need::Tool("gzip"),
    Need::Tool("mkfs.erofs"),
    Need::Kernel("erofs"),
    Need::Kernel("ext4"),
];

macro_rules! scenarios {
    ($($name:literal $needs:ident $run:expr,)*) => {
        &[$(Scenario { name: $name, needs: $needs, run: $run },)*]
    };
}

pub(crate) const SCENARIOS: &[Scenario] = scenarios! {
    "pacman_package_of_the_user" PACMAN |d| verdicts::of_the_user(d, Form::Dir, Store::Dir),
    "pacman_package_of_the_user_on_images" IMAGES |d| verdicts::of_the_user(d, Form::Erofs, Store::Ext4(64)),
    "pacman_base_ships_the_users_package" PACMAN verdicts::base_ships_it,
    "pacman_newer_in_the_layer_then_in_the_base" PACMAN verdicts::newer,
    "pacman_its_own_order_of_versions_decides" PACMAN verdicts::order,
    "pacman_base_package_removed" PACMAN verdicts::removed,
    "pacman_removed_package_shares_a_directory" PACMAN verdicts::shared_directory,
    "pacman_base_drops_packages" PACMAN needs::dropped,
    "pacman_needed_package_adopted_from_the_old_base" PACMAN needs::adopted,
    "pacman_file_that_another_package_of_the_base_has" PACMAN needs::file_of_both,
    "pacman_libc_of_the_layer" PACMAN verdicts::critical,
    "pacman_marks_of_the_user" PACMAN verdicts::marks,
    "pacman_layer_without_changes" PACMAN verdicts::untouched,
    "pacman_reinstalled_base_package" PACMAN |d| verdicts::reinstalled(d, "editor"),
    "pacman_reinstalled_package_that_b_drops" PACMAN |d| verdicts::reinstalled(d, "leftover"),
    "pacman_edited_file_of_a_package_that_goes" PACMAN verdicts::edited,
    "pacman_transaction_cut_off" PACMAN trouble::cut_off,
    "pacman_conflicts_are_told" PACMAN needs::conflicts,
    "pacman_hooks_scriptlets_and_sync_databases" PACMAN hooks::beside,
    "pacman_hook_records_after_each_transaction" PACMAN hooks::hook,
    "pacman_database_damaged_in_the_layer" PACMAN trouble::damaged,
    "pacman_base_without_a_database" PACMAN |d| trouble::unusable(d, |_| {}),
    "pacman_base_with_a_later_format" PACMAN |d| trouble::unusable(d, trouble::later_format),
    "pacman_base_with_its_database_elsewhere" PACMAN trouble::elsewhere,
    "pacman_major_version_without_a_network" PACMAN trouble::major,
};
