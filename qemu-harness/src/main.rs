//! Real machines for the tests of Veneer: builds images of Debian, boots them in QEMU and judges what they report.
//!
//! `cargo run -p qemu-harness -- list` names the scenarios. The host needs cargo, make and mmdebstrap; everything
//! else, QEMU included, comes from a chroot in the cache. See src/catalogue to add a scenario.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use cache::Cache;
use error::{Error, Result};
use image::Image;
use machine::Accel;
use recipe::Recipe;
use run::Lab;
use scenario::Scenario;
use stage::Stage;
use tools::Tools;

mod cache;
mod catalogue;
mod command;
mod console;
mod demo;
mod disk;
mod error;
mod firmware;
mod form;
mod guest;
mod guide;
mod image;
mod key;
mod layout;
mod loader;
mod machine;
mod ostree;
mod outcome;
mod progress;
mod recipe;
mod run;
mod scenario;
mod screenshot;
mod stage;
mod tap;
mod timing;
mod tools;
mod topologies;
mod tpm;
mod tree;

/// How the program is called.
pub(crate) const USAGE: &str = "\
usage: qemu-harness [OPTION…] COMMAND
  list            the scenarios
  run NAME…       boot these scenarios
  check           boot those that every change must pass
  all             boot all of them
  demo            the story, told by a real machine
  topologies FILE the page about what was booted, of the last runs; all of its scenarios are run with --all
  screenshots DIR pictures of what the command prints on a real machine, as SVG and PNG
  shell NAME      a console on the first machine of a scenario
  clean           remove from the cache what today's recipes no longer name; clean --all removes everything
options:
  --stage DIR     an installed Veneer to test instead of building one
  --append WORDS  more for the kernel's command line of every boot
  --jobs N        as many machines at a time, not two
  --keep          keep the disks of runs that went well, too
The cache is $VENEER_CACHE, $XDG_CACHE_HOME/veneer or ~/.cache/veneer.";

/// How many images are made at once: unpacking waits for the network, dracut for the processor.
const BUILDERS: usize = 2;

