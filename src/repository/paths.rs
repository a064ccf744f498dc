//! Paths in a repository, and how they stand in an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a URL's path. Some repositories read a literal `+`
/// as a space, so it is encoded.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A path of a repository as it stands in an address.
pub(super) fn encode(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// Where the metadata of all versions of an artifact is, in a repository.
pub(super) fn metadata_path(group: &str, artifact: &str) -> String {
    format!("{}/{artifact}/maven-metadata.xml", group.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_would_read_as_a_space_is_encoded() {
        assert_eq!(encode("g/a/1.0+2/a-1.0+2.jar"), "g/a/1.0%2B2/a-1.0%2B2.jar");
        assert_eq!(encode("g/a_b/1~2/a-b.tar.gz"), "g/a_b/1~2/a-b.tar.gz");
    }
}
