//! Each rule of Maven's resolution, by a repository that shows it.

use std::collections::HashMap;
use std::sync::Arc;

use super::*;

/// POMs by coordinate; the body stands inside `<project>`.
struct Repository(HashMap<String, String>);

impl Repository {
    fn of(poms: &[(&str, &str)]) -> Repository {
        let pom = |(name, body): &(&str, &str)| {
            let parts: Vec<&str> = name.split(':').collect();
            let own = format!(
                "<groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>",
                parts[0], parts[1], parts[2]
            );
            let body = short(body);
            (name.to_string(), format!("<project>{own}{body}</project>"))
        };
        Repository(poms.iter().map(pom).collect())
    }

    fn resolve(&self, root: &str) -> Result<Graph, Error> {
        let text = format!(
            "<project><groupId>r</groupId><artifactId>r</artifactId><version>1</version>{}</project>",
            short(root)
        );
        let root = Arc::new(pom::parse(text.as_bytes()).unwrap());
        let mut resolution = Resolution::of_pom(root, Context::linux("amd64", "17.0.1"));
        loop {
            let needs = match resolution.advance()? {
                Next::Done(graph) => return Ok(*graph),
                Next::Needs(needs) => needs,
            };
            for need in needs {
                let answer = match &need {
                    Request::Pom(gav) => match self.0.get(&gav.to_string()) {
                        None => Answer::Missing,
                        Some(text) => match pom::parse(text.as_bytes()) {
                            Ok(pom) => Answer::Pom(Arc::new(pom)),
                            Err(why) => Answer::Malformed(why),
                        },
                    },
                    Request::Versions { group, artifact } => {
                        let of = format!("{group}:{artifact}:");
                        let versions = self.0.keys().filter_map(|name| name.strip_prefix(&of));
                        Answer::Versions(versions.map(str::to_string).collect())
                    }
                };
                resolution.answer(need, answer);
            }
        }
    }

    /// `artifact:version[:classifier] scope`, in order.
    fn list(&self, root: &str) -> Vec<String> {
        let graph = self.resolve(root).unwrap();
        let shown = |at: usize| {
            let node = &graph.nodes[at];
            let classifier = match node.classifier.as_str() {
                "" => String::new(),
                classifier => format!(":{classifier}"),
            };
            let scope = match node.scope.as_str() {
                "compile" => String::new(),
                scope => format!(" {scope}"),
            };
            format!("{}:{}{classifier}{scope}", node.artifact, node.version)
        };
        graph.selected().into_iter().map(shown).collect()
    }
}

