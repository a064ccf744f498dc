use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use super::*;
use crate::catalogue::Catalogue;
use crate::image::Digest;
use crate::jar::{self, samples};
use crate::store::Store;

/// JARs by path, each with entries.
pub(super) struct Image {
    folder: tempfile::TempDir,
    input: Input,
}

impl Image {
    pub(super) fn new() -> Image {
        Image {
            folder: tempfile::tempdir().unwrap(),
            input: Input {
                flink: "1.20.5".parse().unwrap(),
                scala: "2.12".into(),
                java: Some(17),
                jars: Vec::new(),
                empty_plugins: Vec::new(),
                config: BTreeMap::new(),
                sql: Vec::new(),
                main_class: None,
                connectors: Vec::new(),
                literals: Vec::new(),
                catalogue: Catalogue::embedded(),
                texts: Box::new(|_| None),
            },
        }
    }

    pub(super) fn jar(mut self, path: &str, of_base: bool, entries: &[(&str, Vec<u8>)]) -> Image {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(bytes).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        let store = Store::open(self.folder.path().join("store"));
        let (file, sha256) = (self.folder.path().join("x.jar"), Digest::of(&bytes));
        std::fs::write(&file, bytes).unwrap();
        jar::learn(&store, &file, &sha256, path).unwrap();
        self.input.jars.push(PlacedJar {
            path: path.to_string(),
            loader: Loader::of(path).expect("somebody loads it"),
            sha256,
            coordinates: None,
            kind: None,
            of_base,
            facts: jar::known(&store, &sha256).map(Arc::new),
        });
        self.input.texts = Box::new(move |sha256| jar::texts(&store, sha256));
        self
    }

    fn config(mut self, key: &str, value: &str) -> Image {
        self.input.config.insert(key.into(), value.into());
        self
    }

    fn sql(mut self, text: &str) -> Image {
        self.input.sql.push(("job.sql".into(), text.into()));
        self
    }

    /// Codes with severities' first letters and messages.
    fn found(&self) -> Vec<String> {
        let found = run(&self.input);
        let line = |one: &Finding| {
            let letter = &one.severity.word()[..1];
            format!(
                "{letter} {} {} {}",
                one.code,
                one.message,
                one.details.join("; ")
            )
        };
        found.iter().map(line).collect()
    }

    pub(super) fn has(&self, code: &str, words: &[&str]) {
        let found = self.found();
        let fits =
            |line: &String| line.contains(code) && words.iter().all(|word| line.contains(word));
        assert!(found.iter().any(fits), "{code} {words:?} in {found:#?}");
    }

    pub(super) fn lacks(&self, code: &str) {
        let found = self.found();
        assert!(!found.iter().any(|line| line.contains(code)), "{found:#?}");
    }
}

pub(super) fn class(name: &str) -> samples::Sample {
    samples::class(name, "java/lang/Object")
}

pub(super) const FACTORY: &str = "META-INF/services/org.apache.flink.table.factories.Factory";

pub(super) fn flink(image: Image) -> Image {
    image.jar(
        "lib/flink-dist-1.20.5.jar",
        true,
        &[
            (
                "org/apache/flink/table/factories/Factory.class",
                class("org/apache/flink/table/factories/Factory").bytes(),
            ),
            (
                "org/apache/flink/table/factories/CatalogFactory.class",
                class("org/apache/flink/table/factories/CatalogFactory")
                    .interface()
                    .implements("org/apache/flink/table/factories/Factory")
                    .bytes(),
            ),
            (
                "cli/Options.class",
                class("cli/Options").method("extra", "()V").bytes(),
            ),
            (
                "dist/Main.class",
                class("dist/Main")
                    .calls("cli/Options", "extra", "()V")
                    .bytes(),
            ),
        ],
    )
}

fn connector(name: &str, identifier: &str) -> (String, Vec<u8>) {
    let bytes = class(name)
        .implements("org/apache/flink/table/factories/Factory")
        .answers("factoryIdentifier", identifier)
        .bytes();
    (format!("{name}.class"), bytes)
}

#[test]
fn the_alphabetically_first_copy_wins_over_flink_dist() {
    let old = class("cli/Options").bytes();
    let image = flink(Image::new()).jar("lib/z.jar", false, &[("cli/Options.class", old)]);
    image.has(
        "w FP0102",
        &[
            "lib/z.jar hides",
            "1 lacks what is called by lib/flink-dist-1.20.5.jar",
            "cli.Options.extra()",
        ],
    );
}

