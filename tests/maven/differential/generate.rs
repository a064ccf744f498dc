//! Random repositories: small ones, full of what POMs can do to each other.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A generator of numbers: the same seed gives the same numbers.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// POMs by `group:artifact:version`, and versions by `group:artifact`.
#[derive(Default)]
pub struct Repository {
    pub poms: BTreeMap<String, String>,
    pub versions: BTreeMap<String, Vec<String>>,
}

const VERSIONS: [&str; 5] = ["1", "1.5", "2-rc1", "2", "3"];
const ARTIFACTS: usize = 9;
const PARENTS: usize = 3;
const BOMS: usize = 3;

/// Adds a repository of its own group; answers the root's coordinate.
pub fn generate(seed: usize, repository: &mut Repository) -> String {
    let mut pen = Pen {
        random: Random::new(seed as u64 + 1),
        group: format!("g{seed}"),
        wild: seed.is_multiple_of(4),
    };
    for index in 0..ARTIFACTS {
        for version in VERSIONS.iter().take(2 + pen.random.below(4)) {
            let pom = pen.pom(&format!("a{index}"), version, index, "jar");
            pen.add(repository, &format!("a{index}"), version, pom);
        }
    }
    for index in 0..PARENTS {
        let pom = pen.pom(&format!("p{index}"), "1", index, "pom");
        pen.add(repository, &format!("p{index}"), "1", pom);
    }
    for index in 0..BOMS {
        let pom = pen.pom(&format!("b{index}"), "1", index, "pom");
        pen.add(repository, &format!("b{index}"), "1", pom);
    }
    let pom = pen.pom("root", "1", 0, "root");
    pen.add(repository, "root", "1", pom);
    format!("{}:root:1", pen.group)
}

struct Pen {
    random: Random,
    group: String,
    /// Whether it also does what makes POMs invalid or graphs unsolvable.
    wild: bool,
}

impl Pen {
    fn add(&self, repository: &mut Repository, artifact: &str, version: &str, pom: String) {
        let name = format!("{}:{artifact}", self.group);
        repository.poms.insert(format!("{name}:{version}"), pom);
        let known = repository.versions.entry(name).or_default();
        known.push(version.to_string());
    }

    fn pom(&mut self, artifact: &str, version: &str, index: usize, kind: &str) -> String {
        let mut out = String::from(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\n",
        );
        let has_parent = self.random.percent(30) && kind != "root";
        if has_parent {
            // Parents above parents have higher numbers: no circles but for the wild.
            let first = if artifact.starts_with('p') {
                index + 1
            } else {
                0
            };
            let last = if self.wild { PARENTS + 1 } else { PARENTS };
            if first < last {
                let parent = first + self.random.below(last - first);
                let _ = writeln!(
                    out,
                    "<parent><groupId>{}</groupId><artifactId>p{parent}</artifactId><version>1</version></parent>",
                    self.group
                );
            }
        }
        let _ = writeln!(
            out,
            "<groupId>{}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>",
            self.group
        );
        if kind != "jar" {
            out.push_str("<packaging>pom</packaging>\n");
        }
        if kind == "jar" && self.random.percent(4) && index + 1 < ARTIFACTS {
            let to = index + 1 + self.random.below(ARTIFACTS - index - 1);
            let version = self.version();
            let _ = writeln!(
                out,
                "<distributionManagement><relocation><artifactId>a{to}</artifactId>{}</relocation></distributionManagement>",
                match self.random.percent(70) {
                    true => format!("<version>{version}</version>"),
                    false => String::new(),
                }
            );
        }
        out.push_str("<properties>");
        for at in 0..ARTIFACTS {
            if self.random.percent(40) {
                let value = match self.random.percent(15) {
                    true => "${v0}".to_string(),
                    false => self.version(),
                };
                let _ = write!(out, "<v{at}>{value}</v{at}>");
            }
        }
        out.push_str("</properties>\n");
        let most = match kind {
            "root" => 6,
            "pom" => 3,
            _ => 4,
        };
        if self.random.percent(if kind == "jar" { 25 } else { 75 }) {
            self.management(&mut out, index, kind);
        }
        let count = self.random.below(most + 1);
        let text = self.dependencies(count, true);
        out.push_str(&text);
        if self.random.percent(12) {
            self.profiles(&mut out);
        }
        out.push_str("</project>\n");
        out
    }

