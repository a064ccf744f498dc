//! What the base provides, measured by the names of its classes.
//!
//! A list of artifacts would be wrong: what is in Flink's own JARs changes from
//! release to release. Classes that were relocated have other names and so do
//! not count, which is right.

use std::collections::HashMap;

use crate::base::LibJar;

/// Of an artifact's classes, the share in percent that the base must have for the
/// artifact to count as provided: a class or two are often dropped when a JAR is
/// shaded into another.
const PROVIDED: usize = 95;

/// The classes on the class path of a base.
pub struct Platform {
    jars: Vec<String>,
    /// Class name → index of the first JAR that has it.
    classes: HashMap<String, usize>,
}

/// How much of an artifact a base has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Nothing.
    None,
    /// Enough to leave the artifact out.
    Provided {
        /// The JAR that has most of it, as a path under FLINK_HOME.
        by: String,
    },
    /// Some of it: two copies of these classes would be on the class path.
    Partial {
        /// The JAR that has most of it.
        by: String,
        /// Classes that both have.
        count: usize,
        /// Classes of the artifact.
        of: usize,
        /// One of them.
        example: String,
    },
}

impl Platform {
    /// Of these JARs.
    pub fn of(jars: Vec<LibJar>) -> Platform {
        let mut platform = Platform {
            jars: Vec::new(),
            classes: HashMap::new(),
        };
        for jar in jars {
            let index = platform.jars.len();
            for class in jar.classes {
                platform.classes.entry(class).or_insert(index);
            }
            platform.jars.push(jar.path);
        }
        platform
    }

    /// The JAR whose copy of a class, named with slashes, is loaded: a path under
    /// FLINK_HOME.
    pub fn jar_with(&self, class: &str) -> Option<&str> {
        let jar = self.classes.get(class)?;
        Some(&self.jars[*jar])
    }

    /// How much of an artifact with these classes is there.
    pub fn overlap(&self, classes: &[String]) -> Overlap {
        let mut count = vec![0; self.jars.len()];
        let mut example = None;
        for class in classes {
            if let Some(jar) = self.classes.get(class) {
                count[*jar] += 1;
                example.get_or_insert(class);
            }
        }
        let (Some(example), Some((most, _))) = (
            example,
            // Of equal ones the first.
            count
                .iter()
                .enumerate()
                .rev()
                .max_by_key(|(_, count)| **count),
        ) else {
            return Overlap::None;
        };
        let by = self.jars[most].clone();
        let count: usize = count.iter().sum();
        if count * 100 >= classes.len() * PROVIDED {
            return Overlap::Provided { by };
        }
        Overlap::Partial {
            by,
            count,
            of: classes.len(),
            example: example.replace('/', "."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Digest;

    fn names(prefix: &str, count: usize) -> Vec<String> {
        (0..count).map(|at| format!("{prefix}/C{at}")).collect()
    }

    fn platform() -> Platform {
        let jar = |path: &str, classes: Vec<String>| LibJar {
            path: path.to_string(),
            sha256: Digest::of(path.as_bytes()),
            classes,
        };
        Platform::of(vec![
            jar(
                "lib/dist.jar",
                [names("core", 100), names("base", 3)].concat(),
            ),
            jar("lib/log.jar", names("log", 20)),
        ])
    }

    #[test]
    fn nearly_all_is_all_and_some_is_told() {
        let platform = platform();
        let provided = |by: &str| Overlap::Provided { by: by.to_string() };
        assert_eq!(
            platform.overlap(&names("core", 100)),
            provided("lib/dist.jar")
        );
        // 100 of 105 are 95.2 %.
        assert_eq!(
            platform.overlap(&names("core", 105)),
            provided("lib/dist.jar")
        );
        assert_eq!(platform.overlap(&names("log", 7)), provided("lib/log.jar"));
        assert_eq!(
            platform.overlap(&names("core", 106)),
            Overlap::Partial {
                by: "lib/dist.jar".to_string(),
                count: 100,
                of: 106,
                example: "core.C0".to_string()
            }
        );
        assert_eq!(platform.overlap(&names("other", 5)), Overlap::None);
        assert_eq!(platform.overlap(&names("shaded/core", 5)), Overlap::None);
        assert_eq!(platform.overlap(&[]), Overlap::None);
    }

    #[test]
    fn an_artifact_may_be_spread_over_jars() {
        let spread = [names("core", 5), names("log", 15)].concat();
        assert_eq!(
            platform().overlap(&spread),
            Overlap::Provided {
                by: "lib/log.jar".to_string()
            }
        );
    }
}
