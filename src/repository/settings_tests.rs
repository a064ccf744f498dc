use std::fs;

use proptest::prelude::*;

use super::*;

fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let home = folder.path().display().to_string();
    let environment = Environment::of([
        ("HOME", home.as_str()),
        ("MAVEN_HOME", &format!("{home}/maven")),
        ("USER_NAME", "ci"),
        ("TOKEN", "t0ken"),
    ]);
    fs::create_dir_all(folder.path().join("maven/lib")).unwrap();
    (folder, environment)
}

fn settings(user: &str) -> Result<Settings> {
    let (_folder, environment) = home(&[(".m2/settings.xml", user)]);
    Settings::read(&environment)
}

const USER: &str = r#"<?xml version="1.0"?>
<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
  <localRepository>${user.home}/repo</localRepository>
  <mirrors>
    <mirror><id>corp</id><url>https://nexus.example.com/${env.USER_NAME}</url><mirrorOf>*</mirrorOf></mirror>
  </mirrors>
  <servers>
    <server><id>corp</id><username>${env.USER_NAME}</username><password>p&amp;w</password></server>
    <server><id>token</id><configuration><httpHeaders>
      <property><name>X-Token</name><value>${env.TOKEN}</value></property>
    </httpHeaders></configuration></server>
    <server><id>unset</id><username>me</username><password>${env.NOT_SET}</password></server>
    <server><id>sealed</id><username>me</username><password>{d8GRABkvb1sHndZc5DVHdNDpXUO4GyjT2LZFzJHqZgs=}</password></server>
    <server><id>key</id><privateKey>x</privateKey></server>
  </servers>
  <profiles>
    <profile><id>one</id><repositories>
      <repository><id>team</id><url>https://team.example.com/m2</url><snapshots><enabled>false</enabled></snapshots></repository>
    </repositories></profile>
    <profile><id>default</id><activation><activeByDefault>true</activeByDefault></activation><repositories>
      <repository><id>d</id><url>https://d.example.com</url></repository>
    </repositories></profile>
  </profiles>
  <activeProfiles><activeProfile>one</activeProfile></activeProfiles>
</settings>"#;

const GLOBAL: &str = r#"<settings>
  <mirrors>
    <mirror><id>corp</id><url>https://other.example.com</url><mirrorOf>central</mirrorOf></mirror>
    <mirror><id>blocker</id><url>http://0.0.0.0/</url><mirrorOf>external:http:*</mirrorOf><blocked>true</blocked></mirror>
  </mirrors>
</settings>"#;

#[test]
fn both_files_count_and_the_users_wins() {
    let (folder, environment) = home(&[
        (".m2/settings.xml", USER),
        ("maven/conf/settings.xml", GLOBAL),
    ]);
    let settings = Settings::read(&environment).unwrap();
    let ids: Vec<_> = settings
        .mirrors
        .iter()
        .map(|mirror| mirror.id.as_str())
        .collect();
    assert_eq!(ids, ["corp", "blocker"]);
    assert_eq!(settings.mirrors[0].url, "https://nexus.example.com/ci");
    assert!(settings.mirrors[1].blocked);
    assert_eq!(
        settings.local_repository(),
        Some(folder.path().join("repo"))
    );
    assert_eq!(
        settings.repositories,
        [
            SettingsRepository {
                id: "d".to_owned(),
                url: "https://d.example.com".to_owned(),
                releases: true,
                snapshots: true,
            },
            SettingsRepository {
                id: "team".to_owned(),
                url: "https://team.example.com/m2".to_owned(),
                releases: true,
                snapshots: false,
            }
        ]
    );
}

/// A profile of this id, with a repository of this id.
fn profile(id: &str, activation: &str) -> String {
    format!(
        "<profile><id>{id}</id><activation>{activation}</activation><repositories><repository><id>{id}</id><url>https://{id}.example.com</url></repository></repositories></profile>"
    )
}