#[test]
fn identical_copies_are_information_and_differing_ones_no_error() {
    let same = class("cli/Options").method("extra", "()V").bytes();
    let image = flink(Image::new()).jar("lib/a.jar", false, &[("cli/Options.class", same)]);
    image.has("i FP0103", &["lib/a.jar"]);
    let more = class("cli/Options")
        .method("extra", "()V")
        .method("more", "()V")
        .bytes();
    let image = flink(Image::new()).jar("lib/a.jar", false, &[("cli/Options.class", more)]);
    image.has("w FP0101", &["cli: 1 class"]);
    image.lacks("FP0102");
}

#[test]
fn each_class_loader_has_its_own_view() {
    let old = class("cli/Options").bytes();
    let flinks = class("org/apache/flink/table/factories/Factory")
        .major(55)
        .bytes();
    let image = flink(Image::new())
        .jar(
            "plugins/x/x.jar",
            false,
            &[("cli/Options.class", old.clone())],
        )
        .jar(
            "usrlib/job.jar",
            false,
            &[
                ("cli/Options.class", old),
                ("org/apache/flink/table/factories/Factory.class", flinks),
            ],
        );
    image.lacks("FP0102");
    image.has("w FP0104", &["lib/flink-dist", "1 class of usrlib/job.jar"]);
}

#[test]
fn services_must_name_what_is_there() {
    let (name, bytes) = connector("c/F", "kafka");
    let image = flink(Image::new()).jar(
        "lib/c.jar",
        false,
        &[(&name, bytes.clone()), (FACTORY, b"c.F\nc.Gone".to_vec())],
    );
    image.has("e FP0301", &["c.Gone"]);
    let image = flink(Image::new()).jar("lib/c.jar", false, &[(&name, bytes)]);
    image.has("w FP0305", &["c.F (kafka)"]);
}

#[test]
fn a_factory_needs_its_super_types() {
    let bytes = samples::class("c/F", "gone/Base")
        .implements("org/apache/flink/table/factories/Factory")
        .answers("factoryIdentifier", "x")
        .bytes();
    let image = flink(Image::new()).jar(
        "lib/c.jar",
        false,
        &[("c/F.class", bytes), (FACTORY, b"c.F".to_vec())],
    );
    image.has("w FP0302", &["gone.Base"]);
    image
        .sql("'connector' = 'x'")
        .has("e FP0302", &["gone.Base"]);
}

#[test]
fn an_identifier_has_one_factory() {
    let of = |name: &str| {
        let bytes = class(name)
            .implements("org/apache/flink/table/factories/CatalogFactory")
            .answers("factoryIdentifier", "hive")
            .bytes();
        (format!("{name}.class"), bytes)
    };
    let (a, b) = (of("c/A"), of("c/B"));
    let image = flink(Image::new())
        .jar(
            "lib/a.jar",
            false,
            &[(&a.0, a.1), (FACTORY, b"c.A".to_vec())],
        )
        .jar(
            "lib/b.jar",
            false,
            &[(&b.0, b.1), (FACTORY, b"c.B".to_vec())],
        );
    image.has("w FP0303", &["'hive'", "c.A", "c.B"]);
    let mut image = image.sql("'connector' = 'kafka'");
    image.has("e FP0304", &["'kafka'"]);
    // A JAR that was not read may have it.
    image.input.jars[0].facts = None;
    image.lacks("FP0304");
}

#[test]
fn a_bulk_format_and_a_record_format_may_share_a_name() {
    let of = |name: &str| format!("org/apache/flink/table/factories/{name}");
    let mut types = Vec::new();
    for (name, above) in [
        (of("FormatFactory"), of("Factory")),
        (of("DecodingFormatFactory"), of("FormatFactory")),
        (
            of("DeserializationFormatFactory"),
            of("DecodingFormatFactory"),
        ),
        (
            "file/BulkReaderFormatFactory".to_string(),
            of("DecodingFormatFactory"),
        ),
    ] {
        let bytes = class(&name).interface().implements(&above).bytes();
        types.push((format!("{name}.class"), bytes));
    }
    let types: Vec<(&str, Vec<u8>)> = types
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    let format = |name: &str, above: &str| {
        let class = class(name).implements(above);
        class.answers("factoryIdentifier", "avro").bytes()
    };
    let bulk = format("c/Bulk", "file/BulkReaderFormatFactory");
    let record = format("c/Record", &of("DeserializationFormatFactory"));
    let other = format("d/Record", &of("DeserializationFormatFactory"));
    let services = b"c.Bulk\nc.Record".to_vec();
    let image = flink(Image::new())
        .jar("lib/flink-formats.jar", true, &types)
        .jar(
            "lib/c.jar",
            false,
            &[
                ("c/Bulk.class", bulk),
                ("c/Record.class", record),
                (FACTORY, services),
            ],
        );
    image.lacks("FP0303");
    let image = image.jar(
        "lib/d.jar",
        false,
        &[("d/Record.class", other), (FACTORY, b"d.Record".to_vec())],
    );
    image.has("w FP0303", &["'avro'", "c.Record", "d.Record"]);
}

