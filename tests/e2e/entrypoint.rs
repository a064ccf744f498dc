//! The contract of the official images, held by the bases' entrypoint.

use super::script;
use crate::support::project::environment;

fn holds(base: &str) {
    script("entrypoint-test", &[&environment(base)]);
}

#[test]
fn on_1_12() {
    holds("FLINKPACK_TEST_BASE_1_12");
}

#[test]
fn on_1_13() {
    holds("FLINKPACK_TEST_BASE_1_13");
}

#[test]
fn on_1_20() {
    holds("FLINKPACK_TEST_BASE_1_20");
}

#[test]
fn on_2() {
    holds("FLINKPACK_TEST_BASE_2");
}
