//! Lines on stderr: for logs, pipes, and people who like them.

use std::io::Write;

use console::style;

use super::{Event, Reporter, bytes};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Warnings alone (`-q`).
    Quiet,
    /// What a user wants to know.
    Usual,
    /// Details too (`-v`).
    Verbose,
}

/// Writes one line for each event that ends something.
pub struct Lines {
    /// How much is told.
    pub level: Level,
}

impl Reporter for Lines {
    fn event(&self, event: Event<'_>) {
        if let Some(line) = line(&event, self.level) {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}

/// The line of an event, if it has one at this level.
pub(super) fn line(event: &Event<'_>, level: Level) -> Option<String> {
    match event {
        Event::Warning(text) => Some(format!(
            "{} {text}",
            style("warning:").for_stderr().yellow().bold()
        )),
        Event::Note(text) if level >= Level::Usual => Some(text.to_string()),
        Event::Detail(text) if level >= Level::Verbose => {
            Some(style(text).for_stderr().dim().to_string())
        }
        Event::Finished {
            phase,
            name,
            outcome,
            bytes: moved,
            ..
        } if level >= Level::Usual => {
            // Layers that were there already are counted in the last line.
            if matches!(*outcome, "present" | "mounted") && level < Level::Verbose {
                return None;
            }
            let moved = match moved {
                0 => String::new(),
                moved => format!(", {}", bytes(*moved)),
            };
            Some(format!(
                "{} {name}: {outcome}{moved}",
                style(format!("{:<5}", phase.word())).for_stderr().cyan()
            ))
        }
        _ => None,
    }
}
