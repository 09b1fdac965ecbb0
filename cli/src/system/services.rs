//! What systemd says of Veneer's units, and what the kernel has for it.

use std::process::{Command, Stdio};

use crate::args::Options;
use crate::finding::Finding;
use crate::image::units;
use crate::root::Root;

#[derive(Debug, Default)]
pub(crate) struct Facts {
    failed: Vec<String>,
    /// What a rebase asked to be made again is not made.
    refresh_is_due: bool,
    /// The kernel's release, if its modules are not in /usr.
    without_modules: Option<String>,
}

impl Facts {
    pub(crate) fn gather(options: &Options, root: &Root) -> Self {
        let refresh_is_due = options.runtime.join("refresh").exists();
        // Only of the running system do systemd and the kernel know anything.
        if !root.is_running() {
            return Facts { refresh_is_due, ..Facts::default() };
        }
        let mut systemctl = Command::new("systemctl");
        systemctl.args(["show", "--property=Id,ActiveState"]).args(units::names());
        let output = systemctl.stdin(Stdio::null()).stderr(Stdio::null()).output();
        let text =
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let has_modules = root.exists(format!("usr/lib/modules/{release}"));
        Facts {
            failed: failed(&text),
            refresh_is_due,
            without_modules: Some(release).filter(|_| !has_modules),
        }
    }

    pub(crate) fn judge(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for unit in &self.failed {
            let next = format!("`journalctl -b -u {unit}` says why; `systemctl restart {unit}` tries again.");
            found.push(Finding::error("unit-failed", format!("{unit} failed"), next));
        }
        if self.refresh_is_due && self.failed.is_empty() {
            let message = "what is made from other files was not made again yet after the rebase";
            found.push(Finding::warning(
                "refresh-due",
                message,
                "veneer-refresh.service does it; `veneer refresh` does it now.",
            ));
        }
        if let Some(release) = &self.without_modules {
            let message = format!("the running kernel is {release}, and its modules are not in /usr");
            let next =
                "Boot the kernel that belongs to this base: kernel and /usr have to be updated together.";
            found.push(Finding::warning("kernel-modules-missing", message, next));
        }
        found
    }
}

/// The units that `systemctl show` calls failed, of blocks of lines.
fn failed(text: &str) -> Vec<String> {
    let is_failed = |block: &&str| block.lines().any(|line| line == "ActiveState=failed");
    let blocks = text.split("\n\n").filter(is_failed);
    let ids = blocks.filter_map(|block| block.lines().find_map(|line| line.strip_prefix("Id=")));
    ids.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::names;

    #[test]
    fn what_failed_and_what_is_due() {
        let text =
            "Id=veneer-bless.service\nActiveState=active\n\nActiveState=failed\nId=veneer-refresh.service\n";
        assert_eq!(failed(text), ["veneer-refresh.service"]);
        assert_eq!(failed("systemd is not running"), [""; 0]);
        assert_eq!(Facts::default().judge(), []);
        let one = Facts { failed: failed(text), refresh_is_due: true, without_modules: None };
        assert_eq!(names(&one.judge()), ["unit-failed"]);
        let other = Facts { refresh_is_due: true, without_modules: Some("6.12".into()), failed: vec![] };
        assert_eq!(names(&other.judge()), ["refresh-due", "kernel-modules-missing"]);
    }
}
