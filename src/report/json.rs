//! One JSON object a line on stderr, for programs.

use std::io::Write;

use serde_json::{Value, json};

use super::{Event, Reporter};

/// Writes every event.
pub struct Json;

impl Reporter for Json {
    fn event(&self, event: Event<'_>) {
        let _ = writeln!(std::io::stderr().lock(), "{}", object(&event));
    }
}

fn object(event: &Event<'_>) -> Value {
    match event {
        Event::Started {
            id,
            phase,
            name,
            total,
        } => {
            json!({"event": "started", "id": id, "phase": phase.word(), "name": name, "total": total})
        }
        Event::Advanced { id, bytes } => json!({"event": "advanced", "id": id, "bytes": bytes}),
        Event::Finished {
            id,
            phase,
            name,
            outcome,
            bytes,
        } => {
            json!({"event": "finished", "id": id, "phase": phase.word(), "name": name, "outcome": outcome, "bytes": bytes})
        }
        Event::Note(text) => json!({"event": "note", "text": text}),
        Event::Detail(text) => json!({"event": "detail", "text": text}),
        Event::Warning(text) => json!({"event": "warning", "text": text}),
    }
}
