//! docs/proof.md: sections of rows, each kept by the test that found them, and
//! the sum of what they say.

use std::iter::Sum;
use std::path::PathBuf;
use std::sync::Mutex;

/// How often what was said was right.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Images that were looked at.
    pub images: usize,
    /// Findings of what then happened, or is known to.
    pub right: usize,
    /// Findings of what then did not.
    pub wrong: usize,
    /// Images without a finding that Flink ran without such a failure.
    pub clean: usize,
}

/// One image.
pub const IMAGE: Counts = Counts {
    images: 1,
    right: 0,
    wrong: 0,
    clean: 0,
};

/// A row of a section, and what it counts for.
pub type Row = (Vec<String>, Counts);

impl Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(all: I) -> Counts {
        all.fold(Counts::default(), |sum, one| Counts {
            images: sum.images + one.images,
            right: sum.right + one.right,
            wrong: sum.wrong + one.wrong,
            clean: sum.clean + one.clean,
        })
    }
}

/// A section of the page.
pub struct Section {
    pub title: &'static str,
    pub about: &'static str,
    pub columns: &'static [&'static str],
}

/// In their order on the page.
const SECTIONS: &[&str] = &[
    "Predicted, and seen in Flink",
    "Nothing to tell, and Flink runs it",
    "Told, and not seen in what was run",
    "Seen in the wild",
    "Combinations that work",
];

const HEAD: &str = "# What `flinkpack check` finds, and what Flink does

Made by `make proof`; a test fails where it is stale. JARs come from the Maven
repository unless a row says *made*. Findings are warnings unless **error** is
beside them; information is left out. A finding is right where Flink, started
from the image, failed as it says, or where people met it; wrong where Flink ran
the very thing without.
";

/// Only one writes at a time.
static WRITING: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/proof.md")
}

/// The page's sections by title, as they are written.
fn kept() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(path()).unwrap_or_default();
    let sections = page.split("\n## ").skip(1);
    let sections = sections.filter_map(|section| section.split_once('\n'));
    sections
        .map(|(title, text)| (title.to_string(), text.trim().to_string()))
        .collect()
}

fn sum(counts: &Counts) -> String {
    format!(
        "Images: {}. Findings right: {}, wrong: {}. Clean and run: {}.",
        counts.images, counts.right, counts.wrong, counts.clean
    )
}

/// The numbers of [`sum`].
fn summed(text: &str) -> Option<Counts> {
    let line = text.lines().find(|line| line.starts_with("Images: "))?;
    let mut numbers = line
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok());
    Some(Counts {
        images: numbers.next()?,
        right: numbers.next()?,
        wrong: numbers.next()?,
        clean: numbers.next()?,
    })
}

fn whole(sections: &[(String, String)]) -> String {
    let total = sections.iter().filter_map(|(_, text)| summed(text)).sum();
    let mut page = format!("{HEAD}\n{}\n", sum(&total));
    for (title, text) in sections {
        page.push_str(&format!("\n## {title}\n\n{text}\n"));
    }
    page
}

/// Compares the rows with those that are kept, or keeps them where
/// `FLINKPACK_PROOF` says so.
pub fn keep(section: &Section, rows: &[Row]) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let columns: Vec<String> = section.columns.iter().map(|one| one.to_string()).collect();
    let mut text = format!(
        "{}\n\n{}\n\n{}",
        section.about,
        sum(&rows.iter().map(|(_, counts)| *counts).sum()),
        line(&columns)
    );
    text.push_str(&format!("|{}\n", "---|".repeat(columns.len())));
    for (row, _) in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text.push_str(&line(&cells));
    }
    let text = text.trim().to_string();
    let _writing = WRITING.lock().unwrap_or_else(|error| error.into_inner());
    let mut sections = kept();
    let found = sections.iter().find(|(title, _)| title == section.title);
    if std::env::var_os("FLINKPACK_PROOF").is_none() {
        let kept = found.map_or("", |(_, text)| text);
        assert!(
            kept == text,
            "docs/proof.md is stale, `make proof` writes it; found now:\n{text}"
        );
        return;
    }
    sections.retain(|(title, _)| title != section.title);
    sections.push((section.title.to_string(), text));
    sections.sort_by_key(|(title, _)| SECTIONS.iter().position(|one| one == title));
    std::fs::write(path(), whole(&sections)).expect("docs/proof.md");
}

#[test]
fn the_sum_is_that_of_the_sections() {
    if std::env::var_os("FLINKPACK_PROOF").is_some() {
        return;
    }
    let sections = kept();
    let titles: Vec<&str> = sections.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, SECTIONS);
    let page = std::fs::read_to_string(path()).expect("docs/proof.md");
    assert_eq!(page, whole(&sections));
    let of = |title: &str| {
        let mut all = sections.iter();
        let found = all.find(|(one, _)| one == title);
        summed(&found.expect("a section").1).expect("a sum")
    };
    assert!(of(SECTIONS[0]).right >= 12, "too few are seen");
    assert!(of(SECTIONS[1]).clean >= 12, "too few are run");
    let images = of(SECTIONS[4]);
    assert!(images.images >= 60 && images.wrong == 0, "{images:?}");
}
