//! JARs of other forms: for several Java versions, signed, with JARs inside.

use super::tests::{FACTORY, Image, class, flink};
use crate::jar::samples;

const MANIFEST: &str = "META-INF/MANIFEST.MF";

#[test]
fn of_a_multi_release_jar_the_version_of_the_images_java_counts() {
    let multi = b"Manifest-Version: 1.0\nMulti-Release: true\n".to_vec();
    let of = |major: u16| class("a/A").major(major).bytes();
    let with = |manifest: &[u8], release: u16, usual: u16, newer: u16| {
        let newest = format!("META-INF/versions/{release}/a/A.class");
        let entries = [
            (MANIFEST, manifest.to_vec()),
            ("a/A.class", of(usual)),
            (&newest, of(newer)),
        ];
        flink(Image::new()).jar("lib/a.jar", false, &entries)
    };
    // Java 17 loads what is for Java 11, and not what is for Java 21.
    with(&multi, 11, 52, 65).has("w FP0203", &["up to 21"]);
    with(&multi, 21, 52, 65).lacks("FP0203");
    // What is taken the place of is not loaded either.
    with(&multi, 11, 65, 55).lacks("FP0203");
    let usual = with(b"Manifest-Version: 1.0\n", 11, 65, 55);
    usual.has("w FP0203", &["up to 21"]);
    usual.has("i FP0703", &["Java 11: a.A"]);
    with(&multi, 11, 52, 55).lacks("FP0703");
}

#[test]
fn a_class_for_this_java_alone_is_there() {
    let uses = class("c/G").calls("c/New", "go", "()V").bytes();
    let image = |release: u16| {
        let new = format!("META-INF/versions/{release}/c/New.class");
        let job = samples::class("c/F", "c/G")
            .implements("org/apache/flink/table/factories/Factory")
            .bytes();
        flink(Image::new()).jar(
            "lib/c.jar",
            false,
            &[
                (MANIFEST, b"Multi-Release: true\n".to_vec()),
                ("c/F.class", job),
                ("c/G.class", uses.clone()),
                (&new, class("c/New").bytes()),
                (FACTORY, b"c.F".to_vec()),
            ],
        )
    };
    image(17).lacks("FP0601");
    image(21).has("w FP0601", &["lib/c.jar"]);
}

#[test]
fn a_class_for_this_java_is_linked_as_it_is_loaded() {
    let image = |release: u16, usual: samples::Sample, newer: samples::Sample| {
        let new = format!("META-INF/versions/{release}/c/F.class");
        let user = samples::class("c/User", "c/F").calls("c/F", "go", "()V");
        flink(Image::new()).jar(
            "lib/c.jar",
            false,
            &[
                (MANIFEST, b"Multi-Release: true\n".to_vec()),
                ("c/F.class", usual.bytes()),
                ("c/User.class", user.bytes()),
                (&new, newer.bytes()),
                (FACTORY, b"c.User".to_vec()),
            ],
        )
    };
    let with = || {
        class("c/F")
            .implements("org/apache/flink/table/factories/Factory")
            .method("go", "()V")
    };
    let without = || class("c/F").implements("org/apache/flink/table/factories/Factory");
    // What it declares counts, be it more or less than the usual class has.
    image(11, without(), with()).lacks("FP0602");
    image(21, without(), with()).has("w FP0602", &["c.F.go()"]);
    image(11, with(), without()).has("w FP0602", &["c.F.go()"]);
    image(21, with(), without()).lacks("FP0602");
    // And so does what it refers to.
    let calling = || with().calls("org/client/api/Client", "open", "()V");
    image(11, with(), calling()).has("w FP0601", &["org.client.api"]);
    image(11, calling(), with()).lacks("FP0601");
    image(21, with(), calling()).lacks("FP0601");
}

#[test]
fn a_package_is_signed_whole_or_not_at_all() {
    let signature = [
        ("META-INF/A.SF", b"Signature-Version: 1.0\n".to_vec()),
        ("META-INF/A.RSA", b"any".to_vec()),
        (MANIFEST, b"Manifest-Version: 1.0\n".to_vec()),
    ];
    let signed = |class: (&'static str, Vec<u8>)| [&signature[..], &[class]].concat();
    let one = class("a/One").bytes();
    let two = ("a/Two.class", class("a/Two").bytes());
    let other = ("b/Other.class", class("b/Other").bytes());
    let image = |path: &str, more: (&'static str, Vec<u8>)| {
        flink(Image::new())
            .jar("lib/a.jar", false, &signed(("a/One.class", one.clone())))
            .jar(path, false, &[more])
    };
    image("lib/b.jar", two.clone()).has("w FP0705", &["lib/a.jar is signed, and lib/b.jar"]);
    image("lib/b.jar", other).lacks("FP0705");
    // Another class loader.
    image("usrlib/b.jar", two).lacks("FP0705");
}

#[test]
fn a_signed_jar_was_not_changed_since() {
    let a = class("a/A").bytes();
    let digest = {
        use base64::Engine;
        use sha2::Digest;
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&a))
    };
    let manifest =
        format!("Manifest-Version: 1.0\n\nName: a/A.class\nSHA-256-Digest: {digest}\n\n");
    let image = |a: Vec<u8>| {
        let entries = [
            (MANIFEST, manifest.clone().into_bytes()),
            ("META-INF/A.SF", b"Signature-Version: 1.0\n".to_vec()),
            ("META-INF/A.EC", b"any".to_vec()),
            ("a/A.class", a),
        ];
        flink(Image::new()).jar("lib/a.jar", false, &entries)
    };
    image(a).lacks("FP0704");
    let changed = image(class("a/A").method("x", "()V").bytes());
    changed.has("e FP0704", &["SHA-256 digest error for a/A.class"]);
}

#[test]
fn jars_inside_of_jars_are_told() {
    let entries = [("lib/inner.jar", b"PK".to_vec())];
    flink(Image::new())
        .jar("usrlib/job.jar", false, &entries)
        .has("w FP0706", &["lib/inner.jar"]);
    flink(Image::new())
        .jar("lib/a.jar", false, &entries)
        .has("i FP0706", &["lib/inner.jar"]);
}
