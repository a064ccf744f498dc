//! How the members of an archive that a daemon loads are named and described.

use crate::image::Digest;

/// The path of the layer that came before its digest was known.
pub const EARLY_LAYER: &str = "blobs/first";

/// The path in the archive of the blob with this digest.
pub fn path_of(digest: &Digest, early: Option<&Digest>) -> String {
    match early {
        Some(early) if early == digest => EARLY_LAYER.to_string(),
        _ => digest.blob_path(),
    }
}

/// The header of a member of this many bytes.
pub fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(size);
    header
}
