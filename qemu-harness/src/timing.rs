//! What Veneer adds to a boot, read from the journal. `systemd-analyze critical-chain` cannot tell: a service of the
//! initramfs that has ended is forgotten at switch-root, and in the initramfs the boot "is not yet finished".

/// The moments of one boot, in seconds since the kernel started.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Timing {
    check: Span,
    mount: Span,
    assemble: Span,
    /// When /usr was mounted.
    usr: Option<f64>,
    /// When the root file system of the initramfs counted as complete.
    complete: Option<f64>,
}

/// From "Starting" to "Finished".
#[derive(Debug, Default, PartialEq)]
struct Span {
    start: Option<f64>,
    end: Option<f64>,
}

impl Span {
    fn seconds(&self) -> Option<f64> {
        Some(self.end? - self.start?)
    }
}

impl Timing {
    /// Reads a journal in the form `short-monotonic`.
    pub(crate) fn parse(journal: &str) -> Self {
        let mut timing = Self::default();
        for line in journal.lines() {
            let Some((time, message)) = message_of_systemd(line) else { continue };
            let first = |moment: &mut Option<f64>| *moment = moment.or(Some(time));
            let mut words = message.split(' ');
            let (verb, mut unit) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if unit == "target" {
                unit = words.next().unwrap_or_default();
            }
            let starts = matches!(verb, "Starting" | "Mounting");
            let ends = matches!(verb, "Finished" | "Mounted" | "Reached" | "Failed");
            let span = if unit.starts_with("systemd-fsck@dev-disk-veneer") {
                Some(&mut timing.check)
            } else {
                match unit {
                    "run-initramfs-veneer-store.mount" => Some(&mut timing.mount),
                    "veneer-assemble.service" => Some(&mut timing.assemble),
                    _ => None,
                }
            };
            match (span, unit) {
                (Some(span), _) if starts => first(&mut span.start),
                (Some(span), _) if ends => first(&mut span.end),
                (None, "sysroot-usr.mount") if ends => first(&mut timing.usr),
                (None, "initrd-root-fs.target") if ends => first(&mut timing.complete),
                _ => {}
            }
        }
        timing
    }

    /// One line for people; `None` if Veneer had no part in the boot.
    pub(crate) fn line(&self) -> Option<String> {
        let assemble = self.assemble.seconds()?;
        let or_none = |span: &Span| span.seconds().map_or("none".to_owned(), |s| format!("{s:.2} s"));
        let after = match (self.usr, self.complete) {
            (Some(usr), Some(complete)) => {
                format!("; initrd-root-fs.target {:.2} s after /usr", complete - usr)
            }
            _ => String::new(),
        };
        Some(format!(
            "critical chain: check of the store {}, its mount {}, veneer-assemble.service {assemble:.2} s{after}",
            or_none(&self.check),
            or_none(&self.mount),
        ))
    }
}

/// Splits `[    9.22] host systemd[1]: message` into time and message.
fn message_of_systemd(line: &str) -> Option<(f64, &str)> {
    let (time, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (_, message) = rest.split_once(" systemd[1]: ")?;
    Some((time.trim().parse().ok()?, message))
}

#[cfg(test)]
mod tests {
    use super::Timing;

    const JOURNAL: &str = "\
[    8.50] localhost systemd[1]: Mounted sysroot-usr.mount - /sysroot/usr.
[    9.00] localhost systemd[1]: Starting systemd-fsck@dev-disk-veneer-store.service - File System Check…
[    9.20] localhost systemd[1]: Finished systemd-fsck@dev-disk-veneer-store.service - File System Check…
[    9.25] localhost systemd[1]: Mounting run-initramfs-veneer-store.mount - Store of the Layers over /usr...
[    9.35] localhost systemd[1]: Mounted run-initramfs-veneer-store.mount - Store of the Layers over /usr.
[    9.40] localhost systemd[1]: Starting veneer-assemble.service - Assemble the Writable Layer over /usr...
[    9.50] localhost veneer[320]: /usr has the layer
[    9.65] localhost systemd[1]: Finished veneer-assemble.service - Assemble the Writable Layer over /usr.
[    9.70] localhost systemd[1]: Reached target initrd-root-fs.target - Initrd Root File System.
[   20.00] host systemd[1]: Stopped target initrd-root-fs.target - Initrd Root File System.
";

    #[test]
    fn what_veneer_adds_is_read_from_the_journal() {
        let line = Timing::parse(JOURNAL).line().unwrap();
        assert_eq!(
            line,
            "critical chain: check of the store 0.20 s, its mount 0.10 s, veneer-assemble.service 0.25 s; \
             initrd-root-fs.target 1.20 s after /usr"
        );
    }

    #[test]
    fn a_boot_without_veneer_has_nothing_to_say() {
        assert_eq!(
            Timing::parse("[ 1.0] h systemd[1]: Reached target initrd-root-fs.target - x.").line(),
            None
        );
        assert_eq!(Timing::parse("noise\n[x] y\n"), Timing::default());
    }
}
