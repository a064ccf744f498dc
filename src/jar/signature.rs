//! Fields and methods as calls name them.

use std::fmt;

/// A field or method without its class: `name(I)V`, `name:I`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its types (JVMS 4.3).
    pub descriptor: &'a str,
}

impl<'a> Signature<'a> {
    /// The pieces of its text.
    pub(super) fn parts(self) -> [&'a str; 3] {
        let between = match self.descriptor.starts_with('(') {
            true => "",
            false => ":",
        };
        [self.name, between, self.descriptor]
    }

    /// The CRC-32 of its text, which stands for it.
    pub fn crc(self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for part in self.parts() {
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }
}

impl fmt::Display for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts()
            .into_iter()
            .try_for_each(|part| f.write_str(part))
    }
}
