//! flinkpack: from flinkpack.toml to a Flink image that runs.
//!
//! # The flow
//!
//! ```text
//! flinkpack.toml ─ manifest ─► resolve ─► lock ─► stage ─► layer ─► image ─► sink
//!                  Manifest    Artifact   Lock    Stage    Layer    Image    Delivery
//! ```
//!
//! | module | takes → gives | never |
//! |---|---|---|
//! | [`manifest`] | text → [`manifest::Manifest`]; errors carry file, line and a hint | touches the network |
//! | [`base`] | a name → [`base::Base`]: descriptors, configuration, [`base::BaseFacts`] | decides |
//! | [`resolve`] | manifest, facts → [`resolve::Artifact`]s: path, glob, address, coordinate, catalogue name, opt/ | decides where a file goes |
//! | [`lock`] | artifacts ↔ flinkpack.lock | resolves |
//! | [`job`] | manifest → what goes into usrlib/, and the command: what the image starts | knows images |
//! | [`stage`] | artifacts, facts → [`stage::Stage`]: sorted paths, each with its reason | reads JAR bytes |
//! | [`check`] | JARs in their places, configuration → [`check::Finding`]s: what would break at run time | reads a file |
//! | [`layer`] | stage → [`image::Layer`]s: deterministic tars, found again by their inputs | knows registries |
//! | [`image`] | base, layers → [`image::Images`]: configuration and manifest a platform, an index of several | moves bytes |
//! | [`attest`] | lock, image → documents that refer to the image: SBOM, provenance | knows time, host or user |
//! | [`sink`] | image → [`sink::Delivery`]: what a place took, and what it had; one trait, [`sink::Sink`] | changes the image |
//!
//! Beside the flow: [`catalogue`] (the rows of `plugins/`), [`maven`] (Maven's
//! dependency resolution, which reads and fetches nothing), [`repository`] (Maven
//! repositories, with settings.xml: a coordinate to its file), [`daemon`] (the one
//! place that knows bollard), [`registry`] (the OCI distribution client),
//! [`fetch`] (downloads), [`jar`] (what a JAR is), [`dockerfile`] (what a
//! Dockerfile puts where), [`store`] (what is kept between runs), [`report`]
//! (events; `report/bars.rs` alone knows indicatif), [`parallel`], [`error`].
//! [`rules`] (the codes of what `check` finds), [`ops`] (joins the stages into
//! commands), [`cli`] (joins commands to arguments; `cli/render` has what people read).
//! A module imports earlier ones only, and the files of a folder have a direction, too;
//! tests hold them to that.
//!
//! # How a build goes
//!
//! [`ops::build`] reads like this: [`Inputs`](ops::project::inputs::Inputs) (manifest and
//! lock file) → [`Resolved`](ops::project::resolved::Resolved) (base, JARs, places) →
//! [`Planned`](ops::build::planned::Planned) (which layers need not be made) →
//! [`Made`](ops::build::made::Made) (layers, images, the new lock) → a
//! [`Delivery`](sink::Delivery) for each sink.
//!
//! # What a build asks of others
//!
//! Nothing changed, into the daemon: a ping and two inspections. Nothing
//! changed, into a registry: one HEAD. A base is read once, by one export of the
//! daemon or one pass over its layers, and never again while its facts are in
//! the cache or in its label.
//!
//! # Files on disk
//!
//! | file | is |
//! |---|---|
//! | `flinkpack.toml` | the manifest, written by people |
//! | `flinkpack.lock` | what was found, pinned, and that it was checked; written by `lock`, `build` and `check` |
//! | `plugins/` beside the manifest | the project's own catalogue rows |
//! | `target/flinkpack/image.oci` | the image, where there is no daemon and no other place was named |
//!
//! In the cache (`FLINKPACK_CACHE_DIR`, else `$XDG_CACHE_HOME/flinkpack`, else
//! `~/.cache/flinkpack`), where anything may be deleted at any time:
//!
//! | folder | holds |
//! |---|---|
//! | `blobs/sha256/` | content by digest: fetched JARs, own layers, configurations, manifests |
//! | `layers/` | hash of a layer's inputs → its digests and size; registry and layer → a repository that got it |
//! | `bases/` | layers and FLINK_HOME → facts; image ID → descriptors |
//! | `maven/` | coordinate → blob, or its parsed POM; the installed Maven's `central` |
//! | `builds/` | what was built last, for `push`; what the daemon got last; what the layer of a local JAR was made of |
//! | `uploads/` | repository and blob → an upload that was not finished, to go on with |
//! | `files/` | size, times and inode of a local file → its digest |
//! | `jars/` | digest of a JAR → what its classes declare and refer to |
//! | `checks/` | hash of everything that was checked → findings |
//! | `locks/` | locks by key, never unlinked |
//! | `tmp/` | files not yet in their place |

pub mod attest;
pub mod base;
pub mod catalogue;
pub mod check;
pub mod cli;
pub mod daemon;
pub mod dockerfile;
pub mod error;
pub mod fetch;
pub mod image;
pub mod jar;
pub mod job;
pub mod layer;
pub mod lock;
pub mod manifest;
pub mod maven;
pub mod ops;
pub mod parallel;
pub mod registry;
pub mod report;
pub mod repository;
pub mod resolve;
pub mod rules;
pub mod sink;
pub mod stage;
pub mod store;
