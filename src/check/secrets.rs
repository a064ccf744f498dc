//! Secrets that are about to be in an image, where everybody who can pull it can
//! read them.
//!
//! A known form is an error. What only looks random, under a key that says
//! nothing, is not reported: hashes and IDs look the same.

use super::finding::{Finding, Severity};
use super::input::{Input, Literal};

/// Looks at every literal value; none is ever printed.
pub fn check(input: &Input, found: &mut Vec<Finding>) {
    for literal in &input.literals {
        let Some((what, severity)) = secret(literal) else {
            continue;
        };
        let message = match &literal.key {
            Some(key) => format!("{}: the value of `{key}` is {what}", literal.place),
            None => format!("{} holds {what}", literal.place),
        };
        found.push(Finding::new("FP0501", severity, message));
    }
}

/// What kind of secret a value is, if it is one, and how certain that is.
pub fn secret(literal: &Literal) -> Option<(&'static str, Severity)> {
    let value = literal.value.as_str();
    if has_private_key(value) {
        return Some(("a private key", Severity::Error));
    }
    if has_access_key(value) {
        return Some(("an AWS access key", Severity::Error));
    }
    if has_password_in_address(value) {
        return Some(("an address with a password", Severity::Error));
    }
    let key = literal.key.as_deref()?;
    if !names_secret(key) || is_placeholder(value) {
        return None;
    }
    // Words are often examples; what is made by machine is not.
    match value.len() >= 16 && entropy(value) > 3.5 {
        true => Some(("a secret, by its key and its looks", Severity::Error)),
        false => Some(("a secret, by its key", Severity::Warning)),
    }
}

fn has_private_key(value: &str) -> bool {
    value.match_indices("-----BEGIN ").any(|(at, _)| {
        let line = value[at..].lines().next().unwrap_or_default();
        line.contains("PRIVATE KEY-----")
    })
}

/// `AKIA` or `ASIA` and 16 capitals or digits, alone.
fn has_access_key(value: &str) -> bool {
    let mut words = value.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| {
        word.len() == 20
            && (word.starts_with("AKIA") || word.starts_with("ASIA"))
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            // The keys of Amazon's documentation.
            && !word.ends_with("EXAMPLE")
    })
}

/// `scheme://user:password@host`.
fn has_password_in_address(value: &str) -> bool {
    value.match_indices("://").any(|(at, _)| {
        let rest = &value[at + 3..];
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c));
        let host = &rest[..end.unwrap_or(rest.len())];
        let user = host.rsplit_once('@').map(|(user, _)| user);
        let password = user
            .and_then(|user| user.split_once(':'))
            .map(|(_, password)| password);
        password.is_some_and(|password| !is_placeholder(password))
    })
}

/// Whether a key says that its value is secret.
fn names_secret(key: &str) -> bool {
    let key = key.trim_start_matches('-').to_ascii_lowercase();
    let last = key
        .rsplit('.')
        .next()
        .unwrap_or(&key)
        .replace(['-', '_'], "");
    let is_secret = [
        "password",
        "passwd",
        "secret",
        "secretkey",
        "secretaccesskey",
        "token",
        "accesskeysecret",
        "apikey",
        "credential",
    ]
    .iter()
    .any(|word| last.ends_with(word))
        || key.starts_with("fs.azure.account.key.")
        || last == "pwd";
    is_secret && !key.contains("delegation")
}

/// Whether a value stands for one that comes later, or is none at all.
fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    value.len() < 4
        || value.starts_with(['$', '<', '{', '/', '%', '@'])
        || value.contains("${")
        || value.contains("{{")
        || value.chars().all(|c| c.is_ascii_digit())
        || value.chars().all(|c| "*x.-_X".contains(c))
        || ["file:", "env:", "vault:", "secret:", "arn:"]
            .iter()
            .any(|form| lower.starts_with(form))
        || [
            "true", "false", "none", "null", "changeme", "password", "secret", "example",
        ]
        .contains(&lower.as_str())
}

/// Shannon's entropy in bits a character.
fn entropy(value: &str) -> f64 {
    let mut counts = std::collections::HashMap::new();
    for c in value.chars() {
        *counts.entry(c).or_insert(0u32) += 1;
    }
    let all = f64::from(counts.values().sum::<u32>().max(1));
    counts
        .values()
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether a file is worth looking into for secrets, by its name and size in
/// bytes.
pub fn is_text_worth_reading(path: &str, size: u64) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let is_binary = matches!(
        end,
        "jar" | "zip" | "gz" | "so" | "class" | "jks" | "p12" | "keytab" | "whl"
    );
    size <= 256 << 10 && !is_binary
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(key: Option<&str>, value: &str) -> Option<Severity> {
        let literal = Literal {
            place: "x".to_string(),
            key: key.map(str::to_string),
            value: value.to_string(),
        };
        secret(&literal).map(|(_, severity)| severity)
    }

    #[test]
    fn known_forms_are_errors() {
        let error = Some(Severity::Error);
        assert_eq!(found(None, "-----BEGIN RSA PRIVATE KEY-----\nMII"), error);
        assert_eq!(found(Some("s3.access-key"), "AKIAQYLPMN5HHHFPZAM2"), error);
        assert_eq!(found(None, "jdbc:mysql://root:hunter22@db/x"), error);
        let random = "wJalrXUtnFEMI/K7MDENG/bPxRfiCY";
        assert_eq!(found(Some("s3.secret-key"), random), error);
        assert_eq!(
            found(Some("security.ssl.key-password"), "hunter22"),
            Some(Severity::Warning)
        );
    }

    #[test]
    fn what_only_looks_like_one_is_not_told() {
        for (key, value) in [
            (Some("s3.secret-key"), "${S3_SECRET}"),
            (Some("security.delegation.token"), "abcdef-long-enough-1234"),
            (Some("pipeline.name"), "wJalrXUtnFEMI/K7MDENG/bPxRfiCY"),
            (Some("security.ssl.keystore"), "/etc/keys/store.jks"),
            (Some("token.renewal.time"), "12h"),
            (Some("db.password"), "/run/secrets/db"),
            (None, "http://example.com:8080/a@b"),
            (None, "AKIAIOSFODNN7EXAMPLE"),
            (None, "postgres://user:${PW}@db/x"),
            (None, "-----BEGIN CERTIFICATE-----"),
        ] {
            assert_eq!(found(key, value), None, "{key:?} {value}");
        }
    }
}