/// `D{…}` are dependencies, `M{…}` what is managed; in them `a:1 k=v …;` is a
/// dependency of the group `g`, whose further words are elements, and `-x` an
/// exclusion.
fn short(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = [rest.find("D{"), rest.find("M{")]
        .into_iter()
        .flatten()
        .min()
    {
        out.push_str(&rest[..at]);
        let managed = rest[at..].starts_with('M');
        let end = at + rest[at..].find("}.").unwrap();
        let list: String = rest[at + 2..end]
            .split(';')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(dependency)
            .collect();
        let list = format!("<dependencies>{list}</dependencies>");
        out.push_str(&match managed {
            true => format!("<dependencyManagement>{list}</dependencyManagement>"),
            false => list,
        });
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    out
}

fn dependency(text: &str) -> String {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap();
    let (artifact, version) = name.split_once(':').unwrap_or((name, ""));
    let mut out = format!("<groupId>g</groupId><artifactId>{artifact}</artifactId>");
    if !version.is_empty() {
        out.push_str(&format!("<version>{version}</version>"));
    }
    let mut exclusions = String::new();
    for word in words {
        if let Some(name) = word.strip_prefix('-') {
            let group = if name == "*" { "*" } else { "g" };
            exclusions.push_str(&format!(
                "<exclusion><groupId>{group}</groupId><artifactId>{name}</artifactId></exclusion>"
            ));
        } else {
            let (key, value) = word.split_once('=').unwrap();
            out.push_str(&format!("<{key}>{value}</{key}>"));
        }
    }
    format!("<dependency>{out}<exclusions>{exclusions}</exclusions></dependency>")
}

const POM: &str = "<packaging>pom</packaging>";

fn parent(name: &str) -> String {
    format!(
        "<parent><groupId>g</groupId><artifactId>{name}</artifactId><version>1</version></parent>"
    )
}

#[test]
fn a_childs_property_overrides_the_parents_version() {
    let child = format!("{}<properties><v>2</v></properties>", parent("p"));
    let repository = Repository::of(&[
        (
            "g:p:1",
            &format!("{POM}<properties><v>1</v></properties>D{{x:${{v}}}}."),
        ),
        ("g:a:1", &child),
        ("g:x:1", ""),
        ("g:x:2", ""),
    ]);
    assert_eq!(repository.list("D{a:1}."), ["a:1", "x:2"]);
}

#[test]
fn what_is_missing() {
    let repository = Repository::of(&[
        ("g:a:1", &parent("nowhere")),
        ("g:b:1", "M{bom:1 type=pom scope=import}."),
        ("g:c:1", "D{gone:1}."),
    ]);
    let error = repository.resolve("D{a:1}.").unwrap_err().to_string();
    assert_eq!(
        error,
        "g:nowhere:1, the parent of g:a:1, is in no repository (needed by g:a:1)"
    );
    let error = repository.resolve("D{b:1}.").unwrap_err().to_string();
    assert!(
        error.contains("g:bom:1, the imported BOM of g:b:1"),
        "{error}"
    );
    assert_eq!(repository.list("D{c:1}."), ["c:1", "gone:1"]);
    let warnings = repository.resolve("D{c:1; lost:1}.").unwrap().warnings;
    let missing = |name, is_direct| Warning::MissingPom {
        gav: Gav::new("g", name, "1"),
        is_direct,
    };
    assert_eq!(warnings, [missing("gone", false), missing("lost", true)]);
}

#[test]
fn expressions_in_names_and_versions() {
    let repository = Repository::of(&[
        (
            "g:a:1",
            "<properties><scala.binary.version>2.12</scala.binary.version><revision>7</revision></properties>D{x_${scala.binary.version}:${revision}; y:${undefined}; z:${project.version}}.",
        ),
        ("g:x_2.12:7", ""),
        ("g:z:1", ""),
    ]);
    let list = repository.list("D{a:1}.");
    assert_eq!(list, ["a:1", "x_2.12:7", "y:${undefined}", "z:1"]);
    // An undefined name makes the POM one without dependencies, as in Maven.
    let repository = Repository::of(&[("g:a:1", "D{${undefined}:1}.")]);
    let graph = repository.resolve("D{a:1}.").unwrap();
    assert_eq!(graph.selected().len(), 1);
    assert!(
        matches!(&graph.warnings[..], [Warning::InvalidPom { why, .. }] if why.contains("nothing defines"))
    );
}

#[test]
fn own_management_fills_what_is_left_out() {
    let repository = Repository::of(&[
        (
            "g:a:1",
            "M{x:2; y:2 scope=test; z:2 scope=test}.D{x; y; z:1 scope=compile}.",
        ),
        ("g:x:2", ""),
        ("g:y:2", ""),
        ("g:z:1", ""),
    ]);
    assert_eq!(repository.list("D{a:1}."), ["a:1", "x:2", "z:1"]);
}

#[test]
fn the_first_bom_wins_and_own_management_beats_any() {
    let repository = Repository::of(&[
        ("g:one:1", &format!("{POM}M{{x:1; y:1}}.")),
        ("g:two:1", &format!("{POM}M{{x:2; y:2}}.")),
        (
            "g:a:1",
            "M{one:1 type=pom scope=import; two:1 type=pom scope=import; y:3}.D{x; y}.",
        ),
        ("g:x:1", ""),
        ("g:y:3", ""),
    ]);
    assert_eq!(repository.list("D{a:1}."), ["a:1", "x:1", "y:3"]);
}

#[test]
fn the_roots_management_rewrites_what_is_below_its_own() {
    let repository = Repository::of(&[
        ("g:a:1", "D{x:1}."),
        ("g:x:1", ""),
        ("g:x:2", ""),
        ("g:x:3", ""),
    ]);
    assert_eq!(repository.list("M{x:2}.D{a:1}."), ["a:1", "x:2"]);
    assert_eq!(repository.list("M{x:2}.D{a:1; x:3}."), ["a:1", "x:3"]);
    // A managed scope does not leave a node out.
    let list = repository.list("M{x:2 scope=provided}.D{a:1}.");
    assert_eq!(list, ["a:1", "x:2 provided"]);
}

#[test]
fn tests_provided_and_optional_stay_above() {
    let repository = Repository::of(&[
        (
            "g:a:1",
            "D{t:1 scope=test; p:1 scope=provided; o:1 optional=true; r:1 scope=runtime}.",
        ),
        ("g:r:1", "D{c:1}."),
        ("g:c:1", ""),
    ]);
    assert_eq!(
        repository.list("D{a:1}."),
        ["a:1", "r:1 runtime", "c:1 runtime"]
    );
    let direct = repository.list("D{t:1 scope=test; o:1 optional=true}.");
    assert_eq!(direct, ["t:1 test", "o:1"]);
}

#[test]
fn the_widest_scope_wins_unless_the_root_says_one() {
    let repository = Repository::of(&[
        ("g:a:1", "D{x:1 scope=runtime}."),
        ("g:b:1", "D{x:1}."),
        ("g:x:1", ""),
    ]);
    assert_eq!(repository.list("D{a:1; b:1}."), ["a:1", "x:1", "b:1"]);
    assert_eq!(
        repository.list("D{a:1; x:1 scope=provided}."),
        ["a:1", "x:1 provided"]
    );
}

#[test]
fn exclusions_count_on_their_way_only() {
    let repository = Repository::of(&[
        ("g:a:1", "D{m:1 -x}."),
        ("g:b:1", "D{m:1}."),
        ("g:m:1", "D{x:1}."),
        ("g:x:1", "D{y:1}."),
        ("g:y:1", ""),
    ]);
    assert_eq!(repository.list("D{a:1}."), ["a:1", "m:1"]);
    assert_eq!(repository.list("D{b:1 -*}."), ["b:1"]);
    // The first way to m is the one without x, and m is met there alone.
    assert_eq!(repository.list("D{a:1; b:1}."), ["a:1", "m:1", "b:1"]);
    let both = repository.list("D{a:1; b:1; x:1}.");
    assert_eq!(both, ["a:1", "m:1", "b:1", "x:1", "y:1"]);
}

#[test]
fn the_nearest_wins_and_of_equals_the_first() {
    let repository = Repository::of(&[
        ("g:a:1", "D{x:1}."),
        ("g:b:1", "D{x:2}."),
        ("g:c:1", "D{b:1}."),
        ("g:x:1", ""),
        ("g:x:2", ""),
    ]);
    assert_eq!(repository.list("D{a:1; b:1}."), ["a:1", "x:1", "b:1"]);
    assert_eq!(repository.list("D{b:1; a:1}."), ["b:1", "x:2", "a:1"]);
    assert_eq!(
        repository.list("D{c:1; a:1}."),
        ["c:1", "b:1", "a:1", "x:1"]
    );
    let graph = repository.resolve("D{c:1; a:1}.").unwrap();
    let loser = graph.nodes.iter().find(|node| !node.selected).unwrap();
    assert_eq!(loser.reason, "1 wins over 2: nearer to the root");
    let graph = repository.resolve("D{a:1; b:1}.").unwrap();
    let loser = graph.nodes.iter().find(|node| !node.selected).unwrap();
    assert_eq!(loser.reason, "1 wins over 2: declared first");
}

#[test]
fn what_only_a_loser_needs_does_not_count() {
    // The nearest x is below the a that loses.
    let repository = Repository::of(&[
        ("g:a:1", "D{x:1}."),
        ("g:a:2", "D{}."),
        ("g:b:1", "D{a:1}."),
        ("g:c:1", "D{d:1}."),
        ("g:d:1", "D{e:1}."),
        ("g:e:1", "D{x:2}."),
        ("g:x:1", ""),
        ("g:x:2", ""),
    ]);
    let list = repository.list("D{b:1; a:2; c:1}.");
    assert_eq!(list, ["b:1", "a:2", "c:1", "d:1", "e:1", "x:2"]);
}

#[test]
fn classifiers_types_and_duplicates() {
    let repository = Repository::of(&[
        ("g:a:1", "D{x:1; x:2 classifier=tests}."),
        ("g:b:1", "D{x:1 type=test-jar; y:1; y:2}."),
        ("g:x:1", ""),
        ("g:x:2", ""),
        ("g:y:2", ""),
    ]);
    assert_eq!(repository.list("D{a:1}."), ["a:1", "x:1", "x:2:tests"]);
    // A duplicate in one POM: the last counts.
    assert_eq!(repository.list("D{b:1}."), ["b:1", "x:1:tests", "y:2"]);
}

#[test]
fn circles_end() {
    let repository = Repository::of(&[("g:a:1", "D{b:1}."), ("g:b:1", "D{a:2}."), ("g:a:2", "")]);
    assert_eq!(repository.list("D{a:1}."), ["a:1", "b:1"]);
    let error = Repository::of(&[
        ("g:a:1", "<distributionManagement><relocation><artifactId>b</artifactId></relocation></distributionManagement>"),
        ("g:b:1", "<distributionManagement><relocation><artifactId>a</artifactId></relocation></distributionManagement>"),
    ])
    .resolve("D{a:1}.")
    .unwrap_err();
    assert!(matches!(error, Error::RelocationCycle { .. }), "{error}");
    // Parents that lead back: no model, and so no dependencies.
    let (p, q) = (parent("p"), parent("q"));
    let repository = Repository::of(&[
        ("g:a:1", &format!("{p}D{{x:1}}.")),
        ("g:p:1", &format!("{POM}{q}")),
        ("g:q:1", &format!("{POM}{p}")),
    ]);
    assert_eq!(repository.list("D{a:1}."), ["a:1"]);
}

#[test]
fn ranges_are_hard() {
    let repository = Repository::of(&[
        ("g:a:1", "D{x:[1,2)}."),
        ("g:b:1", "D{c:1}."),
        ("g:c:1", "D{x:[1.5]}."),
        ("g:x:1", ""),
        ("g:x:1.5", ""),
        ("g:x:1.9", ""),
        ("g:x:2", ""),
    ]);
    assert_eq!(repository.list("D{a:1}."), ["a:1", "x:1.9"]);
    assert_eq!(
        repository.list("D{a:1; b:1}."),
        ["a:1", "x:1.5", "b:1", "c:1"]
    );
    // One of the root's own for each that it declares, whatever the repository has.
    let graph = repository.resolve("D{x:[1,2); a:1}.").unwrap();
    let direct = graph.direct.iter().map(|at| graph.nodes[*at].coordinate());
    assert_eq!(direct.collect::<Vec<_>>(), ["g:x:1.9", "g:a:1"]);
    // A version without brackets yields, even the root's own.
    assert_eq!(repository.list("D{x:1; b:1}."), ["b:1", "c:1", "x:1.5"]);
    let error = repository
        .resolve("D{x:[1,1.2]; b:1}.")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "no version of g:x suits everyone who needs it: [1,1.2] for the project itself; [1.5] for g:c:1"
    );
}

