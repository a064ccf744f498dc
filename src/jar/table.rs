//! Texts by number, and distinct names.

use super::name::{Name, Numbered};

/// A list of texts in one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) text: String,
    pub(super) ends: Vec<u32>,
}

impl Table {
    /// Adds a text, given in parts, and says its number.
    pub(super) fn push(&mut self, parts: &[&str]) -> u32 {
        for part in parts {
            self.text.push_str(part);
        }
        self.ends.push(self.text.len() as u32);
        self.ends.len() as u32 - 1
    }

    /// The text of this number; empty where there is none.
    pub(super) fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = match at {
            0 => 0,
            _ => self.ends.get(at - 1).copied().unwrap_or(0) as usize,
        };
        let end = self.ends.get(at).copied().unwrap_or(0) as usize;
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|at| self.get(at))
    }
}

/// Distinct names.
#[derive(Default)]
pub(super) struct Names {
    table: Table,
    numbers: Numbered<u64, u32>,
}

impl Names {
    /// The number of a name, which is added where it is new.
    pub(super) fn number(&mut self, name: Name<'_>) -> u32 {
        let Names { table, numbers } = self;
        *numbers
            .entry(name.hash)
            .or_insert_with(|| table.push(&[name.text]))
    }

    /// The name of this number.
    pub(super) fn text(&self, number: u32) -> &str {
        self.table.get(number)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}
