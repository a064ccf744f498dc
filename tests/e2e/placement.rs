//! File systems at their place, and loaded from there.

use crate::support::docker::Docker;
use crate::support::flink::Turn;
use crate::support::project::environment;

use super::{name, project};

const FILESYSTEMS: [&str; 3] = ["s3-hadoop", "oss", "swift"];
const PLACES: [&str; 3] = ["link", "move", "copy"];

/// Each file system by each kind of placement in turn, in three images.
fn placed(base: &str, folder: impl Fn(&str) -> String, logging: &str, loaded: &[&str]) {
    let base = environment(base);
    let docker = Docker::classic();
    let log4j = docker.shell(&base, "cat conf/log4j-console.properties");
    let sums = sums(&docker, &base, "opt");
    for turn in 0..PLACES.len() {
        let image = name("placement");
        let places: Vec<_> = FILESYSTEMS
            .iter()
            .enumerate()
            .map(|(at, name)| (*name, PLACES[(at + turn) % PLACES.len()]))
            .collect();
        let rows: String = places
            .iter()
            .map(|(name, place)| format!("{name} = {{ place = \"{place}\" }}\n"))
            .collect();
        let project = project(&format!(
            r#"
[image]
name = "{image}"
tags = ["1"]
base = "{base}"
[filesystems]
{rows}
[files]
"/opt/flink/conf/log4j-console.properties" = "log4j"
"#
        ));
        project.write("log4j", format!("{log4j}\n{logging}"));
        let _tag = docker.removed_later(format!("{image}:1"));
        project.ok(&["build"]);
        let image = format!("{image}:1");

        let seen = self::sums(&docker, &image, "lib opt $(ls -d plugins)");
        for (name, place) in places {
            let artifact = format!("/flink-{}", fs_name(name));
            let (jar, sum) = sums
                .iter()
                .find(|(path, _)| path.contains(&artifact))
                .unwrap_or_else(|| panic!("{name} in opt/"));
            let file = jar.strip_prefix("opt/").expect("in opt/");
            let path = format!("{}/{file}", folder(name));
            let found: Vec<&str> = seen
                .iter()
                .filter(|(_, other)| other == sum)
                .map(|(path, _)| path.as_str())
                .collect();
            let expected: Vec<&str> = match place {
                "move" => vec![&path],
                _ if path < *jar => vec![&path, jar],
                _ => vec![jar, &path],
            };
            assert_eq!(found, expected, "{name} by {place}");
            let what = docker.shell(
                &image,
                &format!("stat -c '%F %u:%g' {path}; readlink -f {path}"),
            );
            let home = "/opt/flink";
            let right = match place {
                "link" => format!("symbolic link 9999:9999\n{home}/{jar}"),
                _ => format!("regular file 9999:9999\n{home}/{path}"),
            };
            assert_eq!(what, right, "{name} by {place}");
        }

        let _turn = Turn::take();
        let jobmanager = docker.start(&[
            "--network",
            "none",
            "--hostname",
            "localhost",
            &image,
            "jobmanager",
        ]);
        jobmanager.printed(60, loaded);
        jobmanager.printed(60, &["was granted leadership"]);
        let taskmanager = docker.start(&[
            "--network",
            &format!("container:{}", jobmanager.id()),
            "-e",
            "JOB_MANAGER_RPC_ADDRESS=localhost",
            &image,
            "taskmanager",
        ]);
        taskmanager.printed(60, loaded);
        taskmanager.printed(60, &["Successful registration at"]);
    }
}

fn fs_name(name: &str) -> &str {
    match name {
        "s3-hadoop" => "s3-fs-hadoop",
        "oss" => "oss-fs-hadoop",
        _ => "swift-fs-hadoop",
    }
}

/// Path and SHA-256 of all file systems' JARs in these folders, sorted; links
/// are followed.
fn sums(docker: &Docker, image: &str, folders: &str) -> Vec<(String, String)> {
    let out = docker.shell(
        image,
        &format!("find -L {folders} -name '*-fs-*.jar' -exec sha256sum {{}} +"),
    );
    let mut sums: Vec<(String, String)> = out
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, path)| (path.to_string(), sum.to_string()))
        .collect();
    sums.sort();
    sums
}

#[test]
fn in_lib_on_1_8() {
    placed(
        "FLINKPACK_TEST_BASE_1_8",
        |_| "lib".to_string(),
        "log4j.logger.org.apache.flink.core.fs=DEBUG\n",
        &[
            "Added file system s3:org.apache.flink.fs.s3hadoop.S3FileSystemFactory",
            "Added file system oss:org.apache.flink.fs.osshadoop.OSSFileSystemFactory",
            "Added file system swift:org.apache.flink.fs.openstackhadoop.SwiftFileSystemFactory",
        ],
    );
}

#[test]
fn in_plugins_on_1_12() {
    placed(
        "FLINKPACK_TEST_BASE_1_12",
        |name| format!("plugins/{name}"),
        "logger.fs.name = org.apache.flink.core.fs\nlogger.fs.level = DEBUG\n",
        &[
            "Added file system s3:Plugin org.apache.flink.fs.s3hadoop.S3FileSystemFactory",
            "Added file system oss:Plugin org.apache.flink.fs.osshadoop.OSSFileSystemFactory",
            "Added file system swift:Plugin org.apache.flink.fs.openstackhadoop.SwiftFileSystemFactory",
        ],
    );
}
