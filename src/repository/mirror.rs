//! Mirrors: which repository one stands in for, as Maven decides it.

use url::Url;

/// A `<mirror>` of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Its id: the `<server>` with the same id has its credentials.
    pub id: String,
    /// Its address.
    pub url: String,
    /// The repositories that it stands in for: ids, `*`, `external:*`,
    /// `external:http:*`, `!id`, separated by commas.
    pub of: String,
    /// Whether it only says that these repositories must not be asked.
    pub blocked: bool,
}

/// The mirror for a repository: over all mirrors an exact id comes first,
/// then the first pattern that fits.
pub(super) fn pick<'m>(mirrors: &'m [Mirror], id: &str, url: &str) -> Option<&'m Mirror> {
    mirrors
        .iter()
        .find(|mirror| mirror.of == id)
        .or_else(|| mirrors.iter().find(|mirror| fits(&mirror.of, id, url)))
}

/// An id, in the list or excluded from it, decides at once; wild cards only
/// until something later decides.
fn fits(pattern: &str, id: &str, url: &str) -> bool {
    let mut fits = false;
    for part in pattern.split(',').map(str::trim) {
        match part.strip_prefix('!') {
            Some(excluded) if excluded == id => return false,
            Some(_) => {}
            None if part == id => return true,
            None => {
                fits |= match part {
                    "*" => true,
                    "external:*" => !is_near(url),
                    "external:http:*" => !is_near(url) && scheme(url) == "http",
                    _ => false,
                }
            }
        }
    }
    fits
}

fn scheme(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.scheme().to_owned())
}

/// On this machine: a file, or one of the two names that Maven knows for it.
fn is_near(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.scheme() == "file" || matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: &str = "https://repo.example.com/a";

    #[test]
    fn patterns() {
        for (pattern, id, url, expected) in [
            ("*", "a", FAR, true),
            ("a", "a", FAR, true),
            ("b", "a", FAR, false),
            ("b, a", "a", FAR, true),
            ("!a,*", "a", FAR, false),
            ("!a,*", "b", FAR, true),
            ("*,!a", "a", FAR, false),
            ("*,!a", "b", FAR, true),
            ("a,!a", "a", FAR, true),
            ("external:*", "a", FAR, true),
            ("external:*", "a", "http://localhost:1/x", false),
            ("external:*", "a", "file:///x", false),
            ("external:*,!a", "a", FAR, false),
            ("external:http:*", "a", FAR, false),
            ("external:http:*", "a", "http://repo.example.com", true),
            ("external:http:*", "a", "http://127.0.0.1:8081/x", false),
            ("", "a", FAR, false),
        ] {
            assert_eq!(fits(pattern, id, url), expected, "{pattern} {id} {url}");
        }
    }

    #[test]
    fn an_exact_id_comes_before_any_pattern() {
        let mirror = |id: &str, of: &str| Mirror {
            id: id.to_owned(),
            url: FAR.to_owned(),
            of: of.to_owned(),
            blocked: false,
        };
        let mirrors = [
            mirror("all", "*"),
            mirror("a-list", "a,b"),
            mirror("only-a", "a"),
        ];
        let picked = |id| pick(&mirrors, id, FAR).map(|mirror| mirror.id.as_str());
        assert_eq!(picked("a"), Some("only-a"));
        assert_eq!(picked("b"), Some("all"));
        assert_eq!(pick(&mirrors[1..], "c", FAR), None);
    }
}
