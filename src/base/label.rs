//! Base facts published with the image, as a label of its configuration.
//!
//! A label, not a referrer: the facts of a full distribution are some ten
//! kilobytes when packed, a label survives `docker push`, `docker save`, a
//! pull through a mirror and a copy by any tool, and it arrives with the
//! configuration, which must be read anyway: no further request. A referrer
//! survives none of those copies.
//!
//! An image built on top inherits the label, so it says which layers it speaks
//! of: those whose diff IDs hash to `layers`, counted by `count`.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::facts::BaseFacts;
use crate::error::{Context, Result};
use crate::image::Digest;

/// The label's name; the number is the form of what it holds.
pub const LABEL: &str = "flinkpack.base-facts.v1";

/// No label grows beyond this, in bytes, when unpacked: an image from elsewhere
/// must not fill the memory.
const MAX_UNPACKED: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Label {
    count: usize,
    layers: Digest,
    facts: BaseFacts,
}

fn chain(diff_ids: &[Digest]) -> Digest {
    let text: Vec<String> = diff_ids.iter().map(Digest::to_string).collect();
    Digest::of(text.join("\n").as_bytes())
}

/// The label's value for an image of these layers: JSON, gzip, base64.
pub fn write(facts: &BaseFacts, diff_ids: &[Digest]) -> Result<String> {
    let label = Label {
        count: diff_ids.len(),
        layers: chain(diff_ids),
        facts: facts.clone(),
    };
    let json = serde_json::to_vec(&label).doing(|| "encoding the base facts")?;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&json)?;
    Ok(STANDARD.encode(packed.finish()?))
}

/// The facts in a label, and how many of the image's layers they cover. `None`
/// where the label cannot be read or speaks of other layers.
pub fn read(value: &str, diff_ids: &[Digest]) -> Option<(BaseFacts, usize)> {
    let packed = STANDARD.decode(value).ok()?;
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .take(MAX_UNPACKED)
        .read_to_end(&mut json)
        .ok()?;
    let label: Label = serde_json::from_slice(&json).ok()?;
    let covered = diff_ids.get(..label.count)?;
    (chain(covered) == label.layers).then_some((label.facts, label.count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn facts_come_back_for_their_own_layers_only() {
        let facts = BaseFacts {
            home: "opt/flink".into(),
            flink: "1.20.5".parse().unwrap(),
            scala: "2.12".into(),
            java: Some(17),
            nodes: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        let layers = [Digest::of(b"1"), Digest::of(b"2")];
        let label = write(&facts, &layers).unwrap();
        let above = [layers[0], layers[1], Digest::of(b"3")];
        assert_eq!(read(&label, &above), Some((facts, 2)));
        assert_eq!(read(&label, &layers[..1]), None);
        assert_eq!(read(&label, &[layers[1], layers[0]]), None);
        assert_eq!(read("junk", &layers), None);
    }
}
