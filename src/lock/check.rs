//! A check in the lock file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::image::Digest;

/// That everything was checked and no error was found, so that a fresh runner
/// need not look again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedCheck {
    /// How many warnings there were, by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub warnings: BTreeMap<String, u32>,
    /// Binds them to what was checked, as the seal of a layer does.
    pub seal: Digest,
}

impl LockedCheck {
    /// The record of a check; `inputs` stands for everything that decides what is
    /// found and what is allowed.
    pub fn new(inputs: &str, warnings: BTreeMap<String, u32>) -> LockedCheck {
        LockedCheck {
            seal: seal(inputs, &warnings),
            warnings,
        }
    }

    /// Whether this was written for these inputs, and not changed since.
    pub fn is_of(&self, inputs: &str) -> bool {
        self.seal == seal(inputs, &self.warnings)
    }
}

fn seal(inputs: &str, warnings: &BTreeMap<String, u32>) -> Digest {
    let mut text = format!("checked\n{inputs}\n");
    for (code, count) in warnings {
        text.push_str(&format!("{code} {count}\n"));
    }
    Digest::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warnings_and_the_inputs_are_bound() {
        let warnings = |count| BTreeMap::from([("FP0101".to_string(), count)]);
        let right = LockedCheck::new("inputs", warnings(2));
        assert!(right.is_of("inputs"));
        assert!(!right.is_of("others"));
        for wrong in [
            LockedCheck {
                warnings: warnings(1),
                ..right.clone()
            },
            LockedCheck {
                warnings: BTreeMap::new(),
                ..right.clone()
            },
            LockedCheck {
                seal: Digest::of(b"a"),
                ..right.clone()
            },
        ] {
            assert!(!wrong.is_of("inputs"), "{wrong:?}");
        }
    }
}
