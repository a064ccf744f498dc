//! What a build would do.

use crate::ops::build::forecast::Forecast;
use crate::report::bytes;

/// For people, at 80 columns.
pub fn text(forecast: &Forecast) -> String {
    let mut out = format!("would build {}\n", forecast.references.join(", "));
    out.push_str(&format!(
        "  on {} ({})\n",
        forecast.base_names,
        forecast.base.digest.short()
    ));
    for layer in &forecast.layers {
        let state = match (layer.cached, layer.recorded) {
            (true, _) => "cached",
            (false, true) => "recorded",
            (false, false) => "to build",
        };
        let mut goes = Vec::new();
        if layer.to_daemon {
            goes.push("to load");
        }
        if layer.to_registry {
            goes.push("to push");
        }
        out.push_str(&format!(
            "  {:<11} {:<24} {:>8}  {state}{}{}\n",
            layer.kind,
            layer.name,
            bytes(layer.size),
            if goes.is_empty() { "" } else { ", " },
            goes.join(", ")
        ));
    }
    for change in &forecast.lock_changes {
        out.push_str(&format!("  lock: {change}\n"));
    }
    let mut sums = vec![format!("build {}", bytes(forecast.build_bytes))];
    sums.extend(
        forecast
            .daemon_bytes
            .map(|count| format!("load {}", bytes(count))),
    );
    sums.extend(
        forecast
            .registry_bytes
            .map(|count| format!("push {}", bytes(count))),
    );
    out.push_str(&format!("would {}\n", sums.join(", ")));
    out
}
