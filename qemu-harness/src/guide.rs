//! The steps of docs/integration.md: images are set up by the very lines that an image builder reads there.

use crate::form::Form;
use crate::recipe::{Manager, Recipe};

const GUIDE: &str = include_str!("../../docs/integration.md");

/// The shell blocks of the guide that this image takes, in their order, as one script.
///
/// A plain image finds its store on the disk. One of rpm packages has its database in place, and its own hook; it goes
/// without a stamp, so that bases that are known by their fingerprint are booted, too. With `has_veneer` false, what is
/// Veneer's is not there to be used.
pub(crate) fn script(recipe: &Recipe, has_veneer: bool) -> String {
    let is_taken = |block: &&str| {
        let has = |word: &str| block.contains(word);
        let is_of_dpkg = recipe.manager == Manager::Dpkg || has("dracut");
        let is_of_store = !has("repart") || recipe.form.makes_store();
        let is_of_encryption = !has("crypttab") || recipe.form == Form::Encrypted;
        let is_other = !is_of_labels(block);
        is_of_dpkg && is_of_store && is_of_encryption && is_other && (has_veneer || !has("veneer"))
    };
    blocks().filter(is_taken).collect()
}

/// What labels the image. It comes after everything that makes a file.
pub(crate) fn labels(form: Form) -> String {
    blocks().filter(|block| form == Form::Labelled && is_of_labels(block)).collect()
}

fn is_of_labels(block: &str) -> bool {
    block.contains("setfiles")
}

/// All of them: what is between a line "```sh" and the next "```".
fn blocks() -> impl Iterator<Item = &'static str> {
    GUIDE
        .split("\n```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split_inclusive("\n```\n").next()?.strip_suffix("```\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{DEBIAN13_A, DNF_A, ENCRYPTED_A, SEALED_A, SELINUX_A};

    #[test]
    fn a_sealed_image_with_an_encrypted_store_takes_every_block_in_order() {
        let all: Vec<&str> = blocks().filter(|block| !is_of_labels(block)).collect();
        assert_eq!(script(&ENCRYPTED_A, true), all.concat());
        assert!(!script(&SEALED_A, true).contains("crypttab"));
        let words = [
            "mv /var/lib/dpkg",
            "90veneer",
            "60-veneer.conf",
            "crypttab",
            "dracut --force",
            "veneer lint --stamp",
        ];
        assert_eq!(all.len(), words.len());
        assert!(all.iter().zip(words).all(|(block, word)| block.contains(word)), "{all:#?}");
    }

    #[test]
    fn others_leave_out_what_they_have() {
        let lines =
            |recipe, has_veneer| script(recipe, has_veneer).lines().map(str::to_owned).collect::<Vec<_>>();
        let plain = lines(&DEBIAN13_A, true);
        assert!(!plain.iter().any(|line| line.contains("repart")));
        assert!(plain.last().is_some_and(|line| line == "veneer lint --stamp"));
        assert_eq!(lines(&SELINUX_A, true), plain);
        assert!(lines(&DNF_A, true).iter().all(|line| !line.contains("dpkg") && !line.contains("lint")));
        let bare = lines(&DEBIAN13_A, false);
        assert!(bare.iter().all(|line| !line.contains("veneer")) && bare.len() > 3, "{bare:?}");
    }

    #[test]
    fn labels_are_for_an_image_with_selinux() {
        assert!(labels(SELINUX_A.form).contains("setfiles"));
        assert_eq!(labels(DEBIAN13_A.form), "");
    }
}
