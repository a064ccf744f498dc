//! The rules of `check`: every code, what it says, what will happen, what to do.
//! The manifest allows findings by these codes.

/// What a code stands for.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The code; never reused for something else.
    pub code: &'static str,
    /// What is found, in a few words.
    pub about: &'static str,
    /// What will happen at run time.
    pub happens: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The rule of a code.
pub fn find(code: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

const fn rule(
    code: &'static str,
    about: &'static str,
    happens: &'static str,
    remedy: &'static str,
) -> Rule {
    Rule {
        code,
        about,
        happens,
        remedy,
    }
}

/// All of them, by code.
pub const ALL: &[Rule] = &[
    rule(
        "FP0101",
        "One JAR hides other versions of another's classes",
        "lib/ is searched in alphabetical order with flink-dist last, and the first JAR that has a class wins; in usrlib/ and in a plugin's folder the order is that of the file system. Nothing that is called is lost, as far as calls can be seen, but what the classes do may differ.",
        "Take the versions that go together, leave one of the two out (`exclude`, `drop`), or take the variant that relocates its dependencies (flink-sql-connector-…).",
    ),
    rule(
        "FP0102",
        "The copy of a class that wins lacks what is called",
        "NoSuchMethodError or NoSuchFieldError when the caller comes to that place, which may be long after the start.",
        "Leave the JAR with the winning copy out, take a version of it that has what is called, or take the variant that relocates its dependencies.",
    ),
    rule(
        "FP0103",
        "Two JARs have the same classes, byte for byte",
        "Nothing: whichever copy is loaded, it is the same.",
        "Nothing needs to be done; leaving one out makes the image smaller.",
    ),
    rule(
        "FP0104",
        "A JAR in lib/ hides classes of one in usrlib/",
        "These classes come from lib/ (parent-first) while the libraries that they use come from the job's JAR (child-first): LinkageError, ClassCastException or NoSuchMethodError where both meet.",
        "Have each connector in one place: in lib/ for all jobs, or in the job's JAR alone.",
    ),
    rule(
        "FP0105",
        "A JAR in lib/ hides what the SQL client or gateway calls",
        "NoSuchMethodError or NoSuchFieldError in sql-client.sh or sql-gateway.sh, whose JARs in opt/ come behind lib/ on the class path. Jobs that are started another way run.",
        "Leave the JAR out, take a version of it that has what is called, or take the variant that relocates its dependencies. Where nobody starts the SQL client from this image, allow this finding under [check].",
    ),
    rule(
        "FP0201",
        "A connector is made for another Flink",
        "NoSuchMethodError, NoClassDefFoundError or AbstractMethodError where Flink's interfaces changed between the two.",
        "Take the release for this Flink: `auto` as the version finds it; `flinkpack plugins --flink VERSION` lists them.",
    ),
    rule(
        "FP0202",
        "A JAR is built for another Scala",
        "NoSuchMethodError or NoClassDefFoundError in classes of scala.* as soon as the JAR uses Scala.",
        "Take the artifact whose name ends with the image's Scala, such as _2.12, or one without a Scala suffix.",
    ),
    rule(
        "FP0203",
        "Classes are made for a newer Java",
        "UnsupportedClassVersionError when the first of these classes is loaded.",
        "Take a base with that Java, or a release of the JAR for the image's Java; for own code, compile with `--release`.",
    ),
    rule(
        "FP0204",
        "A connector with and without its dependencies",
        "The same classes are there twice, once with relocated dependencies and once without: the first in the alphabet wins, and NoSuchMethodError or ClassCastException follows where both meet.",
        "Keep one of them: the one with its dependencies (flink-sql-connector-…) for SQL.",
    ),
    rule(
        "FP0205",
        "An artifact in several versions",
        "The alphabetically first JAR wins each class that several have; classes that only another has are mixed with them.",
        "Keep one version.",
    ),
    rule(
        "FP0206",
        "Two flink-dist JARs in lib/",
        "Flink's start script does not start: it takes one flink-dist only.",
        "Change the base for another Flink, and keep flink-dist out of what is added.",
    ),
    rule(
        "FP0207",
        "Two planners in lib/",
        "Every table job fails: Flink finds two planners and takes none.",
        "Keep flink-table-planner-loader, or swap it for flink-table-planner in the base; never both.",
    ),
    rule(
        "FP0208",
        "A metrics reporter in lib/",
        "From Flink 1.12 on reporters are plugins; in lib/ their dependencies meet everybody else's.",
        "Keep the reporter in its folder under plugins/, where the distribution has it.",
    ),
    rule(
        "FP0209",
        "A JAR bundles logging",
        "SLF4J finds several bindings, or Log4j several versions: log lines get lost or go elsewhere, or Flink fails at its first log line.",
        "Take a release without it, or exclude org.slf4j:*, log4j:* and org.apache.logging.log4j:* when the JAR is built.",
    ),
    rule(
        "FP0301",
        "A services file names a class that is not there",
        "ServiceConfigurationError while Flink looks for factories: for every table of every job, where the file is that of table factories.",
        "Take the JAR that has the class too, or a release whose services file is whole; own JARs need the shade plugin's ServicesResourceTransformer and no minimizing.",
    ),
    rule(
        "FP0302",
        "A factory or main class cannot be loaded",
        "NoClassDefFoundError when the class is loaded.",
        "Add the artifact that has the super type; a thin connector needs its dependencies, which a Maven coordinate brings.",
    ),
    rule(
        "FP0303",
        "Two factories with one identifier",
        "ValidationException: Multiple factories for the identifier, when a table names it.",
        "Keep one of the two JARs.",
    ),
    rule(
        "FP0304",
        "An identifier that no factory provides",
        "ValidationException: Could not find any factory for the identifier.",
        "Add the connector under [connectors]; `flinkpack plugins` lists which names bring which identifiers.",
    ),
    rule(
        "FP0305",
        "Factories without a services file",
        "ValidationException: Could not find any factory for the identifier, although the class is there.",
        "The file was lost when the JAR was shaded: use the shade plugin's ServicesResourceTransformer.",
    ),
    rule(
        "FP0306",
        "The main class is not there",
        "The JobManager ends at its start: the entry class was not found.",
        "Correct `class` under [job], or name the JAR that has it.",
    ),
    rule(
        "FP0401",
        "A scheme that no file system serves",
        "UnsupportedFileSystemSchemeException when the directory is first used, unless the container is started with ENABLE_BUILT_IN_PLUGINS or has Hadoop serve it.",
        "Add the plugin under [filesystems].",
    ),
    rule(
        "FP0402",
        "Two plugins for one scheme",
        "Which of the two serves it depends on the order in which folders are listed.",
        "Keep one, or use the schemes that only one has (s3a:// of hadoop, s3p:// of presto).",
    ),
    rule(
        "FP0403",
        "An S3 file system outside of plugins/",
        "From Flink 1.10 on these JARs no longer relocate what they bundle: s3:// is served, but their Hadoop and AWS classes meet everybody else's, and Flink takes them for a Hadoop that they are not: NoClassDefFoundError: org/apache/hadoop/hdfs/HdfsConfiguration, and no security module of Hadoop.",
        "Name it under [filesystems] instead of adding the JAR.",
    ),
    rule(
        "FP0404",
        "A folder without a JAR under plugins/",
        "Flink does not start: it throws an IOException over a plugin without a JAR.",
        "Remove the folder, or put the plugin's JAR into it.",
    ),
    rule(
        "FP0405",
        "A JDBC driver in usrlib/",
        "java.sql.DriverManager keeps the driver of the first job's class loader: No suitable driver, or a class loader that is never freed, after a restart.",
        "Put drivers into lib/: `with = [\"group:driver:version\"]` at the connector.",
    ),
    rule(
        "FP0406",
        "A connector without its JDBC driver",
        "ClassNotFoundException for the driver's class, or No suitable driver, when a table of it is used.",
        "Put the driver into lib/: `with = [\"group:driver:version\"]` at the connector. If it is mounted, allow this finding under [check] with the reason.",
    ),
    rule(
        "FP0501",
        "A secret is in the image",
        "Everybody who can pull the image reads it, in every copy of it, for ever.",
        "Give it at run time: an environment variable, a mounted file, or an identity of the platform (IAM role, workload identity). Then change the secret: it may have been published already.",
    ),
    rule(
        "FP0601",
        "Classes that no JAR has, near a factory",
        "NoClassDefFoundError when the code that uses them runs, unless it is guarded as an optional feature.",
        "Add the artifact that has them; a Maven coordinate brings what its artifact needs. If the feature is not used, allow this finding under [check] with the reason.",
    ),
    rule(
        "FP0602",
        "Methods or fields that are not in the version that is there",
        "NoSuchMethodError or NoSuchFieldError when the code that calls them runs.",
        "Take releases of the two JARs that go together.",
    ),
    rule(
        "FP0603",
        "References that lead nowhere, far from factories or in casts alone",
        "Probably nothing: these are mostly optional parts of libraries.",
        "Look here if a NoClassDefFoundError or NoSuchMethodError comes all the same.",
    ),
    rule(
        "FP0701",
        "Class files that cannot be read",
        "ClassFormatError if one of them is loaded.",
        "Build or download the JAR again, if these classes matter.",
    ),
    rule(
        "FP0702",
        "Classes whose names differ by case alone",
        "Nothing in an image; unpacked on a file system that ignores case, one class overwrites the other.",
        "Nothing needs to be done.",
    ),
    rule(
        "FP0703",
        "Classes for newer Java versions that are never used",
        "The usual classes are loaded, whatever the Java: META-INF/versions counts only where the manifest says Multi-Release: true.",
        "If they matter, keep the manifest's line when the JAR is shaded (ManifestResourceTransformer).",
    ),
    rule(
        "FP0704",
        "A signed JAR that was changed",
        "SecurityException when the first class of the JAR, or the changed one, is loaded.",
        "Take the JAR as it was published. When JARs are shaded into one, exclude META-INF/*.SF, META-INF/*.DSA and META-INF/*.RSA.",
    ),
    rule(
        "FP0705",
        "A package in a signed JAR and in an unsigned one",
        "SecurityException: signer information does not match signer information of other classes in the same package, when classes of both are loaded.",
        "Keep one of the two JARs, or take both as they were published, signed or not.",
    ),
    rule(
        "FP0706",
        "JARs inside of a JAR",
        "Nobody loads them: NoClassDefFoundError for what is in them only. `flink run` alone unpacks those in the lib/ of the job's JAR that it is given; an application started from usrlib/ does not.",
        "Put them beside the JAR, into usrlib/ or lib/, or shade their classes into it.",
    ),
];