    fn management(&mut self, out: &mut String, index: usize, kind: &str) {
        out.push_str("<dependencyManagement>");
        let count = 1 + self.random.below(5);
        let mut inner = self.dependencies(count, false);
        if self.random.percent(35) {
            let first = if kind == "pom" && !self.wild {
                index + 1
            } else {
                0
            };
            for bom in first..BOMS {
                if self.random.percent(50) {
                    let import = format!(
                        "<dependency><groupId>{}</groupId><artifactId>b{bom}</artifactId><version>1</version><type>pom</type><scope>import</scope></dependency>\n",
                        self.group
                    );
                    inner =
                        inner.replacen("</dependencies>", &format!("{import}</dependencies>"), 1);
                }
            }
        }
        out.push_str(&inner);
        out.push_str("</dependencyManagement>\n");
    }

    fn profiles(&mut self, out: &mut String) {
        out.push_str("<profiles>");
        let activations = [
            "<activeByDefault>true</activeByDefault>",
            "<jdk>17</jdk>",
            "<jdk>[1.8,11)</jdk>",
            "<jdk>[9,)</jdk>",
            "<jdk>!1.8</jdk>",
            "<os><family>unix</family></os>",
            "<os><name>Windows</name></os>",
            "<os><arch>!amd64</arch></os>",
            "<property><name>nowhere</name></property>",
            "<property><name>!nowhere</name></property>",
            "<property><name>java.version</name><value>17.0.2</value></property>",
        ];
        for id in 0..1 + self.random.below(3) {
            let activation = self.random.of(&activations);
            let count = self.random.below(3);
            let dependencies = self.dependencies(count, true);
            let value = self.version();
            let _ = write!(
                out,
                "<profile><id>i{id}</id><activation>{activation}</activation><properties><v1>{value}</v1></properties>{dependencies}</profile>"
            );
        }
        out.push_str("</profiles>\n");
    }

    fn version(&mut self) -> String {
        match self.wild && self.random.percent(5) {
            true => "7".to_string(),
            false => self.random.of(&VERSIONS[..4]).to_string(),
        }
    }

    /// `own` are dependencies, others what is managed.
    fn dependencies(&mut self, count: usize, own: bool) -> String {
        let mut out = String::from("<dependencies>\n");
        for _ in 0..count {
            let target = self.random.below(ARTIFACTS);
            let _ = write!(
                out,
                "<dependency><groupId>{}</groupId><artifactId>a{target}</artifactId>",
                self.group
            );
            let version = match self.random.below(20) {
                0..=12 => self.version(),
                13 => format!("${{v{target}}}"),
                14 => "[1,2]".to_string(),
                15 => self
                    .random
                    .of(&["[1.5]", "[1,2)", "(1,)", "[1,1.5],[2,)"])
                    .to_string(),
                _ if self.wild && own => String::new(),
                _ => self.version(),
            };
            // An expression that nothing defines is a range no more than a version.
            if !version.is_empty() {
                let _ = write!(out, "<version>{version}</version>");
            }
            match self.random.below(30) {
                0 => out.push_str("<classifier>tests</classifier>"),
                1 => out.push_str("<type>test-jar</type>"),
                2 => out.push_str("<type>war</type>"),
                3 => out.push_str("<type>zip</type>"),
                _ => {}
            }
            match self.random.below(14) {
                0 => out.push_str("<scope>runtime</scope>"),
                1 => out.push_str("<scope>provided</scope>"),
                2 => out.push_str("<scope>test</scope>"),
                3 => out.push_str("<scope>compile</scope>"),
                _ => {}
            }
            match self.random.below(12) {
                0 => out.push_str("<optional>true</optional>"),
                1 => out.push_str("<optional>false</optional>"),
                _ => {}
            }
            if self.random.percent(15) {
                let (group, artifact) = match self.random.below(6) {
                    0 => ("*".to_string(), "*".to_string()),
                    1 => (self.group.clone(), "*".to_string()),
                    _ => (
                        self.group.clone(),
                        format!("a{}", self.random.below(ARTIFACTS)),
                    ),
                };
                let _ = write!(
                    out,
                    "<exclusions><exclusion><groupId>{group}</groupId><artifactId>{artifact}</artifactId></exclusion></exclusions>"
                );
            }
            out.push_str("</dependency>\n");
        }
        out.push_str("</dependencies>\n");
        out
    }
}
