//! From text to manifest; errors say file, line and column, and what was
//! probably meant.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use super::content::Content;
use crate::error::{Context, Error, Exit, Result};

/// No manifest is larger, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// Characters of a line that an error shows.
const WIDTH: usize = 160;

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Position {
    /// The position of a byte offset.
    pub fn of(text: &str, offset: usize) -> Position {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }

    /// `file:line:column`.
    pub fn in_file(self, path: &Path) -> String {
        format!("{}:{}:{}", path.display(), self.line, self.column)
    }
}

pub(super) fn read_text(path: &Path) -> Result<String> {
    let read = || -> Result<String> {
        let mut bytes = Vec::new();
        let size = File::open(path)?
            .take(MAX_SIZE + 1)
            .read_to_end(&mut bytes)? as u64;
        if size > MAX_SIZE {
            return Err(Error::new("it has more than 1 MiB: this is not a manifest"));
        }
        String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let lines = error.as_bytes()[..good]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Error::new(format!("it is not UTF-8 in line {}", lines + 1))
                .hint("save the file as UTF-8")
        })
    };
    read()
        .doing(|| format!("reading {}", path.display()))
        .map_err(|error| {
            let error = error.exit_with(Exit::Usage);
            if path.exists() {
                error
            } else {
                error.hint("`flinkpack init` writes a manifest to begin with; -C DIR and --manifest FILE name another place")
            }
        })
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Content> {
    if text.trim().is_empty() {
        return Err(
            Error::usage(format!("{} is empty", path.display())).hint(
                "`flinkpack init` writes a manifest to begin with; the least is [image] with `name` and `base`",
            ),
        );
    }
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let mut out = error_at(path, text, span, message);
        if let Some(hint) = nearest(message) {
            out = out.hint(hint);
        }
        out
    })
}

/// An error that shows the place in the file.
pub(super) fn error_at(path: &Path, text: &str, span: Range<usize>, message: &str) -> Error {
    let position = Position::of(text, span.start);
    let line = text.lines().nth(position.line - 1).unwrap_or_default();
    let number = position.line.to_string();
    let marked = text.get(span).unwrap_or_default();
    let marked = marked.lines().next().unwrap_or_default().chars().count();
    let (line, places) = without_secrets(line);
    let place = |column: usize| places.get(column).or(places.last()).copied().unwrap_or(0);
    let start = place(position.column - 1);
    let end = place(position.column - 1 + marked);
    // Very long lines would drown the message.
    let shown: String = line.chars().take(WIDTH).collect();
    let message = without_secrets(message.trim_end()).0;
    let mut out = format!("{}: {message}", position.in_file(path));
    if start < WIDTH && !shown.trim().is_empty() {
        let gutter = " ".repeat(number.len());
        out.push_str(&format!(
            "\n{gutter} |\n{number} | {shown}\n{gutter} | {}{}",
            " ".repeat(start),
            "^".repeat(end.min(WIDTH).saturating_sub(start).max(1))
        ));
    }
    Error::usage(out)
}

/// A line of the manifest as it may be shown: without users, passwords and
/// queries of addresses. Answers where each of its characters went, too.
pub(super) fn without_secrets(line: &str) -> (String, Vec<usize>) {
    const HIDDEN: &str = "***";
    let chars: Vec<char> = line.chars().collect();
    let mut hidden = vec![false; chars.len()];
    let ends = |c: &char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '}' | ']');
    for start in 3..chars.len() {
        if chars[start - 3..start] != [':', '/', '/'] {
            continue;
        }
        let rest = &chars[start..];
        let rest = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
        let path = rest.iter().position(|c| matches!(c, '/' | '?' | '#'));
        let host = &rest[..path.unwrap_or(rest.len())];
        if let Some(at) = host.iter().rposition(|c| *c == '@') {
            hidden[start..start + at].fill(true);
        }
        if let Some(query) = rest.iter().position(|c| matches!(c, '?' | '#')) {
            hidden[start + query + 1..start + rest.len()].fill(true);
        }
    }
    let mut shown = String::new();
    let mut places = Vec::with_capacity(chars.len() + 1);
    let mut count = 0;
    for (at, c) in chars.iter().enumerate() {
        places.push(count);
        if !hidden[at] {
            shown.push(*c);
            count += 1;
        } else if !hidden.get(at + 1).copied().unwrap_or(false) {
            shown.push_str(HIDDEN);
            count += HIDDEN.len();
        }
    }
    places.push(count);
    (shown, places)
}

