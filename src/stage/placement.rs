//! The rules by Flink version.
//!
//! Source: Flink's documentation on file systems ("Pluggable File Systems") and
//! the releases' own layout: no plugins folder before 1.9; from 1.10 the S3
//! file systems fail when they are loaded from lib/; the planner loader of 1.15
//! must not meet the planner itself.

use crate::base::{BaseFacts, FlinkVersion};
use crate::error::{Error, Result};
use crate::maven::{JarName, is_jar_of};

/// The folder, under FLINK_HOME, of a filesystem plugin.
pub fn filesystem_folder(flink: &FlinkVersion, name: &str) -> String {
    if flink.at_least(1, 9) {
        format!("plugins/{name}")
    } else {
        "lib".to_string()
    }
}

/// What is said of a JAR that goes into lib/ or usrlib/: an error where the
/// image would not work, a warning where it might not.
pub fn check_library(
    facts: &BaseFacts,
    folder: &str,
    file_name: &str,
    by: &str,
    filesystem_artifacts: &[(String, String)],
) -> Result<Option<String>> {
    for (name, artifact) in filesystem_artifacts {
        if !is_jar_of(file_name, artifact) {
            continue;
        }
        let hint = format!(
            "write `{name} = {{}}` under [filesystems] instead: it goes to the right place by itself"
        );
        if facts.flink.at_least(1, 10) && artifact.contains("-s3-") {
            return Err(Error::usage(format!(
                "{by}: {file_name} does not belong in {folder}/: from Flink 1.10 on the S3 file systems are made for plugins/ alone (elsewhere they lack classes of Hadoop), and the base has Flink {}",
                facts.flink
            ))
            .hint(hint));
        }
        if facts.flink.at_least(1, 9) {
            return Ok(Some(format!(
                "{by}: {file_name} is a filesystem plugin, and {folder}/ shares its classes with everything; {hint}"
            )));
        }
    }
    if folder == "lib" && is_jar_of(file_name, "flink-dist") {
        return Err(Error::usage(format!(
            "{by}: a second flink-dist ({file_name}) in lib/ keeps Flink from starting"
        ))
        .hint("Flink itself comes from the base: change `base` for another Flink"));
    }
    if folder == "lib" {
        let planner = |name: &str| is_jar_of(name, "flink-table-planner");
        let loader = |name: &str| is_jar_of(name, "flink-table-planner-loader");
        let meets = facts.children("lib").find(|(other, _)| {
            (planner(file_name) && loader(other)) || (loader(file_name) && planner(other))
        });
        if let Some((other, _)) = meets {
            return Err(Error::usage(format!(
                "{by}: {file_name} and the base's {other} would both be in lib/, and Flink takes one planner only"
            ))
            .hint("build a base whose lib/ holds the planner you want: `flinkpack base build` from a distribution where the two were swapped"));
        }
        let artifact_of = |name| JarName::of_file(name).map(|name| name.artifact);
        let artifact = artifact_of(file_name);
        let same = facts.children("lib").find(|(other, _)| {
            *other != file_name && artifact.is_some() && artifact_of(other) == artifact
        });
        if let Some((other, _)) = same {
            return Ok(Some(format!(
                "{by}: the base's lib/ already has {other}; with {file_name} beside it the alphabetically first wins every class"
            )));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Node, NodeKind};
    use std::collections::BTreeMap;

    fn base(flink: &str, lib: &[&str]) -> BaseFacts {
        let node = Node {
            kind: NodeKind::File,
            mode: 0o644,
            uid: 9999,
            gid: 9999,
            mtime: 0,
            size: 1,
            target: None,
            sha256: None,
            layer: 0,
        };
        BaseFacts {
            home: "opt/flink".into(),
            flink: flink.parse().unwrap(),
            scala: "2.12".into(),
            java: Some(17),
            nodes: lib
                .iter()
                .map(|name| (format!("opt/flink/lib/{name}"), node.clone()))
                .collect(),
            texts: BTreeMap::new(),
        }
    }

    fn filesystems() -> Vec<(String, String)> {
        [
            ("s3-hadoop", "flink-s3-fs-hadoop"),
            ("oss", "flink-oss-fs-hadoop"),
        ]
        .map(|(name, artifact)| (name.to_string(), artifact.to_string()))
        .to_vec()
    }

    #[test]
    fn plugins_have_folders_from_1_9_on() {
        let folder = |flink: &str| filesystem_folder(&flink.parse().unwrap(), "oss");
        assert_eq!(folder("1.8.3"), "lib");
        assert_eq!(folder("1.9.0"), "plugins/oss");
        assert_eq!(folder("2.2.0"), "plugins/oss");
    }

    #[test]
    fn s3_in_lib_is_refused_where_it_fails() {
        let check = |flink: &str, name: &str| {
            check_library(&base(flink, &[]), "lib", name, "x", &filesystems())
        };
        assert!(
            check("1.8.3", "flink-s3-fs-hadoop-1.8.3.jar")
                .unwrap()
                .is_none()
        );
        assert!(
            check("1.9.3", "flink-s3-fs-hadoop-1.9.3.jar")
                .unwrap()
                .is_some()
        );
        assert!(check("1.10.0", "flink-s3-fs-hadoop-1.10.0.jar").is_err());
        assert!(
            check("1.20.5", "flink-oss-fs-hadoop-1.20.5.jar")
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn two_planners_or_two_dists_are_refused() {
        let facts = base("1.20.5", &["flink-table-planner-loader-1.20.5.jar"]);
        for name in [
            "flink-table-planner_2.12-1.20.5.jar",
            "flink-dist-1.20.4.jar",
        ] {
            assert!(
                check_library(&facts, "lib", name, "x", &[]).is_err(),
                "{name}"
            );
        }
        assert!(
            check_library(&facts, "lib", "flink-table-api-1.jar", "x", &[])
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_second_version_beside_the_base_s_is_told() {
        let facts = base("1.20.5", &["flink-sql-connector-kafka-3.3.0-1.20.jar"]);
        let warning = check_library(
            &facts,
            "lib",
            "flink-sql-connector-kafka-3.4.0-1.20.jar",
            "kafka",
            &[],
        );
        assert!(warning.unwrap().is_some());
    }
}
