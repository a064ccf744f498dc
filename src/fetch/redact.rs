//! Addresses as they may be shown: without what is secret in them.

use url::Url;

/// The address without user, password, query and fragment: signed addresses
/// carry secrets in all of them.
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

/// Like [`shown`], for an address that may not be one.
pub fn shown_text(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) => shown(&url),
        Err(_) => {
            let start = text.split(['?', '#']).next().unwrap_or_default();
            match (start.find("://"), start.rfind('@')) {
                (Some(scheme), Some(at)) if scheme < at => {
                    format!("{}{}", &start[..scheme + 3], &start[at + 1..])
                }
                _ => start.to_string(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(
            shown_text("https://me:secret@host/a.jar?token=secret#secret"),
            "https://host/a.jar"
        );
        assert_eq!(
            shown_text("https://me:secret@host:99999/a.jar?token=secret"),
            "https://host:99999/a.jar"
        );
    }
}
