//! Repositories that POMs declare: they are not asked, since anybody's POM
//! would say where files come from, and where something is missing that is said.

use std::collections::btree_map::Entry;

use url::Url;

use super::client::Maven;
use super::mirror::pick;
use super::repositories::Location;
use crate::error::Error;
use crate::fetch::redact;
use crate::maven::Coordinates;
use crate::maven::RawPom;

/// The most repositories that one error names.
const MOST: usize = 3;

impl Maven {
    /// Remembers what a POM declares.
    pub(super) fn note_declared(&self, coordinate: &Coordinates, pom: &RawPom) {
        for url in &pom.repositories {
            if url.contains("${") || self.asks(url) {
                continue;
            }
            let url = redact::shown_text(url);
            if let Entry::Vacant(place) = self.declared().entry(url) {
                let of = coordinate.main_jar().to_string();
                self.report().detail(says(&of, place.key()));
                place.insert(of);
            }
        }
    }

    /// Adds to an error, that something is missing, which repositories were
    /// declared and not asked.
    pub fn hint_declared(&self, mut error: Error) -> Error {
        for (url, of) in self.declared().iter().take(MOST) {
            error = error.hint(format!(
                "{}; if you trust it, add it to [maven] repositories",
                says(of, url)
            ));
        }
        error
    }

    /// The first declared repository as a warning adds it: empty, or in parentheses.
    pub fn note_of_declared(&self) -> String {
        let declared = self.declared();
        let first = declared.first_key_value();
        first.map_or_else(String::new, |(url, of)| format!(" ({})", says(of, url)))
    }

    /// Whether an address is asked, by itself or by its mirror.
    fn asks(&self, text: &str) -> bool {
        let Ok(url) = Url::parse(text) else {
            return true;
        };
        // One place, with or without encryption and the slash at its end.
        let place = |url: &Url| {
            let path = url.path().trim_end_matches('/').to_owned();
            (url.host_str().map(str::to_owned), url.port(), path)
        };
        let is_it = |known: &Location| match known {
            Location::Web(known) => place(known) == place(&url),
            Location::Folder(known) => url.to_file_path().is_ok_and(|path| path == *known),
        };
        self.repositories().iter().any(|one| is_it(&one.place))
            || pick(self.mirrors(), "", text).is_some_and(|mirror| !mirror.blocked)
    }
}

fn says(of: &str, url: &str) -> String {
    format!("the POM of {of} names the repository {url}, which is not asked")
}
