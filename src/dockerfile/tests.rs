use super::*;

/// A context with these files.
fn read_with(text: &str, files: &[&str]) -> Recipe {
    let list = |pattern: &str| {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        let glob = glob::Pattern::new(pattern).unwrap();
        let all = files.iter().filter_map(|file| {
            let below = match file
                .strip_prefix(pattern)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                Some(below) => below,
                None if glob.matches(file) => file.rsplit('/').next()?,
                None => return None,
            };
            Some(Listed {
                path: file.to_string(),
                below: below.to_string(),
                in_folder: !glob.matches(file),
            })
        });
        all.collect()
    };
    read(text, &list).unwrap()
}

fn told(recipe: &Recipe) -> Vec<String> {
    let files = recipe.rootfs.files.iter();
    let files = files.map(|(path, placed)| format!("{path} {} {:?}", placed.line, placed.origin));
    files.collect()
}

#[test]
fn files_end_where_docker_puts_them() {
    let recipe = read_with(
        "ARG V=1.20.1\nFROM flink:${V}-java17\nARG KAFKA=3.3.0-1.20\nENV LIB=$FLINK_HOME/lib\n\
         COPY target/job.jar usrlib/\nCOPY libs/ $LIB\n\
         ADD --checksum=sha256:ab https://m.test/a-1.jar?x=1 $LIB/\n\
         COPY conf/x.yaml /opt/flink/conf/config.yaml\n\
         WORKDIR plugins\nCOPY *.txt ./y/\nCOPY one /opt/one\n",
        &[
            "target/job.jar",
            "libs/a.jar",
            "libs/sub/b.jar",
            "conf/x.yaml",
            "n.txt",
            "one/file",
        ],
    );
    assert_eq!(recipe.base, "flink:1.20.1-java17");
    assert_eq!(recipe.args["KAFKA"], "3.3.0-1.20");
    assert_eq!(
        told(&recipe),
        [
            "/opt/flink/conf/config.yaml 8 Context(\"conf/x.yaml\")",
            "/opt/flink/lib/a-1.jar 7 Url(\"https://m.test/a-1.jar?x=1\", Some(\"ab\"))",
            "/opt/flink/lib/a.jar 6 Context(\"libs/a.jar\")",
            "/opt/flink/lib/sub/b.jar 6 Context(\"libs/sub/b.jar\")",
            "/opt/flink/plugins/y/n.txt 10 Context(\"n.txt\")",
            "/opt/flink/usrlib/job.jar 5 Context(\"target/job.jar\")",
            "/opt/one/file 11 Context(\"one/file\")",
        ]
    );
    assert_eq!(recipe.left, []);
}

#[test]
fn plain_commands_are_done() {
    let recipe = read_with(
        "FROM flink:1.20\nRUN set -ex; \\\n  # why\n  V=3.3.0 && wget -qP lib https://m.test/k-$V.jar \\\n\
         \x20 && curl -fsSLo /tmp/x.jar 'https://m.test/x.jar' && mv /tmp/x.jar lib/ \\\n\
         \x20 && cd lib && curl -OL https://m.test/y.jar && wget https://m.test/gone.jar -O z.jar && rm z.jar\n\
         RUN mkdir -p plugins/s3 plugins/empty && cp opt/flink-s3-fs-hadoop-*.jar plugins/s3/ && chown -R flink /opt/flink\n\
         RUN ln -s $FLINK_HOME/opt/flink-oss-fs-hadoop-1.20.0.jar plugins/oss/ && rm -f lib/flink-json-*.jar\n\
         RUN apt-get update && apt-get install -y curl | cat\n",
        &[],
    );
    assert_eq!(
        told(&recipe),
        [
            "/opt/flink/lib/k-3.3.0.jar 2 Url(\"https://m.test/k-3.3.0.jar\", None)",
            "/opt/flink/lib/x.jar 2 Url(\"https://m.test/x.jar\", None)",
            "/opt/flink/lib/y.jar 2 Url(\"https://m.test/y.jar\", None)",
            "/opt/flink/plugins/oss/flink-oss-fs-hadoop-1.20.0.jar 8 Base(\"opt/flink-oss-fs-hadoop-1.20.0.jar\")",
            "/opt/flink/plugins/s3/flink-s3-fs-hadoop-*.jar 7 Base(\"opt/flink-s3-fs-hadoop-*.jar\")",
        ]
    );
    assert!(recipe.rootfs.folders.contains("/opt/flink/plugins/empty"));
    assert!(
        recipe
            .rootfs
            .gone
            .contains(&"/opt/flink/lib/flink-json-*.jar".to_string())
    );
    assert_eq!(recipe.left, []);
}

#[test]
fn what_is_not_plain_is_told_with_its_line() {
    let recipe = read_with(
        "FROM maven AS build\nRUN mvn package\nFROM flink:1.20 AS base\nENV A=b\nFROM base\n\
         COPY --from=build /src/target/job.jar /opt/flink/usrlib/\n\
         COPY --from=build /src/conf /opt/flink/conf\n\
         RUN for j in a b; do wget https://m.test/$j.jar -P lib; done\n\
         RUN for j in a b; do echo $j; done\n\
         RUN curl https://m.test/x.jar | tee lib/x.jar\n\
         RUN wget -P lib https://m.test/$UNSET.jar\n\
         COPY gone/*.jar lib/\nCOPY gone/x.jar lib/\n",
        &[],
    );
    assert_eq!(
        (recipe.base.as_str(), recipe.env["A"].as_str()),
        ("flink:1.20", "b")
    );
    let left: Vec<(usize, &str)> = recipe
        .left
        .iter()
        .map(|one| (one.line, one.why.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            (7, "what the stage build has is not known"),
            (8, "a loop or a condition"),
            (10, "`curl` as part of a pipe or alternative"),
            (10, "`tee`"),
            (11, "`wget` with a value that is not known"),
            (12, "it is not in the build context"),
            (13, "it is not in the build context"),
        ]
    );
    assert_eq!(
        told(&recipe),
        [
            "/opt/flink/lib/x.jar 13 Context(\"gone/x.jar\")",
            "/opt/flink/usrlib/job.jar 6 Stage(\"build\")",
        ]
    );
}

#[test]
fn variables_that_hold_each_other_stay_small() {
    let mut text = String::from("FROM flink:1.20\nENV A=0123456789\n");
    for _ in 0..60 {
        text.push_str("ENV A=$A$A\nENV B=$A${B}\n");
    }
    for at in 0..5000 {
        text.push_str(&format!("ENV C{at}=$A\n"));
    }
    text.push_str(&format!("RUN {}\n", "$A ".repeat(50_000)));
    let recipe = read_with(&text, &[]);
    let size: usize = recipe.env.values().map(String::len).sum();
    assert!(size <= MOST_VARIABLES, "{size}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(FROM|RUN|COPY|ADD|ENV|ARG|CMD|WORKDIR|LABEL|[ -~\n]){0,60}") {
        for text in [text.clone(), format!("FROM flink:1.20\n{text}"), format!("FROM a\nRUN {text}")] {
            let _ = read(&text, &|_| Vec::new());
        }
    }
}
