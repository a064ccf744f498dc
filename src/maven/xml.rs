//! POMs as they are found: with HTML's entities, with names that only look as
//! if they had a name space, with or without Maven's own.
//!
//! A pre-pass makes well-formed XML of what Maven's lenient parser accepts: the
//! colon in names becomes `_` (no element that matters here has one), entities
//! that XML does not know become U+FFFD (they stand in names of people). Then
//! document types are refused, so that no entity can be defined.

use std::borrow::Cow;

use roxmltree::{Document, Node, ParsingOptions};

/// Elements, texts and attributes that one POM may have.
const MAX_NODES: u32 = 1_000_000;

/// Elements inside each other: real POMs have about twenty.
const MAX_DEPTH: usize = 256;

/// Attributes of one element, which the parser compares each with each.
const MAX_ATTRIBUTES: usize = 200;

/// Well-formed text.
pub(super) fn cleaned(text: &str) -> Result<String, String> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut depth = 0usize;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (taken, written) = if rest.starts_with('&') {
            entity(rest)
        } else if let Some(end) = skipped(rest) {
            (end, Cow::Borrowed(&rest[..end]))
        } else {
            let end = tag_end(rest);
            let tag = &rest[..end];
            if tag.matches(['"', '\'']).count() > 2 * MAX_ATTRIBUTES {
                return Err(format!(
                    "an element with more than {MAX_ATTRIBUTES} attributes"
                ));
            }
            if tag.starts_with("</") {
                depth = depth.saturating_sub(1);
            } else if !tag.ends_with("/>") && !tag.starts_with("<!") {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} elements inside each other"));
                }
            }
            (end, without_colons(tag))
        };
        out.push_str(&written);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The end of a comment, of character data or of an instruction.
fn skipped(text: &str) -> Option<usize> {
    [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")]
        .into_iter()
        .find(|(begin, _)| text.starts_with(begin))
        .map(|(begin, end)| match text[begin.len()..].find(end) {
            Some(at) => begin.len() + at + end.len(),
            None => text.len(),
        })
}

/// The end of a tag; a `>` in a quoted value is not it.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn without_colons(tag: &str) -> Cow<'_, str> {
    if !tag.contains(':') {
        return Cow::Borrowed(tag);
    }
    let mut quote = None;
    let changed = tag.chars().map(|c| match (quote, c) {
        (None, ':') => '_',
        (None, '"' | '\'') => {
            quote = Some(c);
            c
        }
        (Some(open), _) if open == c => {
            quote = None;
            c
        }
        _ => c,
    });
    Cow::Owned(changed.collect())
}

/// How many bytes an entity takes, and what stands in its place.
fn entity(text: &str) -> (usize, Cow<'_, str>) {
    let name = text[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '#'));
    match name {
        Some(length) if length > 0 && text[1 + length..].starts_with(';') => {
            let whole = &text[..length + 2];
            match &whole[1..=length] {
                "amp" | "lt" | "gt" | "quot" | "apos" => (whole.len(), Cow::Borrowed(whole)),
                name if name.starts_with('#') => (whole.len(), Cow::Borrowed(whole)),
                _ => (whole.len(), Cow::Borrowed("\u{fffd}")),
            }
        }
        _ => (1, Cow::Borrowed("&amp;")),
    }
}

/// Parses cleaned text.
pub(super) fn parse(text: &str) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options)
}

/// The first child element of this name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    elements(node).find(|child| child.tag_name().name() == name)
}

/// All child elements.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(|child| child.is_element())
}

/// The trimmed text of an element; comments inside do not matter.
pub(super) fn text_of(node: Node<'_, '_>) -> String {
    let texts = node.children().filter(|child| child.is_text());
    let whole: String = texts.filter_map(|text| text.text()).collect();
    whole.trim().to_string()
}

/// The trimmed text of a child element; `None` where there is none.
pub(super) fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name).map(text_of)
}