#[test]
fn a_class_that_is_only_cast_to_is_told_of_too() {
    let factory = |named: &str| {
        let factory = class("c/F")
            .implements("org/apache/flink/table/factories/Factory")
            .answers("factoryIdentifier", "x")
            .names(named)
            .names("c/Own")
            .bytes();
        let entries = [
            ("c/F.class", factory),
            ("c/Own.class", class("c/Own").bytes()),
            (FACTORY, b"c.F".to_vec()),
        ];
        flink(Image::new()).jar("lib/c.jar", false, &entries)
    };
    factory("org/client/api/Client").has("i FP0603", &["1 reference", "org.client.api"]);
    factory("cli/Options").lacks("FP06");
}

#[test]
fn references_that_lead_nowhere_are_ranked() {
    let factory = class("c/F")
        .implements("org/apache/flink/table/factories/Factory")
        .answers("factoryIdentifier", "x")
        .calls("org/client/api/Client", "open", "()V")
        .calls("cli/Options", "none", "(I)V")
        .bytes();
    let unused = class("c/Unused").calls("opt/Zstd", "go", "()V").bytes();
    let entries = [
        ("c/F.class", factory),
        ("c/Unused.class", unused),
        (FACTORY, b"c.F".to_vec()),
    ];
    let image = flink(Image::new()).jar("lib/c.jar", false, &entries);
    image.has("w FP0601", &["org.client.api"]);
    image.has(
        "w FP0602",
        &[
            "lib/flink-dist-1.20.5.jar",
            "cli.Options.none(int), called by c.F",
        ],
    );
    image.has("i FP0603", &["1 references to absent classes"]);
    assert!(!image.found().iter().any(|line| line.starts_with('e')));
}

#[test]
fn versions_are_compared_with_the_image() {
    let new = class("c/F").major(65).bytes();
    let image = flink(Image::new())
        .jar(
            "lib/flink-sql-connector-x-3.0.0-1.15.jar",
            false,
            &[("c/F.class", new)],
        )
        .jar(
            "lib/flink-connector-x_2.11-3.0.0-1.20.jar",
            false,
            &[(
                "org/slf4j/impl/StaticLoggerBinder.class",
                class("org/slf4j/impl/StaticLoggerBinder").bytes(),
            )],
        )
        .jar("lib/flink-dist-1.19.0.jar", false, &[])
        .jar("lib/flink-metrics-jmx-1.20.5.jar", false, &[]);
    image.has("w FP0201", &["1.15"]);
    image.has("w FP0202", &["2.11"]);
    image.has("w FP0203", &["up to 21"]);
    image.has("w FP0204", &["flink-connector-x"]);
    image.has("e FP0206", &[]);
    image.has("w FP0208", &[]);
    image.has("w FP0209", &["SLF4J binding"]);
}

#[test]
fn file_systems_are_where_flink_looks_for_them() {
    let driver = class("org/postgresql/Driver").bytes();
    let mut image = flink(Image::new())
        .jar("lib/flink-s3-fs-hadoop-1.20.5.jar", false, &[])
        .jar(
            "usrlib/driver.jar",
            false,
            &[("org/postgresql/Driver.class", driver)],
        )
        .config("state.checkpoints.dir", "s3://bucket/x");
    image.input.empty_plugins.push("gone".into());
    image.lacks("FP0401");
    image.has("w FP0403", &[]);
    image.has("e FP0404", &["plugins/gone"]);
    image.has("w FP0405", &["org.postgresql.Driver"]);
    let image = flink(Image::new())
        .jar("plugins/a/flink-s3-fs-hadoop-1.20.5.jar", true, &[])
        .jar("plugins/b/flink-s3-fs-presto-1.20.5.jar", true, &[])
        .config("state.checkpoints.dir", "s3://bucket/x");
    image.lacks("FP0401");
    image.has("w FP0402", &["s3://"]);
}

#[test]
fn one_slf4j_binding_is_enough() {
    let binding = "org/slf4j/impl/StaticLoggerBinder";
    let entries = [(
        "org/slf4j/impl/StaticLoggerBinder.class",
        class(binding).bytes(),
    )];
    let image = flink(Image::new()).jar("lib/slf4j-simple-1.7.36.jar", false, &entries);
    image.lacks("FP0209");
    image
        .jar("lib/log4j-slf4j-impl-2.24.3.jar", true, &entries)
        .has(
            "w FP0209",
            &[
                "lib/slf4j-simple-1.7.36.jar",
                "lib/log4j-slf4j-impl-2.24.3.jar",
            ],
        );
}

