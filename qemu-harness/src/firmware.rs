//! UEFI for a machine, and the partition that it starts from: systemd-boot, which tells the system which disk it came from.

use std::path::{Path, PathBuf};

use crate::command;
use crate::error::Result;
use crate::form::ESP_MIB;
use crate::loader::Entry;
use crate::tools::Tools;

/// The firmware and its empty variables, in the tools' tree.
const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// One entry, by the Boot Loader Specification, and no menu.
pub(crate) const SCRIPT: &str = r#"
image=$1 mib=$2 kernel=$3 initrd=$4 words=$5
truncate -s "${mib}M" "$image"
mkfs.vfat "$image"
mmd -i "$image" ::EFI ::EFI/BOOT ::loader ::loader/entries
mcopy -i "$image" /usr/lib/systemd/boot/efi/systemd-bootx64.efi ::EFI/BOOT/BOOTX64.EFI
mcopy -i "$image" "$kernel" ::vmlinuz
mcopy -i "$image" "$initrd" ::initrd.img
printf 'timeout 0\n' | mcopy -i "$image" - ::loader/loader.conf
printf '%s\n' 'title Veneer' 'linux /vmlinuz' 'initrd /initrd.img' "options $words" |
    mcopy -i "$image" - ::loader/entries/veneer.conf
"#;

/// Makes the file system of the EFI system partition.
pub(crate) fn make_esp(tools: &Tools, image: &Path, entry: &Entry, log: &Path) -> Result<()> {
    let mut make = tools.command("sh");
    make.args(["-euc", SCRIPT, "sh"]).arg(image).arg(ESP_MIB.to_string());
    make.arg(&entry.kernel).arg(&entry.initrd).arg(&entry.words);
    command::run("making an EFI system partition", &mut make, log)
}

/// The firmware of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Firmware {
    variables: PathBuf,
}

impl Firmware {
    /// One whose variables are in `dir`. As it comes from the factory: what is booted is found on the disk.
    pub(crate) fn new(tools: &Tools, dir: &Path) -> Result<Self> {
        let variables = dir.join("efi-variables");
        tools.run(
            "copying a firmware's variables",
            "cp",
            [VARIABLES.as_ref(), variables.as_os_str()],
            &dir.join("firmware.log"),
        )?;
        Ok(Self { variables })
    }

    /// What QEMU is told of it. The words come after those of the boot loader's entry.
    pub(crate) fn devices(&self, words: &str) -> [String; 6] {
        let flash =
            |unit: u8, path: &str, more: &str| format!("if=pflash,unit={unit},format=raw,file={path}{more}");
        // A comma would be the end of the value.
        let words = words.replace(',', ",,");
        [
            "-drive".to_owned(),
            flash(0, CODE, ",readonly=on"),
            "-drive".to_owned(),
            flash(1, &self.variables.display().to_string(), ""),
            "-smbios".to_owned(),
            format!("type=11,value=io.systemd.boot.kernel-cmdline-extra={words}"),
        ]
    }
}
