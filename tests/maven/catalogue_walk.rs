//! The catalogue against the repositories that are really configured.

use std::collections::BTreeMap;

use flinkpack::catalogue::{Catalogue, VersionRequest};
use flinkpack::report::Report;
use flinkpack::repository::{Environment, Maven, Origin};

use super::store;

/// Asks for each artifact's metadata once, one after the other.
/// `CATALOGUE_WALK=kafka,jdbc` asks for these entries only.
#[tokio::test]
#[ignore = "asks the real repository: cargo test -- --ignored catalogue_walk"]
async fn catalogue_walk() {
    let only = std::env::var("CATALOGUE_WALK").unwrap_or_default();
    let only: Vec<&str> = only.split(',').filter(|name| !name.is_empty()).collect();
    let mut rows: BTreeMap<(String, String), Vec<(String, String)>> = BTreeMap::new();
    for entry in Catalogue::embedded().entries() {
        if !only.is_empty() && !only.contains(&entry.name.as_str()) {
            continue;
        }
        for release in &entry.releases {
            for minor in &release.flink {
                let scalas = match release.artifact.scala.is_empty() {
                    true => vec![None],
                    false => release
                        .artifact
                        .scala
                        .iter()
                        .map(|scala| Some(scala.as_str()))
                        .collect(),
                };
                for scala in scalas {
                    let wanted = VersionRequest::Exact(&release.artifact.version);
                    let selected = entry.select(wanted, &format!("{minor}.0"), scala).unwrap();
                    for coordinates in selected.with.iter().chain([&selected.coordinates]) {
                        let group = coordinates.group().to_owned();
                        rows.entry((group, coordinates.artifact().to_owned()))
                            .or_default()
                            .push((
                                coordinates.version().to_owned(),
                                format!("{} for Flink {minor}: {coordinates}", entry.name),
                            ));
                    }
                }
            }
        }
    }
    let (_folder, store) = store();
    let environment = Environment::of_process();
    let maven = Maven::of_user(&[], &environment, store, Report::silent(), false).unwrap();
    let mut absent = Vec::new();
    for ((group, artifact), rows) in rows {
        let versions = maven.versions(&group, &artifact).await.unwrap();
        let missing = rows
            .into_iter()
            .filter(|(version, _)| !versions.contains(version));
        absent.extend(missing.map(|(_, row)| row));
    }
    assert!(
        absent.is_empty(),
        "not in the repository:\n{}",
        absent.join("\n")
    );
}

/// One small file through the repositories that are really configured.
#[tokio::test]
#[ignore = "asks the real repository: cargo test -- --ignored a_real_file"]
async fn a_real_file() {
    let (_folder, store) = store();
    let environment = Environment::of_process();
    let maven = Maven::of_user(&[], &environment, store, Report::silent(), false).unwrap();
    let coordinate = "org.apache.flink:flink-connector-jdbc:3.3.0-1.20"
        .parse()
        .unwrap();
    let file = maven.jar(&coordinate, None).await.unwrap();
    let again = maven.jar(&coordinate, Some(file.sha256)).await.unwrap();
    assert_eq!(again.from, Origin::Cache);
}
