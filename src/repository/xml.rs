//! Reading Maven's XML files: bounded, without document types and entities.

use roxmltree::{Document, Node, ParsingOptions};

use crate::error::{Error, Result};

/// Elements, texts and attributes of one file.
const MAX_NODES: u32 = 500_000;

/// Attributes of one element, which the parser compares each with each.
const MAX_ATTRIBUTES: usize = 200;

/// Declarations of name spaces, which each element that has one takes over.
const MAX_NAME_SPACES: usize = 200;

/// Parses, and names the file (`shown`) and the place in errors.
pub(super) fn parse<'t>(text: &'t str, shown: &str) -> Result<Document<'t>> {
    check(text).map_err(|error| error.doing(format!("reading {shown}")))?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text.trim_start_matches('\u{feff}'), options).map_err(|error| {
        let at = error.pos();
        Error::new(error.to_string()).doing(format!("reading {shown}, line {}", at.row))
    })
}

/// Refuses what the parser would take long for.
fn check(text: &str) -> Result<()> {
    let attributes = |piece: &str| piece.matches(['"', '\'']).count() / 2;
    let is_long = |piece: &str| !piece.starts_with("!--") && attributes(piece) > MAX_ATTRIBUTES;
    let (what, limit) = if text.split('<').any(is_long) {
        ("attributes in one element", MAX_ATTRIBUTES)
    } else if text.matches("xmlns").count() > MAX_NAME_SPACES {
        ("declarations of name spaces", MAX_NAME_SPACES)
    } else {
        return Ok(());
    };
    Err(Error::new(format!("it has more than {limit} {what}")))
}

/// The text of the child element `name`, trimmed; `None` where it is missing
/// or empty. Name spaces do not matter.
pub(super) fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)
        .and_then(|child| child.text())
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// The first child element `name`.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children()
        .find(|child| child.tag_name().name() == name && child.is_element())
}

/// The elements `name` in the child element `list`.
pub(super) fn list<'a, 'i>(
    node: Node<'a, 'i>,
    list: &str,
    name: &str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    child(node, list)
        .into_iter()
        .flat_map(|list| list.children())
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The line of an element, from 1.
pub(super) fn line(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_parser_long_is_refused() {
        let many = |one: fn(usize) -> String| (0..100_000).map(one).collect::<String>();
        let attributes = format!("<a {}/>", many(|at| format!(" a{at}=''")));
        let names = many(|at| format!("<a xmlns:n{at}='{at}'>"));
        for (text, says) in [(attributes, "attributes"), (names, "name spaces")] {
            let error = parse(&text, "x").unwrap_err();
            assert!(error.report().contains(says), "{}", error.report());
        }
        let quotes = format!("<!-- {} --><a/>", "it's ".repeat(1000));
        assert!(parse(&quotes, "x").is_ok());
    }
}
