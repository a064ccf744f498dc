//! From arguments to operations, and from results to stdout.

mod args;
mod render;
mod run;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Color, Global, Progress};

use crate::error::{Error, Result};
use crate::report::{Bars, Json, Level, Lines, Report};

/// Runs the command line, and says what the process ends with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    set_colour(cli.global.color);
    start_log(cli.global.verbose);
    let report = reporter(&cli.global);
    match in_runtime(cli, report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", coloured(&error));
            ExitCode::from(error.exit() as u8)
        }
    }
}

fn in_runtime(cli: Cli, report: Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = run::run(cli, report) => result,
            _ = tokio::signal::ctrl_c() => Err(Error::new("interrupted: nothing half-written was left")),
        }
    });
    match result {
        // Threads that hash or wait for a lock must not hold the process back.
        Ok(()) => runtime.shutdown_background(),
        // One that has a temporary file in its hands gets the time to drop it.
        Err(_) => runtime.shutdown_timeout(std::time::Duration::from_millis(300)),
    }
    result
}

fn set_colour(color: Color) {
    match color {
        Color::Auto => {}
        Color::Always => {
            console::set_colors_enabled(true);
            console::set_colors_enabled_stderr(true);
        }
        Color::Never => {
            console::set_colors_enabled(false);
            console::set_colors_enabled_stderr(false);
        }
    }
}

fn start_log(verbose: u8) {
    if verbose < 2 {
        return;
    }
    // Libraries below this level print headers, which hold credentials.
    let filter = tracing_subscriber::EnvFilter::new(
        "flinkpack=trace,bollard=info,hyper=info,reqwest=info,rustls=info",
    );
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

fn reporter(global: &Global) -> Report {
    let level = match (global.quiet, global.verbose) {
        (true, _) => Level::Quiet,
        (_, 0) => Level::Usual,
        _ => Level::Verbose,
    };
    let lines = || Report::new(Lines { level });
    match global.progress {
        Progress::Auto if std::io::stderr().is_terminal() => Report::new(Bars::new(level)),
        Progress::Auto | Progress::Plain => lines(),
        Progress::Bars => Report::new(Bars::new(level)),
        Progress::Json => Report::new(Json),
        Progress::None => Report::silent(),
    }
}

fn coloured(error: &Error) -> String {
    let text = error.report();
    match text.strip_prefix("error:") {
        Some(rest) => format!(
            "{}{rest}",
            console::style("error:").for_stderr().red().bold()
        ),
        None => text,
    }
}
