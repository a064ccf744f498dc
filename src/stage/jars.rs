//! Each JAR at its place.

use super::placement::{check_library, filesystem_folder};
use super::{Content, NewFile, Stage};
use crate::base::BaseFacts;
use crate::error::{Error, Result};
use crate::job;
use crate::lock::Source;
use crate::manifest::Placement;
use crate::resolve::{Artifact, Folder};

/// Where a JAR goes, under FLINK_HOME.
pub fn path_of(facts: &BaseFacts, artifact: &Artifact) -> String {
    let folder = match &artifact.folder {
        Folder::Lib => "lib".to_string(),
        Folder::Usrlib => job::FOLDER.to_string(),
        Folder::Plugin(name) => filesystem_folder(&facts.flink, name),
    };
    format!("{folder}/{}", artifact.file_name)
}

/// Adds the JAR, unless the base has it there already. Answers what is worth
/// telling.
pub fn stage(
    stage: &mut Stage,
    facts: &BaseFacts,
    artifact: &Artifact,
    filesystem_artifacts: &[(String, String)],
) -> Result<Vec<String>> {
    let path = path_of(facts, artifact);
    let full = facts.under_home(&path);
    let mut told = Vec::new();
    if let Folder::Lib | Folder::Usrlib = artifact.folder {
        let folder = path.split('/').next().unwrap_or_default();
        told.extend(check_library(
            facts,
            folder,
            &artifact.file_name,
            &artifact.name,
            filesystem_artifacts,
        )?);
    }
    if let Some(node) = facts.nodes.get(&full) {
        if node.sha256 == Some(artifact.sha256) {
            return Ok(told);
        }
        if artifact.place.is_none() && node.size > 0 {
            told.push(format!(
                "{} replaces the base's own {path}",
                artifact.shown()
            ));
        }
    }
    // A JAR that several ask for is one JAR.
    if let Some(other) = stage.get(&facts.resolve(&full))
        && let super::EntryKind::File { sha256, .. } = &other.kind
        && *sha256 == artifact.sha256
    {
        return Ok(told);
    }
    let name = match artifact.folder {
        Folder::Plugin(ref plugin) => plugin,
        _ => &artifact.name,
    };
    let reason = artifact.shown();
    if let (Source::Base(from), Some(Placement::Link)) = (&artifact.source, artifact.place) {
        let ups = "../".repeat(path.matches('/').count());
        stage.link(
            facts,
            &full,
            format!("{ups}{from}"),
            reason,
            artifact.kind,
            name,
        )?;
        return Ok(told);
    }
    stage.file(
        facts,
        NewFile {
            path: &full,
            sha256: artifact.sha256,
            size: artifact.size,
            content: artifact.content.clone(),
            mode: 0o644,
            reason: reason.clone(),
            layer: artifact.kind,
            artifact: name,
        },
    )?;
    if artifact.place == Some(Placement::Move) {
        let Source::Base(from) = &artifact.source else {
            return Err(Error::usage(format!(
                "{}: `place = \"move\"` needs the JAR in the base's opt/, and it is not there",
                artifact.name
            ))
            .hint("leave `place` out: the JAR is then copied from the repository"));
        };
        stage.whiteout(facts, &facts.under_home(from), reason, artifact.kind, name)?;
        told.push(format!(
            "{from} is gone from opt/ in the image: a container started with ENABLE_BUILT_IN_PLUGINS naming it would fail"
        ));
    }
    Ok(told)
}

/// Whether the bytes of the JAR are needed to make a layer.
pub fn needs_bytes(artifact: &Artifact) -> bool {
    matches!(artifact.content, Content::Absent) && artifact.place != Some(Placement::Link)
}
