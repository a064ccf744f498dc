//! The command line as clap reads it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::sink::Output;

/// Bounds the cache for all builds of a user or a machine.
const MAX_SIZE: &str = "FLINKPACK_CACHE_MAX_SIZE";

/// Image builder and artifact packager for Apache Flink.
///
/// flinkpack turns what a Flink job is made of (connectors, UDFs, a job JAR,
/// filesystem plugins, configuration) into an image that runs, and brings that
/// image to where it is needed, moving only the bytes that changed.
#[derive(Debug, Parser)]
#[command(name = "flinkpack", version, max_term_width = 90)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Work in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub folder: Option<PathBuf>,
    /// The manifest
    #[arg(
        long,
        value_name = "FILE",
        default_value = "flinkpack.toml",
        global = true
    )]
    pub manifest: PathBuf,
    /// The form of the result on stdout
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub format: Format,
    /// How work is shown on stderr; `auto` draws bars on a terminal
    #[arg(long, value_enum, default_value = "auto", global = true)]
    pub progress: Progress,
    /// Say nothing but warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more; twice: also what the libraries say
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Whether words are coloured
    #[arg(long, value_enum, default_value = "auto", global = true)]
    pub color: Color,
    /// Take any certificate of this registry, or plain http; may be given more than once
    #[arg(
        long = "insecure-registry",
        value_name = "HOST[:PORT]",
        env = "FLINKPACK_INSECURE_REGISTRIES",
        value_delimiter = ',',
        global = true
    )]
    pub insecure: Vec<String>,
    /// Trust these certificate authorities at registries, too: a file in PEM; may be given more than once
    #[arg(long = "registry-ca", value_name = "FILE", global = true)]
    pub authorities: Vec<PathBuf>,
    /// Ask this mirror first for what a registry has, never for a push; may be given more than once
    #[arg(
        long = "registry-mirror",
        value_name = "HOST=MIRROR[/PATH]",
        env = "FLINKPACK_REGISTRY_MIRRORS",
        value_delimiter = ',',
        global = true
    )]
    pub mirrors: Vec<String>,
    /// Seconds without a byte after which a transfer to or from a registry is tried anew
    #[arg(
        long = "stall-timeout",
        value_name = "SECONDS",
        env = "FLINKPACK_STALL_TIMEOUT",
        value_parser = clap::value_parser!(u64).range(1..=86_400),
        hide = true,
        global = true
    )]
    pub stall: Option<u64>,
    /// MiB of a request when a big layer is sent to a registry
    #[arg(
        long = "upload-chunk",
        value_name = "MIB",
        env = "FLINKPACK_UPLOAD_CHUNK",
        value_parser = clap::value_parser!(u64).range(1..=65_536),
        hide = true,
        global = true
    )]
    pub chunk: Option<u64>,
}

/// The form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// How work is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Bars
    Bars,
    /// Lines
    Plain,
    /// One JSON object a line
    Json,
    /// Nothing
    None,
}

/// When words are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented flinkpack.toml
    Init(Init),
    /// Resolve, and write flinkpack.lock
    Lock(Lock),
    /// Build the image; load it into the daemon, or push or write it
    Build(Build),
    /// Find what would break at run time
    Check(Check),
    /// Push what was built last
    Push(Push),
    /// Show what is in an image, in Flink's terms
    Inspect(Inspect),
    /// Shared base images
    #[command(subcommand)]
    Base(Base),
    /// Show where each JAR comes from, and why this version
    Tree(Tree),
    /// List the catalogue of connectors and filesystem plugins
    Plugins(Plugins),
    /// Show or prune the cache
    #[command(subcommand)]
    Cache(Cache),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command, into a folder
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        pages: PathBuf,
    },
    /// Print the JSON schema of flinkpack.toml, for editors
    Schema,
}

/// What decides the image.
#[derive(Debug, Args)]
pub struct Inputs {
    /// Build on this base instead of the manifest's
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Build for these platforms (os/architecture, …) instead of the manifest's or the host's
    #[arg(long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    pub platforms: Vec<String>,
    /// Use no network: everything must be in the cache
    #[arg(long)]
    pub offline: bool,
    /// Count what is in the cache as absent
    #[arg(long)]
    pub no_cache: bool,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Write the manifest that replaces this Dockerfile
    #[arg(long, value_name = "DOCKERFILE")]
    pub from: Option<PathBuf>,
}

/// `lock`.
#[derive(Debug, Args)]
pub struct Lock {
    /// What decides the image
    #[command(flatten)]
    pub inputs: Inputs,
    /// Write nothing; exit with 3 if the lock file is not up to date
    #[arg(long)]
    pub check: bool,
    /// Find this JAR (or `base`) anew, whatever the lock file has; all without a name
    #[arg(long, value_name = "NAME", num_args = 0..)]
    pub upgrade: Option<Vec<String>>,
}