#[test]
fn the_newest_is_looked_up() {
    let repository = Repository::of(&[("g:x:1", ""), ("g:x:2", ""), ("g:x:3-SNAPSHOT", "")]);
    assert_eq!(repository.list("D{x:RELEASE}."), ["x:2"]);
    assert_eq!(repository.list("D{x:LATEST}."), ["x:3-SNAPSHOT"]);
    let error = repository.resolve("D{x:[5,)}.").unwrap_err().to_string();
    assert_eq!(error, "no version of g:x is in [5,)");
    let error = repository.resolve("D{x:[5}.").unwrap_err().to_string();
    assert!(error.contains("is not a range"), "{error}");
}

#[test]
fn what_moved_is_taken_where_it_went() {
    let moved = "<distributionManagement><relocation><artifactId>new</artifactId></relocation></distributionManagement>";
    let repository = Repository::of(&[
        ("g:old:1", moved),
        ("g:new:1", "D{x:1}."),
        ("g:new:2", ""),
        ("g:x:1", ""),
    ]);
    let graph = repository.resolve("D{old:1}.").unwrap();
    assert_eq!(graph.nodes[0].coordinate(), "g:new:1");
    assert!(graph.nodes[0].reason.contains("moved from g:old"));
    // Both names are one thing now.
    assert_eq!(repository.list("D{new:2; old:1}."), ["new:2"]);
}