#[test]
fn a_connector_has_its_driver() {
    let image = || flink(Image::new()).jar("lib/flink-connector-jdbc-3.3.0-1.20.jar", false, &[]);
    image().has("w FP0406", &["the JDBC driver of the database"]);
    let services = [("META-INF/services/java.sql.Driver", b"any.Driver".to_vec())];
    image()
        .jar("lib/driver.jar", false, &services)
        .lacks("FP0406");
    // What has drivers of its own in mind takes no other one.
    let image = || {
        let cdc = "lib/flink-sql-connector-mysql-cdc-3.5.0.jar";
        flink(Image::new())
            .jar(cdc, false, &[])
            .jar("lib/driver.jar", false, &services)
    };
    image().has("w FP0406", &["the MySQL driver"]);
    let driver = "com/mysql/cj/jdbc/Driver";
    let entries = [("com/mysql/cj/jdbc/Driver.class", class(driver).bytes())];
    image()
        .jar("lib/mysql-connector-j-9.4.0.jar", false, &entries)
        .lacks("FP0406");
}

#[test]
fn cyclic_inheritance_ends() {
    let image = flink(Image::new()).jar(
        "lib/a.jar",
        false,
        &[
            (
                "a/A.class",
                samples::class("a/A", "a/B")
                    .calls("a/A", "x", "()V")
                    .bytes(),
            ),
            ("a/B.class", samples::class("a/B", "a/A").bytes()),
            (FACTORY, b"a.A".to_vec()),
        ],
    );
    image.lacks("e FP");
}

#[test]
fn allowed_findings_keep_their_reason() {
    let same = class("cli/Options").bytes();
    let image = flink(Image::new()).jar("lib/a.jar", false, &[("cli/Options.class", same)]);
    let mut found = run(&image.input);
    let of = |jars: &[&str]| Allow {
        code: "FP0102".into(),
        jars: jars.iter().map(|jar| jar.to_string()).collect(),
        reason: "tested".into(),
    };
    assert_eq!(allow(&[of(&["b*.jar"])], &mut found), [0]);
    assert_eq!(allow(&[of(&["a*.jar", "flink-dist*"])], &mut found), [0; 0]);
    assert!(
        found
            .iter()
            .any(|one| one.allowed.as_deref() == Some("tested"))
    );
    assert!(counts(&found).contains("1 allowed"));
    assert_eq!(sarif(&found, "flinkpack.toml")["version"], "2.1.0");
}

#[test]
fn every_code_is_on_the_page() {
    let page = page();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(page, written, "run this test with UPDATE_DOCS=1");
    assert!(crate::rules::ALL.is_sorted_by_key(|rule| rule.code));
    assert!(page.lines().all(|line| line.chars().count() <= 90));
}

#[test]
fn what_the_sql_client_calls_may_be_hidden_by_lib() {
    let client = || {
        let parser = class("client/Parser")
            .calls("cli/Options", "extra", "()V")
            .calls("line/Reader", "read", "()V")
            .bytes();
        let reader = class("line/Reader").method("read", "()V").bytes();
        let entries = [
            ("client/Parser.class", parser),
            ("line/Reader.class", reader),
        ];
        flink(Image::new()).jar("opt/flink-sql-client-1.20.5.jar", true, &entries)
    };
    client().lacks("FP0");
    let old = |name: &str| class(name).bytes();
    let image = client().jar(
        "lib/old.jar",
        false,
        &[("line/Reader.class", old("line/Reader"))],
    );
    image.has(
        "w FP0105",
        &[
            "lib/old.jar hides other versions of classes that opt/flink-sql-client-1.20.5.jar calls",
            "lacks a method or field",
            "line.Reader.read(), called by client.Parser",
        ],
    );
    let same = class("line/Reader").method("read", "()V").bytes();
    let image = client().jar("lib/new.jar", false, &[("line/Reader.class", same)]);
    image.lacks("FP0105");
    // A copy that Flink has in lib/ counts too; what Flink has nowhere does not.
    let image = client().jar(
        "lib/a.jar",
        false,
        &[("cli/Options.class", old("cli/Options"))],
    );
    image.has("w FP0105", &["lib/a.jar hides", "cli.Options.extra()"]);
    let optional = class("beam/Avro")
        .calls("avro/Schema", "type", "()V")
        .bytes();
    let image = flink(Image::new())
        .jar(
            "opt/flink-python-1.20.5.jar",
            true,
            &[("beam/Avro.class", optional)],
        )
        .jar(
            "lib/a.jar",
            false,
            &[("avro/Schema.class", old("avro/Schema"))],
        );
    image.lacks("FP0105");
    // Flink's own JARs are Flink's own affair.
    let image = client().jar(
        "lib/flink-z.jar",
        true,
        &[("line/Reader.class", old("line/Reader"))],
    );
    image.lacks("FP0105");
}
