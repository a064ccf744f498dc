//! The cache.

use super::count;
use crate::ops::cache::{Pruned, Size};
use crate::report::bytes;

/// How large it is, a line for each of its parts.
pub fn size(size: &Size) -> String {
    let mut out = format!("{}\n", size.place);
    for part in &size.parts {
        out.push_str(&format!(
            "  {:<8} {:>9}  {}\n",
            part.name,
            bytes(part.bytes),
            count(part.files as usize, "file")
        ));
    }
    out.push_str(&format!("  {:<8} {:>9}\n", "all", bytes(size.bytes)));
    out
}

/// What was deleted from it.
pub fn pruned(pruned: &Pruned) -> String {
    format!(
        "deleted {}, {}\n",
        count(pruned.files as usize, "file"),
        bytes(pruned.bytes)
    )
}
