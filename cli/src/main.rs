//! veneer: the command for people.
//!
//! Exit status: 0 done, 1 the answer is no, 2 usage, 3 failed.

mod args;
mod base;
mod commands;
#[cfg(test)]
mod completions;
mod date;
mod failure;
mod finding;
mod image;
mod labels;
mod lines;
mod output;
mod owner;
mod packages;
mod refresh;
mod root;
mod system;
mod terminal;
mod wanted;
mod warnings;

use std::process::ExitCode;

use args::{Args, Command};
use failure::Failure;
use terminal::Terminal;

fn main() -> ExitCode {
    let args = match args::read(std::env::args_os().skip(1)) {
        Ok(Args::Print(text)) => {
            return finish(output::print(&text));
        }
        Ok(Args::Run(options)) => options,
        Err(why) => {
            output::say(&format!("veneer: {why}\nTry `veneer --help`."));
            return ExitCode::from(2);
        }
    };
    terminal::start_log();
    let terminal = Terminal::begin(args.output());
    let result = match args.command {
        Command::Status => commands::status(&args),
        Command::Layers => commands::layers(&args),
        Command::Retry => commands::retry(&args),
        Command::Bless => commands::bless(&args),
        Command::Record => commands::record(&args),
        Command::Rebase => commands::rebase(&args),
        Command::Check => commands::check(&args),
        Command::Refresh => commands::refresh(&args),
        Command::Use => commands::use_layer(&args),
        Command::Reset => commands::reset(&args),
        Command::Gc => commands::gc(&args),
        Command::Diff => commands::diff(&args),
        Command::Why => commands::why(&args),
        Command::Run => commands::run(&args),
        Command::Guard(what) => commands::guard(&args, what).map(|text| {
            if args.json { format!("{}\n", serde_json::json!({ "message": text.trim_end() })) } else { text }
        }),
        Command::Doctor => commands::doctor(&args),
        Command::Lint => commands::lint(&args),
    };
    let result = result.and_then(|text| if args.quiet { Ok(()) } else { output::print(&text) });
    terminal.end();
    finish(result)
}

fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::say(&format!("veneer: {failure}{}", failure.remedy()));
            ExitCode::from(failure.exit_status())
        }
    }
}
