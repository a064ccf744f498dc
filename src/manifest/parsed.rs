//! Lists of texts that stand for something.

use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::error::Result;
use crate::maven::InvalidCoordinates;

/// What the texts of a list stand for. The first that stands for nothing is told
/// once the manifest is read, with its line and what to write instead, which an
/// error of the TOML reader does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    all: Vec<T>,
    problem: Option<InvalidCoordinates>,
}

impl<T> Parsed<T> {
    pub(super) fn check(&self) -> Result<()> {
        match &self.problem {
            Some(problem) => Err(problem.clone().into()),
            None => Ok(()),
        }
    }
}

impl<T> Default for Parsed<T> {
    fn default() -> Parsed<T> {
        Parsed {
            all: Vec::new(),
            problem: None,
        }
    }
}

impl<T> Deref for Parsed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all
    }
}

impl<'de, T: FromStr<Err = InvalidCoordinates>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Parsed<T>, D::Error> {
        let mut list = Parsed::default();
        for text in Vec::<String>::deserialize(from)? {
            match text.parse() {
                Ok(one) => list.all.push(one),
                Err(problem) => list.problem = list.problem.or(Some(problem)),
            }
        }
        Ok(list)
    }
}