/// `build`.
#[derive(Debug, Args)]
pub struct Build {
    /// What decides the image
    #[command(flatten)]
    pub inputs: Inputs,
    /// Push the image to its registry
    #[arg(long)]
    pub push: bool,
    /// Load the image into the Docker daemon (the default where no other place is named)
    #[arg(long)]
    pub load: bool,
    /// Write the image: oci:DIR[:TAG], oci-archive:FILE[:TAG] or docker-archive:FILE
    #[arg(long, value_name = "PLACE", value_parser = output)]
    pub output: Vec<Output>,
    /// A tag, or a whole reference, instead of the manifest's tags
    #[arg(short = 't', long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Attach a bill of materials (CycloneDX) to the image
    #[arg(long)]
    pub sbom: bool,
    /// Attach the image's provenance (SLSA, in-toto)
    #[arg(long)]
    pub provenance: bool,
    /// Fail where the lock file does not hold everything already
    #[arg(long)]
    pub locked: bool,
    /// Do not look for what would break at run time
    #[arg(long)]
    pub no_check: bool,
    /// Say what would be resolved, built and sent, in bytes
    #[arg(long, conflicts_with = "metadata_file")]
    pub dry_run: bool,
    /// Write the result as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Afterwards delete from the cache what was used least lately, until so much is left: 500M, 20G
    #[arg(long, value_name = "SIZE", env = MAX_SIZE, value_parser = crate::ops::cache::parse_size)]
    pub cache_max_size: Option<u64>,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// An image instead of the manifest: REF, docker-daemon:REF, docker://REF, oci:DIR[:TAG] or oci-archive:FILE; or a Dockerfile
    pub image: Option<String>,
    /// Say what a code means, such as FP0101
    #[arg(long, value_name = "CODE", conflicts_with = "image")]
    pub explain: Option<String>,
    /// Write the findings as SARIF to this file
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// Fail where the lock file does not hold everything already
    #[arg(long, conflicts_with = "image")]
    pub locked: bool,
    /// What decides the image
    #[command(flatten)]
    pub inputs: Inputs,
}

/// `push`.
#[derive(Debug, Args)]
pub struct Push {
    /// A tag, or a whole reference, instead of those it was built with
    #[arg(short = 't', long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Write the result as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// REF, docker-daemon:REF, docker://REF, oci:DIR[:TAG] or oci-archive:FILE
    pub image: String,
    /// The platform, where the image has several
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// Print an attached document: sbom, provenance, a type, or a digest
    #[arg(long, value_name = "WHICH")]
    pub document: Option<String>,
    /// Use no network: everything must be in the cache
    #[arg(long)]
    pub offline: bool,
}

/// `base`.
#[derive(Debug, Subcommand)]
pub enum Base {
    /// Build a shared base image from a Flink distribution, through the Docker daemon
    Build(BaseBuild),
}

/// `base build`.
#[derive(Debug, Args)]
pub struct BaseBuild {
    /// The Flink distribution: a folder, a .tgz, or the address of one
    #[arg(long, value_name = "PLACE")]
    pub distribution: String,
    /// The SHA-256 of a distribution that is an address
    #[arg(long, value_name = "HEX")]
    pub sha256: Option<String>,
    /// An image with a JRE, or a root file system with one: a tar or a folder
    #[arg(long, value_name = "IMAGE|PLACE")]
    pub os: String,
    /// The base's reference
    #[arg(short = 't', long = "tag", value_name = "REF", required = true)]
    pub tags: Vec<String>,
    /// A JAR for lib/: NAME or NAME=VERSION of the catalogue, a coordinate, a path, an address
    #[arg(long, value_name = "JAR")]
    pub with: Vec<String>,
    /// A folder with a Dockerfile.flink and its entrypoint, instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub dockerfiles: Option<PathBuf>,
    /// Push the base to its registry
    #[arg(long)]
    pub push: bool,
    /// Use no network but the daemon: everything must be in the cache
    #[arg(long)]
    pub offline: bool,
    /// Write the result as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
}

/// `tree`.
#[derive(Debug, Args)]
pub struct Tree {
    /// Coordinates to resolve together, instead of the manifest's
    #[arg(value_name = "GROUP:ARTIFACT:VERSION")]
    pub coordinates: Vec<String>,
    /// Show only what is about this artifact: a name, or group:artifact
    #[arg(long, value_name = "NAME")]
    pub why: Option<String>,
    /// Leave group:artifact out, wherever it is needed; `*` stands for every name
    #[arg(long, value_name = "GROUP:ARTIFACT", requires = "coordinates")]
    pub exclude: Vec<String>,
    /// The Java that profiles see, where coordinates are given
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "17",
        requires = "coordinates"
    )]
    pub java: u32,
    /// What decides the image
    #[command(flatten)]
    pub inputs: Inputs,
}

/// `plugins`.
#[derive(Debug, Args)]
pub struct Plugins {
    /// What fits this Flink version, such as 1.20
    #[arg(long, value_name = "VERSION")]
    pub flink: Option<String>,
}

/// `cache`.
#[derive(Debug, Subcommand)]
pub enum Cache {
    /// Show its place and size
    Size,
    /// Print its place
    Dir,
    /// Delete what was not used lately
    Prune {
        /// Keep what was used within this time: 30d, 12h, 45m
        #[arg(long, value_name = "TIME", default_value = "30d", value_parser = crate::ops::cache::parse_duration)]
        unused: Duration,
        /// Then delete what was used least lately, until so much is left: 500M, 20G
        #[arg(long, value_name = "SIZE", env = MAX_SIZE, value_parser = crate::ops::cache::parse_size)]
        max_size: Option<u64>,
        /// Delete everything
        #[arg(long, conflicts_with = "unused")]
        all: bool,
    },
}

fn output(text: &str) -> Result<Output, String> {
    text.parse::<Output>()
        .map_err(|error| error.report().trim_start_matches("error: ").to_string())
}
