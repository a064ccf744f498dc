//! Bars on a terminal: the one place that knows indicatif.

use std::collections::HashMap;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::{Level, line};
use super::{Event, Reporter};

/// A bar for each piece of work under way, lines above them for what is done.
pub struct Bars {
    level: Level,
    all: MultiProgress,
    bars: Mutex<HashMap<u64, ProgressBar>>,
}

impl Bars {
    /// Draws on stderr.
    pub fn new(level: Level) -> Bars {
        Bars {
            level,
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12)),
            bars: Mutex::new(HashMap::new()),
        }
    }
}

fn known() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix:5.cyan} {msg:30!} [{bar:18}] {decimal_bytes:>9} / {decimal_total_bytes:<9}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("=> ")
}

fn unknown() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:5.cyan} {msg:30!} {spinner} {decimal_bytes:>9}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Reporter for Bars {
    fn event(&self, event: Event<'_>) {
        let Ok(mut bars) = self.bars.lock() else {
            return;
        };
        match &event {
            Event::Started {
                id,
                phase,
                name,
                total,
            } if self.level >= Level::Usual => {
                let bar = match total {
                    Some(total) => ProgressBar::new(*total).with_style(known()),
                    None => ProgressBar::new_spinner().with_style(unknown()),
                };
                let bar = self.all.add(bar);
                bar.set_prefix(phase.word());
                bar.set_message(name.to_string());
                bars.insert(*id, bar);
            }
            Event::Advanced { id, bytes } => {
                if let Some(bar) = bars.get(id) {
                    bar.inc(*bytes);
                }
            }
            Event::Finished { id, .. } => {
                if let Some(bar) = bars.remove(id) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
            _ => {}
        }
        if let Some(line) = line(&event, self.level) {
            // `println` of a hidden terminal would lose the line.
            if self.all.is_hidden() {
                eprintln!("{line}");
            } else {
                let _ = self.all.println(line);
            }
        }
    }
}
