//! dpkg's database after a rebase describes exactly what is visible.

mod beside;
mod debian;
mod ground;
mod needs;
mod random;
mod states;
mod trouble;
mod verdicts;

pub(crate) use ground::{machine, machine_of, packages_a, packages_b};

use veneer_tests::base::Form;
use veneer_tests::scenario::{Need, Scenario};
use veneer_tests::store::Store;

const DPKG: &[Need] = &[Need::Tool("dpkg"), Need::Tool("dpkg-deb"), Need::Tool("apt-get")];
const IMAGES: &[Need] = &[
    Need::Tool("dpkg"),
    Need::Tool("dpkg-deb"),
    Need::Tool("apt-get"),
    Need::Tool("mkfs.erofs"),
    Need::Kernel("erofs"),
    Need::Kernel("ext4"),
];
const DEBIAN: &[Need] =
    &[Need::Tool("mmdebstrap"), Need::Tool("mkfs.erofs"), Need::Kernel("erofs"), Need::Made(debian::lacking)];

macro_rules! scenarios {
    ($($name:literal $needs:ident $run:expr,)*) => {
        &[$(Scenario { name: $name, needs: $needs, run: $run },)*]
    };
}

pub(crate) const SCENARIOS: &[Scenario] = scenarios! {
    "dpkg_package_of_the_user" DPKG |d| verdicts::of_the_user(d, Form::Dir, Store::Dir),
    "dpkg_package_of_the_user_on_images" IMAGES |d| verdicts::of_the_user(d, Form::Erofs, Store::Ext4(64)),
    "dpkg_base_ships_the_users_package" DPKG verdicts::base_ships_it,
    "dpkg_newer_in_the_layer_then_in_the_base" DPKG verdicts::newer,
    "dpkg_its_own_order_of_versions_decides" DPKG verdicts::order,
    "dpkg_base_package_purged" DPKG |d| verdicts::removed(d, true),
    "dpkg_base_package_removed" DPKG |d| verdicts::removed(d, false),
    "dpkg_removed_package_shares_a_directory" DPKG verdicts::shared_directory,
    "dpkg_file_of_a_removed_package_moved" DPKG verdicts::moved,
    "dpkg_own_file_in_place_of_a_removed_package" DPKG verdicts::own_instead,
    "dpkg_libc_of_the_layer" DPKG verdicts::critical,
    "dpkg_essential_package_removed" DPKG verdicts::essential,
    "dpkg_layer_without_changes" DPKG verdicts::untouched,
    "dpkg_edited_file_of_a_base_package" DPKG verdicts::edited,
    "dpkg_reinstalled_base_package" DPKG |d| verdicts::reinstalled(d, "editor"),
    "dpkg_reinstalled_package_that_b_drops" DPKG |d| verdicts::reinstalled(d, "leftover"),
    "dpkg_edited_file_of_a_package_that_goes" DPKG verdicts::edited_then_gone,
    "dpkg_base_drops_packages" DPKG needs::dropped,
    "dpkg_needed_package_adopted_from_the_old_base" DPKG needs::adopted,
    "dpkg_dependencies_are_told_both_ways" DPKG needs::both_ways,
    "dpkg_file_that_another_package_of_the_base_has" DPKG needs::file_of_both,
    "dpkg_orphan_of_the_old_base" DPKG needs::orphan,
    "dpkg_hold_and_other_wishes" DPKG states::held,
    "dpkg_half_installed_and_unpacked" DPKG states::unfinished,
    "dpkg_journal_of_a_power_cut" DPKG states::journal,
    "dpkg_two_architectures" DPKG states::multi_arch,
    "dpkg_architecture_changes" DPKG states::arch_changes,
    "dpkg_diversion_of_a_package" DPKG beside::diversion,
    "dpkg_diversion_of_the_base_removed" DPKG beside::diversion_removed,
    "dpkg_statoverride" DPKG beside::statoverride,
    "dpkg_alternatives" DPKG beside::alternatives,
    "dpkg_triggers" DPKG beside::triggers,
    "dpkg_database_damaged_in_the_layer" DPKG trouble::damaged,
    "dpkg_list_cut_short_hides_nothing" DPKG trouble::cut_short,
    "dpkg_layer_without_a_record" DPKG trouble::no_record,
    "dpkg_record_damaged" DPKG trouble::damaged_record,
    "dpkg_base_without_a_database" DPKG trouble::gone,
    "dpkg_base_with_its_database_elsewhere" DPKG trouble::elsewhere,
    "dpkg_major_version_without_a_network" DPKG trouble::major,
    "dpkg_random_packages" DPKG random::packages,
    "dpkg_real_debian" DEBIAN debian::story,
};