#[test]
fn profiles_see_the_image() {
    for (activation, counts) in [
        ("<activeByDefault>true</activeByDefault>", true),
        ("<jdk>17</jdk>", true),
        ("<jdk>1.8</jdk>", false),
        ("<jdk>[11,)</jdk>", true),
        ("<jdk>[1.8,17)</jdk>", false),
        ("<os><family>unix</family></os>", true),
        ("<os><name>windows</name></os>", false),
        ("<os><arch>amd64</arch></os>", true),
        ("<property><name>!skip</name></property>", true),
        (
            "<property><name>os.name</name><value>Linux</value></property>",
            true,
        ),
        ("<file><exists>pom.xml</exists></file>", false),
        ("<file><missing>/nowhere</missing></file>", true),
    ] {
        let profile = format!(
            "<profiles><profile><id>i</id><activation>{activation}</activation>D{{x:1}}.</profile></profiles>"
        );
        let repository = Repository::of(&[("g:a:1", &profile), ("g:x:1", "")]);
        let list = repository.list("D{a:1}.");
        assert_eq!(list.len() == 2, counts, "{activation}: {list:?}");
    }
}

#[test]
fn poms_as_they_are_found() {
    let text = "\u{feff}<?xml version=\"1.0\"?><!-- <dependency> --><project xmlns:xsi=\"urn:x\" xsi:schemaLocation=\"a b\">
        <developers><developer><name>S&oslash;ren & co</name></developer></developers>
        <build><plugins><plugin><configuration><Xlint:-unchecked/></configuration></plugin></plugins></build>
        <groupId> g </groupId><artifactId>a<!-- c --></artifactId><version><!-- c -->1</version>
    </project>";
    let raw = pom::parse(text.as_bytes()).unwrap();
    let named = (
        raw.group.as_deref(),
        raw.artifact.as_deref(),
        raw.version.as_deref(),
    );
    assert_eq!(named, (Some("g"), Some("a"), Some("1")));
    let latin = b"<project><name>S\xf8ren</name><artifactId>a</artifactId></project>";
    assert_eq!(pom::parse(latin).unwrap().artifact.as_deref(), Some("a"));
    for (bad, why) in [
        ("<html><body>Sign in</body></html>", "web page"),
        ("<settings/>", "<settings>"),
        (
            "<!DOCTYPE p [<!ENTITY a \"aaaa\">]><project>&a;</project>",
            "DTD",
        ),
        ("<project><a></project>", "line 1"),
        ("", "line"),
    ] {
        let error = pom::parse(bad.as_bytes()).unwrap_err();
        assert!(error.contains(why), "{bad}: {error}");
    }
    let deep = format!("<project>{}", "<a>".repeat(100_000));
    assert!(
        pom::parse(deep.as_bytes())
            .unwrap_err()
            .contains("inside each other")
    );
}

