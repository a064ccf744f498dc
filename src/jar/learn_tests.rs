use std::io::Write;

use super::*;
use crate::jar::{Reference, samples};

fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn learnt(bytes: &[u8]) -> Result<(JarFacts, Texts, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jar");
    std::fs::write(&path, bytes).unwrap();
    let store = Store::open(folder.path().join("store"));
    let digest = Digest::of(bytes);
    assert!(!is_known(&store, &digest));
    learn(&store, &path, &digest, "x.jar")?;
    std::fs::remove_file(&path).unwrap();
    Ok((
        known(&store, &digest).unwrap(),
        texts(&store, &digest).unwrap(),
        classes(&store, &path, &digest, "x.jar").unwrap(),
    ))
}

#[test]
fn facts_come_back_by_content() {
    let b = samples::class("a/B", "a/Base")
        .implements("c/I")
        .method("run", "()V")
        .calls("a/A", "go", "(I)V")
        .calls("c/D", "go", "(I)V")
        .bytes();
    let a = samples::class("a/A", "java/lang/Object")
        .major(61)
        .answers("factoryIdentifier", "kafka")
        .method("go", "(I)V")
        .bytes();
    let (facts, texts, names) = learnt(&jar(&[
        ("a/B.class", &b),
        ("a/A.class", &a),
        ("a/Junk.class", b"junk"),
        ("META-INF/versions/11/a/A.class", b"junk"),
        ("META-INF/services/c.I", b"# ours\na.B # it\n\n"),
        (
            "META-INF/MANIFEST.MF",
            b"Main-Class: a.\r\n B\r\nMulti-Release: true\r\n\r\nName: x\r\nMain-Class: no\r\n",
        ),
        (
            "META-INF/maven/g/a/pom.properties",
            b"groupId=g\nartifactId=a\nversion=1.2\n",
        ),
        ("lib/inner.jar", b"x"),
        ("a/junk.class", b"junk"),
    ]))
    .unwrap();
    assert_eq!(names, ["a/A", "a/B", "a/Junk", "a/junk"]);
    let class = facts.find("a/B").unwrap();
    let types: Vec<&str> = class.types().map(|name| name.text).collect();
    assert_eq!(types, ["a/Base", "c/I"]);
    assert_eq!(class.content(), (crc32fast::hash(&b), b.len() as u32));
    let uses: Vec<_> = class.uses().collect();
    assert_eq!((uses[0].owner.text, uses[1].owner.text), ("a/A", "c/D"));
    assert_eq!(texts.get(uses[0].signature).as_deref(), Some("go(I)V"));
    assert_eq!(texts.get(uses[0].signature ^ 1), None);
    assert!(uses[0].owner_number < facts.len() as u32);
    assert!(uses[1].owner_number >= facts.len() as u32);
    let other = facts.find("a/A").unwrap();
    let numbers = |uses: &mut dyn Iterator<Item = Reference<'_>>| -> Vec<u32> {
        uses.map(|used| used.number).collect()
    };
    assert_eq!(numbers(&mut facts.inward(other)), [uses[0].number]);
    assert_eq!(numbers(&mut facts.outward()), [uses[1].number]);
    let to = uses[1].owner_number;
    assert_eq!(numbers(&mut facts.references_to(to)), [uses[1].number]);
    assert!(other.declares(uses[0].signature) && !class.declares(uses[0].signature));
    assert_eq!(other.answer("factoryIdentifier"), Some(Some("kafka")));
    assert_eq!(other.major(), Some(61));
    assert_eq!(facts.find("a/Junk").unwrap().major(), None);
    assert_eq!(facts.find("a/C").map(|class| class.number()), None);
    let extras = &facts.extras;
    assert_eq!(extras.unreadable, 3);
    let versioned = facts.versioned();
    let versioned: Vec<_> = versioned
        .map(|(java, one)| (java, one.name().text))
        .collect();
    assert_eq!(versioned, [(11, "a/A")]);
    let loaded = |java| {
        let mut loaded = facts.loaded(java);
        let one = loaded.find(|class| class.name().text == "a/A");
        one.and_then(|class| class.major())
    };
    assert_eq!((loaded(10), loaded(11)), (Some(61), None));
    assert_eq!(extras.main_class.as_deref(), Some("a.B"));
    assert!(extras.multi_release);
    assert_eq!(extras.services[0].providers, ["a.B"]);
    assert_eq!(extras.artifacts, ["g:a:1.2"]);
    assert_eq!(extras.nested, ["lib/inner.jar"]);
    assert_eq!(extras.collisions, ["a/junk.class"]);
}

