//! Reading Maven's XML files: bounded, without document types and entities.

use roxmltree::{Document, Node, ParsingOptions};

use crate::error::{Error, Result};

/// Elements, texts and attributes of one file.
const MAX_NODES: u32 = 500_000;

/// Parses, and names the file (`shown`) and the place in errors.
pub(super) fn parse<'t>(text: &'t str, shown: &str) -> Result<Document<'t>> {
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