/// The nearest name to an unknown key, out of serde's "unknown field `x`,
/// expected one of `a`, `b`".
fn nearest(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    nearest_name(unknown, names).map(|name| format!("did you mean `{name}`?"))
}

/// The name most like `unknown`, if one is like it at all.
pub fn nearest_name<'a>(
    unknown: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::jar::JarSource;
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("flinkpack.toml"), text)
            .unwrap_err()
            .report()
    }

    #[test]
    fn an_unknown_key_gets_the_nearest_name() {
        let text = "[image]\nname = \"a/b\"\nbase = \"flink\"\ntag = [\"1\"]\n";
        assert_eq!(
            error(text),
            "error: flinkpack.toml:4:1: unknown field `tag`, expected one of `name`, `tags`, `base`, `labels`, `env`, `sbom`, `provenance`, `platform`\n  |\n4 | tag = [\"1\"]\n  | ^^^\nhint: did you mean `tags`?"
        );
    }

    #[test]
    fn secrets_in_addresses_are_not_shown_and_marks_stay_in_place() {
        let shown = |line: &str| without_secrets(line).0;
        assert_eq!(
            shown("u = \"https://me:s@cret@host/a.jar?t=s#f\", b = 1"),
            "u = \"https://***@host/a.jar?***\", b = 1"
        );
        assert_eq!(shown("https://host/@x"), "https://host/@x");
        assert_eq!(shown("://"), "://");
        let text = "[image]\nname = \"a\"\nbase = { u = \"https://me:secret@host/\", x = 1 }\n";
        let at = text.find("x = 1").unwrap();
        let report = error_at(Path::new("f"), text, at..at + 1, "no").report();
        let lines: Vec<&str> = report.lines().collect();
        assert_eq!(lines[2].find("x = 1"), lines[3].find('^'), "{report}");
        assert!(!report.contains("secret"));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let text = format!("[image]\nname = {}", "[".repeat(1 << 19));
        assert!(error(&text).starts_with("error: flinkpack.toml:2:"));
    }

    #[test]
    fn each_form_of_a_jar_is_read() {
        let text = r#"
            [image]
            name = "a/b"
            base = "flink:1.20"
            [connectors]
            kafka = "auto"
            jdbc = { version = "3.3.0-1.20", with = ["org.postgresql:postgresql:42.7.4"] }
            acme = { maven = "com.acme:acme:1.2", exclude = ["org.slf4j:*"] }
            short = "com.acme:short:1"
            local = { path = "libs/*.jar" }
            remote = { url = "https://example.com/x.jar" }
            [files]
            "/a" = "b"
            "/c" = { path = "d", mode = "0750" }
        "#;
        let content = parse(Path::new("flinkpack.toml"), text).unwrap();
        let source = |name: &str| content.connectors[name].get_ref().source.clone();
        assert_eq!(source("kafka"), JarSource::Catalogue("auto".into()));
        assert_eq!(source("jdbc"), JarSource::Catalogue("3.3.0-1.20".into()));
        assert_eq!(
            source("acme"),
            JarSource::Maven("com.acme:acme:1.2".parse().unwrap())
        );
        assert_eq!(
            source("short"),
            JarSource::Maven("com.acme:short:1".parse().unwrap())
        );
        assert_eq!(source("local"), JarSource::Path("libs/*.jar".into()));
        assert_eq!(content.files["/c"].get_ref().mode, Some(0o750));
    }
}
