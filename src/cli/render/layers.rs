//! The layers of an image, and what became of each.

use super::count;
use crate::image::LayerKind;
use crate::ops::build::outcome::Outcome;
use crate::report::bytes;
use crate::sink::LayerStatus;

/// A line for the base, and one for each layer on top of it.
pub fn lines(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    let base: Vec<_> = outcome
        .layers
        .iter()
        .filter(|layer| layer.kind == LayerKind::Base)
        .collect();
    if !base.is_empty() {
        let count_of = |wanted: fn(LayerStatus) -> bool| {
            base.iter().filter(|layer| wanted(layer.status)).count()
        };
        let how = match (
            count_of(LayerStatus::moved),
            count_of(|status| status == LayerStatus::Mounted),
        ) {
            (0, 0) => "not moved".to_string(),
            (0, mounted) => format!("{mounted} mounted"),
            (moved, _) => format!("{moved} moved"),
        };
        let size: u64 = base.iter().map(|layer| layer.size).sum();
        let size = if size == 0 {
            String::new()
        } else {
            bytes(size)
        };
        lines.push(row("base", &count(base.len(), "layer"), &size, &how));
    }
    for layer in &outcome.layers {
        if layer.kind != LayerKind::Base {
            lines.push(row(
                layer.kind.word(),
                &layer.name,
                &bytes(layer.size),
                layer.status.word(),
            ));
        }
    }
    lines
}

fn row(kind: &str, name: &str, size: &str, status: &str) -> String {
    format!("  {kind:<10} {name:<44} {size:>9}  {status}")
}