#[test]
fn ten_thousand_entries_are_read_on_many_threads_in_one_order() {
    let bytes: Vec<Vec<u8>> = (0..3000)
        .map(|at| {
            samples::class(&format!("p/C{at}"), "java/lang/Object")
                .calls(&format!("p/C{}", at / 2), "go", "()V")
                .bytes()
        })
        .collect();
    let names: Vec<String> = (0..3000).map(|at| format!("p/C{at}.class")).collect();
    let entries: Vec<(&str, &[u8])> = names
        .iter()
        .map(String::as_str)
        .zip(bytes.iter().map(Vec::as_slice))
        .collect();
    let (facts, _, names) = learnt(&jar(&entries)).unwrap();
    assert!(names.is_sorted() && names.len() == 3000);
    for class in facts.classes() {
        let at: usize = class.name().text["p/C".len()..].parse().unwrap();
        let used = class.uses().next().unwrap();
        assert_eq!(used.owner.text, format!("p/C{}", at / 2));
    }
}

#[test]
fn of_two_entries_with_one_name_the_later_counts() {
    let (first, second) = (
        samples::class("a/B", "a/Base").bytes(),
        samples::class("a/B", "a/Base").method("run", "()V").bytes(),
    );
    let mut bytes = jar(&[("a/B.class", &first), ("a/C.class", &second)]);
    for at in 0..bytes.len() - 9 {
        if &bytes[at..at + 9] == b"a/C.class" {
            bytes[at..at + 9].copy_from_slice(b"a/B.class");
        }
    }
    let (facts, _, names) = learnt(&bytes).unwrap();
    assert_eq!(names, ["a/B"]);
    let class = facts.find("a/B").unwrap();
    assert_eq!(class.content().0, crc32fast::hash(&second));
    assert!(class.declares(crc32fast::hash(b"run()V")));
    assert_eq!(facts.extras.collisions, ["a/B.class"]);
}

#[test]
fn a_small_class_that_names_much_is_unreadable() {
    let long = "x".repeat(60_000);
    let class = || samples::class("a/B", "a/Base");
    type Make<'a> = &'a dyn Fn() -> samples::Sample;
    let ways: [Make; 3] = [
        &|| class().calls("c/D", &long, "()V"),
        &|| class().calls(&long, "go", "()V"),
        &|| class().names(&long),
    ];
    for way in ways {
        let class = |times| way().again(times).bytes();
        let (facts, ..) = learnt(&jar(&[("a/B.class", &class(100))])).unwrap();
        assert_eq!(facts.extras.unreadable, 0);
        let (facts, ..) = learnt(&jar(&[("a/B.class", &class(1200))])).unwrap();
        let why = facts.extras.unreadable_example.unwrap();
        assert!(why.contains("too long"), "{why}");
    }
}

#[test]
fn a_bomb_is_unreadable_and_no_more() {
    let bomb = vec![0; 17 << 20];
    let (facts, ..) = learnt(&jar(&[("a/B.class", &bomb)])).unwrap();
    assert_eq!(facts.extras.unreadable, 1);
    assert!(facts.extras.unreadable_example.unwrap().contains("large"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(300))]
    #[test]
    fn broken_jars_never_panic(cut in 0usize..600, at in 0usize..600, byte in proptest::num::u8::ANY) {
        let class = samples::class("a/B", "a/Base").calls("c/D", "go", "(I)V").bytes();
        let mut bytes = jar(&[("a/B.class", &class), ("META-INF/services/x", b"a.B")]);
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut % 8 * (cut % bytes.len()) / 8);
        let _ = learnt(&bytes);
    }
}