/// As Maven 3.8.7 does it: `mvn -X` of a project whose parent is nowhere says
/// which repositories it asks, and in which order.
#[test]
fn profiles_count_by_their_conditions_and_later_ones_go_first() {
    let profiles = [
        ("one", ""),
        ("two", ""),
        ("def", "<activeByDefault>true</activeByDefault>"),
        ("jdk", "<jdk>[1.8,)</jdk>"),
        ("old", "<jdk>1.4</jdk>"),
        ("prop", "<property><name>env.FOO</name></property>"),
        (
            "value",
            "<property><name>env.FOO</name><value>2</value></property>",
        ),
        (
            "option",
            "<property><name>given</name><value>x</value></property>",
        ),
        ("file", "<file><exists>${user.home}/x</exists></file>"),
        ("missing", "<file><missing>${user.home}/x</missing></file>"),
        (
            "os",
            "<os><family>unix</family></os><property><name>!nothere</name></property>",
        ),
        (
            "not-all",
            "<os><family>unix</family></os><property><name>nothere</name></property>",
        ),
        ("named", ""),
        ("off", "<activeByDefault>true</activeByDefault>"),
        ("none", ""),
    ]
    .map(|(id, activation)| profile(id, activation))
    .concat();
    let text = format!(
        "<settings><profiles>{profiles}</profiles><activeProfiles><activeProfile>two</activeProfile><activeProfile>one</activeProfile></activeProfiles></settings>"
    );
    let (folder, _) = home(&[
        (".m2/settings.xml", text.as_str()),
        ("x", ""),
        (
            "java/release",
            "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.9\"\n",
        ),
    ]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let environment = Environment::of([
        ("HOME", folder.path().to_str().unwrap()),
        ("JAVA_HOME", &path("java")),
        ("FOO", "1"),
        ("MAVEN_OPTS", "-Dgiven=x"),
        ("MAVEN_ARGS", "-Pnamed -P !off"),
    ]);
    let settings = Settings::read(&environment).unwrap();
    let ids = settings.repositories.iter().map(|one| one.id.as_str());
    let ids: Vec<_> = ids.collect();
    assert_eq!(
        ids,
        [
            "named", "os", "file", "option", "prop", "jdk", "def", "two", "one"
        ]
    );
}

#[test]
fn without_java_no_condition_on_it_holds() {
    let text = format!(
        "<settings><profiles>{}{}</profiles></settings>",
        profile("new", "<jdk>[1.8,)</jdk>"),
        profile("not", "<jdk>!1.4</jdk>")
    );
    assert!(settings(&text).unwrap().repositories.is_empty());
}

#[test]
fn maven_s_arguments_may_name_the_file() {
    let (folder, _) = home(&[("ci.xml", USER)]);
    let path = folder.path().join("ci.xml").display().to_string();
    let read = |path: &str| {
        let arguments = format!("-B -s {path}");
        Settings::read(&Environment::of([("MAVEN_ARGS", arguments.as_str())]))
    };
    assert_eq!(read(&path).unwrap().mirrors.len(), 1);
    let error = read("/no/such.xml").err().unwrap().report();
    assert!(
        error.contains("/no/such.xml") && error.contains("MAVEN_ARGS"),
        "{error}"
    );
}

#[test]
fn proxies_are_read_when_they_are_wanted() {
    let with = |proxy: &str| {
        settings(&format!(
            "<settings>\n<proxies><proxy>{proxy}</proxy></proxies></settings>"
        ))
    };
    for (proxy, says) in [
        ("<port>1</port>", "<proxy> has no <host>"),
        ("<host>p</host><port>x</port>", "`x`, and no port's number"),
        ("<host>p</host><port>70000</port>", "line 2"),
    ] {
        let error = with(proxy).err().unwrap().report();
        assert!(error.contains(says), "{error}");
    }
    let sealed = "<id>corp</id><host>p</host><username>u</username><password>{d8GRABkvb1sHndZc5DVHdNDpXUO4GyjT2LZFzJHqZgs=}</password>";
    let error = with(sealed).unwrap().proxies().err().unwrap().report();
    assert!(
        error.contains("<proxy> `corp` of") && error.contains("settings-security.xml"),
        "{error}"
    );
    let inactive = format!("<active>false</active>{sealed}");
    assert!(with(&inactive).unwrap().proxies().is_ok());
}

#[test]
fn servers_give_credentials() {
    let settings = settings(USER).unwrap();
    assert!(settings.access("corp").unwrap().is_some());
    assert!(settings.access("token").unwrap().is_some());
    assert!(settings.access("key").unwrap().is_none());
    assert!(settings.access("nobody").unwrap().is_none());
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let error = settings(USER)
        .unwrap()
        .access("unset")
        .err()
        .unwrap()
        .report();
    assert!(
        error.contains("NOT_SET") && error.contains("`unset`") && error.contains("line 12"),
        "{error}"
    );
}

#[test]
fn encrypted_passwords_need_the_master_password() {
    let error = settings(USER)
        .unwrap()
        .access("sealed")
        .err()
        .unwrap()
        .report();
    assert!(
        error.contains("`sealed`") && error.contains("settings-security.xml"),
        "{error}"
    );
    let master = "<settingsSecurity><master>{6jFkJnZ1L0UHN+wbzduK2FnochOVWnj3np/krvVHM6Y=}</master></settingsSecurity>";
    let (_folder, environment) = home(&[
        (".m2/settings.xml", USER),
        (
            ".m2/settings-security.xml",
            "<settingsSecurity><relocation>${user.home}/usb/s.xml</relocation></settingsSecurity>",
        ),
        ("usb/s.xml", master),
    ]);
    let settings = Settings::read(&environment).unwrap();
    assert!(settings.access("sealed").unwrap().is_some());
}

#[test]
fn what_cannot_be_read_names_file_and_line() {
    let many = format!("<settings>{}</settings>", " ".repeat(1024 * 1024));
    for (text, says) in [
        ("<settings>\n<mirrors>\n</settings>", "line 3"),
        (
            "<settings>\n<mirrors>\n<mirror><id>a</id></mirror></mirrors></settings>",
            "line 3: <mirror> has no <url>",
        ),
        ("<project/>", "line 1: the root element is <project>"),
        ("", "settings.xml"),
        (
            "<!DOCTYPE x [<!ENTITY a \"b\">]><settings>&a;</settings>",
            "DTD",
        ),
        (&many, "more than 1048576 bytes"),
    ] {
        let error = settings(text).err().unwrap().report();
        assert!(
            error.contains("settings.xml") && error.contains(says),
            "{text:.60}: {error}"
        );
    }
}

#[test]
fn deep_nesting_is_no_panic() {
    let text = format!("<settings>{}", "<a>".repeat(200_000));
    assert!(settings(&text).is_err());
}

#[test]
fn no_file_is_no_settings() {
    let (_folder, environment) = home(&[]);
    let settings = Settings::read(&environment).unwrap();
    assert!(settings.mirrors.is_empty() && settings.repositories.is_empty());
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "(<[a-z/]{0,9}>|[a-z &;]){0,40}") {
        let environment = Environment::default();
        let _ = File::parse(&format!("<settings>{text}</settings>"), "x", &environment);
    }
}
