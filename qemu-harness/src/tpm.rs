//! A TPM 2.0 for a machine: swtpm, whose state outlives a boot as a chip's does.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;

use crate::error::{Error, Result};
use crate::tools::Tools;

/// How long swtpm may take to listen, on a busy host.
const PATIENCE: Duration = Duration::from_secs(30);

/// The chip, switched off.
#[derive(Clone, Debug)]
pub(crate) struct Tpm {
    dir: PathBuf,
}

/// The chip, at work until this is dropped.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Tpm {
    /// One whose state is below the directory of a scenario's run.
    pub(crate) fn of(run: &Path) -> Self {
        Self { dir: run.join("tpm") }
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    /// What QEMU is told of it.
    pub(crate) fn devices(&self) -> [String; 6] {
        let chardev = format!("socket,id=tpm,path={}", self.socket().display());
        ["-chardev", &chardev, "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"]
            .map(str::to_owned)
    }

    /// Switches it on.
    pub(crate) fn start(&self, tools: &Tools) -> Result<Running> {
        let what = "starting a TPM";
        fs::create_dir_all(&self.dir).map_err(Error::io(what))?;
        let socket = self.socket();
        if socket.exists() {
            fs::remove_file(&socket).map_err(Error::io(what))?;
        }
        let mut swtpm = tools.command("swtpm");
        swtpm
            .args(["socket", "--tpm2", "--terminate", "--tpmstate"])
            .arg(format!("dir={}", self.dir.display()));
        swtpm.arg("--ctrl").arg(format!("type=unixio,path={}", socket.display()));
        let log = fs::File::create(self.dir.join("log")).map_err(Error::io(what))?;
        let err = log.try_clone().map_err(Error::io(what))?;
        swtpm.stdin(Stdio::null()).stdout(log.into_parts().0).stderr(err.into_parts().0);
        let mut running = Running(swtpm.spawn().map_err(Error::io(what))?);
        let started = Instant::now();
        while !socket.exists() {
            let ended = running.0.try_wait().map_err(Error::io(what))?.is_some();
            if ended || started.elapsed() > PATIENCE {
                let why = format!("swtpm does not listen; see {}", self.dir.join("log").display());
                return Err(Error::io(what)(std::io::Error::other(why)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends with its machine; one that lost it is ended here. Either way there is nothing to be done about an error.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
