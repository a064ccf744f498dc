//! The artifacts that make up logging in Java: one API, one binding to what
//! writes, and bridges from older APIs.
//!
//! SLF4J binds to what it finds first, and an API of version 2 does not see a
//! binding made for version 1 at all: then nothing is logged any more
//! (<https://www.slf4j.org/codes.html>). So logging comes whole from the base, which
//! has it configured, or not at all.

/// Group and artifact of each.
const PARTS: [(&str, &[&str]); 5] = [
    (
        "org.slf4j",
        &[
            "slf4j-api",
            "slf4j-jcl",
            "slf4j-jdk14",
            "slf4j-log4j12",
            "slf4j-nop",
            "slf4j-reload4j",
            "slf4j-simple",
        ],
    ),
    (
        "org.apache.logging.log4j",
        &[
            "log4j-1.2-api",
            "log4j-api",
            "log4j-core",
            "log4j-slf4j-impl",
            "log4j-slf4j2-impl",
            "log4j-slf4j18-impl",
            "log4j-to-slf4j",
        ],
    ),
    ("ch.qos.logback", &["logback-classic", "logback-core"]),
    ("ch.qos.reload4j", &["reload4j"]),
    ("log4j", &["log4j"]),
];

/// The class by which a base that logs through SLF4J is known.
pub const API: &str = "org/slf4j/LoggerFactory";

/// Whether the artifact is a part of logging.
pub fn is_part(group: &str, artifact: &str) -> bool {
    PARTS
        .iter()
        .any(|(of, artifacts)| *of == group && artifacts.contains(&artifact))
}
