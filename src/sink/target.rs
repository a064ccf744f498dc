//! The names that an image gets.

use crate::error::Result;
use crate::image::Reference;

/// One repository with its tags.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The repository, without tag.
    pub repository: Reference,
    /// Its tags, at least one.
    pub tags: Vec<String>,
}

impl Target {
    /// The full references.
    pub fn references(&self) -> Result<Vec<Reference>> {
        self.tags
            .iter()
            .map(|tag| self.repository.with_tag(tag))
            .collect()
    }

    /// Targets of whole references: one for each repository, `latest` where a
    /// reference has no tag.
    pub fn of_references(references: &[Reference]) -> Vec<Target> {
        let mut targets = Vec::new();
        for reference in references {
            let tag = reference
                .tag
                .clone()
                .unwrap_or_else(|| "latest".to_string());
            Target::add(&mut targets, reference.clone(), tag);
        }
        targets
    }

    /// Adds a tag of a repository to the targets.
    pub fn add(targets: &mut Vec<Target>, repository: Reference, tag: String) {
        let repository = Reference {
            tag: None,
            digest: None,
            ..repository
        };
        let same = |target: &&mut Target| target.repository == repository;
        match targets.iter_mut().find(same) {
            Some(target) if target.tags.contains(&tag) => {}
            Some(target) => target.tags.push(tag),
            None => targets.push(Target {
                repository,
                tags: vec![tag],
            }),
        }
    }
}