#[test]
fn what_users_must_have_is_told_of_what_is_near_the_root() {
    let repository = Repository::of(&[
        (
            "g:a:1",
            "D{b:1; core:2 scope=provided; driver:3 scope=provided optional=true}.",
        ),
        ("g:b:1", "D{c:1; near:1 scope=provided}."),
        ("g:c:1", "D{deep:1 scope=provided}."),
    ]);
    let graph = repository.resolve("D{a:1}.").unwrap();
    let expects = |name: &str| {
        let node = graph.nodes.iter().find(|node| node.artifact == name);
        let expects = &node.unwrap().expects;
        let told = expects
            .iter()
            .map(|one| (one.coordinates.to_string(), one.optional));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        expects("a"),
        [
            ("g:core:2".to_string(), false),
            ("g:driver:3".to_string(), true)
        ]
    );
    assert_eq!(expects("b"), [("g:near:1".to_string(), false)]);
    assert!(expects("c").is_empty());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = pom::parse(&bytes);
    }

    #[test]
    fn any_tags_are_read_or_refused(text in "(<[a-z:!/?\\[&;\"'-]{0,6}>|&[a-z]{0,4};?|[a-z ]{0,3}){0,30}") {
        let _ = pom::parse(format!("<project>{text}</project>").as_bytes());
    }
}