fn main() -> ExitCode {
    match Arguments::parse().and_then(|arguments| arguments.execute()) {
        Ok(code) => code,
        Err(error @ Error::Usage(_)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("qemu-harness: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many machines run at once: half of a boot waits, for the disk, for timers, for its other processor.
const MACHINES: usize = 2;

#[derive(Default)]
struct Arguments {
    words: Vec<String>,
    stage: Option<PathBuf>,
    append: String,
    keep: bool,
    all: bool,
    jobs: usize,
}

impl Arguments {
    fn parse() -> Result<Self> {
        use lexopt::prelude::{Long, Value, ValueExt as _};
        let usage = |error: lexopt::Error| Error::Usage(error.to_string());
        let mut arguments = Self { jobs: MACHINES, ..Self::default() };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Long("stage") => arguments.stage = Some(parser.value().map_err(usage)?.into()),
                Long("append") => {
                    arguments.append = parser.value().map_err(usage)?.to_string_lossy().into_owned();
                }
                Long("jobs") => {
                    arguments.jobs = parser.value().and_then(|value| value.parse()).map_err(usage)?;
                }
                Long("keep") => arguments.keep = true,
                Long("all") => arguments.all = true,
                Value(word) => arguments.words.push(word.to_string_lossy().into_owned()),
                _ => return Err(usage(argument.unexpected())),
            }
        }
        Ok(arguments)
    }

    fn execute(&self) -> Result<ExitCode> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["list"] => {
                for scenario in catalogue::all() {
                    println!("{:<18} {} boots  {}", scenario.name, scenario.boots.len(), scenario.about);
                }
                Ok(ExitCode::SUCCESS)
            }
            ["all"] => self.run(&catalogue::all(), true),
            ["check"] => self.run(&catalogue::check(), true),
            ["run", names @ ..] if !names.is_empty() => self.run(&find(names)?, true),
            ["demo"] => self.run(&[demo::story()], false),
            ["topologies", file] => self.topologies(std::path::Path::new(file)),
            ["screenshots", dir] => self.screenshots(std::path::Path::new(dir)),
            ["shell", name] => self.shell(&find(&[name])?),
            ["clean"] => self.clean(),
            _ => Err(Error::Usage("what is to be done?".to_owned())),
        }
    }

    fn run(&self, scenarios: &[Scenario], test: bool) -> Result<ExitCode> {
        self.with_lab(scenarios, test, |lab| {
            let tally = lab.run_all(scenarios, if test { self.jobs } else { 1 })?;
            progress::say(&format!("all of it took {} s", progress::elapsed().as_secs()));
            println!("{} passed, {} failed", tally.passed, tally.failed);
            Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }

    fn topologies(&self, file: &std::path::Path) -> Result<ExitCode> {
        let code = if self.all {
            self.run(&find(&topologies::names().collect::<Vec<_>>())?, true)?
        } else {
            ExitCode::SUCCESS
        };
        let page = topologies::page(&Cache::open()?);
        fs_err::write(file, page).map_err(Error::io("writing the page"))?;
        Ok(code)
    }

    fn screenshots(&self, dir: &std::path::Path) -> Result<ExitCode> {
        let story = screenshot::story();
        self.with_lab(std::slice::from_ref(&story), true, |lab| {
            let tally = lab.run_all(std::slice::from_ref(&story), 1)?;
            if tally.failed > 0 {
                return Ok(ExitCode::FAILURE);
            }
            for path in screenshot::render(&lab.cache.path("runs").join(story.name), dir)? {
                println!("{}", path.display());
            }
            Ok(ExitCode::SUCCESS)
        })
    }

    fn shell(&self, scenarios: &[Scenario]) -> Result<ExitCode> {
        self.with_lab(scenarios, true, |lab| {
            scenarios.iter().try_for_each(|scenario| lab.shell(scenario))?;
            Ok(ExitCode::SUCCESS)
        })
    }

    /// Makes all that the scenarios need, then hands it over.
    fn with_lab(
        &self,
        scenarios: &[Scenario],
        test: bool,
        work: impl FnOnce(&Lab) -> Result<ExitCode>,
    ) -> Result<ExitCode> {
        progress::elapsed();
        require_root()?;
        tools::require_host()?;
        let cache = Cache::open()?;
        // The compiler wants the processor, the chroot the network: together they take little longer than one.
        let (stage, tools) = std::thread::scope(|scope| {
            let tools = scope.spawn(|| Tools::prepare(&cache));
            let stage = Stage::prepare(&cache, self.stage.as_deref());
            (stage, tools.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (stage, tools) = (stage?, tools?);
        if !stage.has_veneer() {
            progress::say("the staged install has no Veneer in it: the images are bare");
        }
        let images = images(&cache, &tools, &stage, scenarios)?;
        let Some(first) = images.first() else { return Ok(ExitCode::SUCCESS) };
        let accel = Accel::probe(&cache, &tools, first)?;
        progress::say(match accel {
            Accel::Kvm => "machines run under KVM",
            Accel::Tcg => "no usable KVM here: machines are emulated",
        });
        work(&Lab {
            cache: &cache,
            tools: &tools,
            accel,
            images: &images,
            append: &self.append,
            keep: self.keep,
            live: !test,
        })
    }

    fn clean(&self) -> Result<ExitCode> {
        require_root()?;
        let cache = Cache::open()?;
        let removed = if self.all {
            cache.prune(|_| false)?
        } else {
            let stage = Stage::prepare(&cache, self.stage.as_deref())?;
            let mut keep = vec![Tools::name(), "stage".to_owned(), "packages".to_owned(), "logs".to_owned()];
            for recipe in recipe::ALL {
                keep.extend([recipe.tree_name(), image::name(recipe, &stage)]);
            }
            cache.prune(|name| keep.iter().any(|kept| kept == name))?
        };
        println!("{removed} entries removed from {}", cache.root().display());
        Ok(ExitCode::SUCCESS)
    }
}

fn require_root() -> Result<()> {
    if rustix::process::geteuid().is_root() { Ok(()) } else { Err(Error::NotRoot) }
}

fn find(names: &[&str]) -> Result<Vec<Scenario>> {
    let all = catalogue::all();
    let one = |name: &&str| {
        let found = all.iter().find(|scenario| scenario.name == *name);
        found.cloned().ok_or_else(|| Error::UnknownScenario((*name).to_owned()))
    };
    names.iter().map(one).collect()
}

/// Makes the images of all bases that the scenarios name, some at a time.
fn images(cache: &Cache, tools: &Tools, stage: &Stage, scenarios: &[Scenario]) -> Result<Vec<Image>> {
    let mut wanted: Vec<&'static Recipe> = Vec::new();
    let boots = scenarios.iter().flat_map(|scenario| &scenario.boots);
    for base in boots.flat_map(|boot| std::iter::once(boot.base).chain(boot.next)) {
        if wanted.iter().all(|recipe| recipe.name != base.name) {
            wanted.push(base);
        }
    }
    let queue = Mutex::new(wanted.into_iter());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        let build = || {
            let mut made = Vec::new();
            while let Some(recipe) = next() {
                made.push(Image::prepare(cache, tools, stage, recipe)?);
            }
            Ok(made)
        };
        let builders: Vec<_> = (0..BUILDERS).map(|_| scope.spawn(build)).collect();
        let mut images = Vec::new();
        for builder in builders {
            let made: Result<Vec<Image>> =
                builder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            images.extend(made?);
        }
        Ok(images)
    })
}
