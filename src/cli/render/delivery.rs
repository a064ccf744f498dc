//! What became of an image in one place, in a line or two.

use crate::report::bytes;
use crate::sink::{Delivery, LayerStatus, Medium};

/// The lines of one place.
pub fn lines(delivery: &Delivery) -> Vec<String> {
    match delivery.medium {
        Medium::Daemon => loaded(delivery),
        Medium::File => vec![format!(
            "wrote {}, {}",
            delivery.place,
            bytes(delivery.bytes)
        )],
        Medium::Registry => vec![pushed(delivery)],
    }
}

fn loaded(delivery: &Delivery) -> Vec<String> {
    let total = delivery.layers.iter().flatten().count();
    let sent = delivery.count(|status| status == LayerStatus::Loaded);
    let mut lines = vec![match delivery.unchanged {
        true => format!("loaded nothing: the daemon has all {total} layers and the tag"),
        false => format!(
            "loaded {sent} of {total} layers, {}; {} already there",
            bytes(delivery.bytes),
            total - sent
        ),
    }];
    if !delivery.left_out.is_empty() {
        lines.push(format!(
            "the daemon takes {} alone; {} goes to registries and files",
            delivery.platforms.join(", "),
            delivery.left_out.join(", ")
        ));
    }
    lines
}

fn pushed(delivery: &Delivery) -> String {
    let total = delivery.layers.len();
    let requests = match delivery.requests {
        1 => "1 request".to_string(),
        many => format!("{many} requests"),
    };
    if delivery.unchanged {
        return format!("pushed nothing: all {total} layers and the tag are there ({requests})");
    }
    let moved = delivery.count(|status| status == LayerStatus::Uploaded);
    let mounted = delivery.count(|status| status == LayerStatus::Mounted);
    let mut line = format!(
        "pushed {moved} of {total} layers, {}; {} already there",
        bytes(delivery.bytes),
        total - moved - mounted
    );
    if mounted > 0 {
        line.push_str(&format!(", {mounted} mounted"));
    }
    line.push_str(&format!(" ({requests})"));
    if !delivery.platforms.is_empty() {
        let names = delivery.platforms.join(", ");
        line.push_str(&format!("; an index of {names}"));
    }
    line
}
