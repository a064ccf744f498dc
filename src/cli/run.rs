//! Each command: arguments to an operation, its result to stdout.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::CommandFactory;
use serde::Serialize;

use super::args::{
    Base, BaseBuild, Build, Cache, Check, Cli, Command, Format, Global, Inputs, Lock, Push,
};
use super::render::{self, count};
use crate::error::{Context, Error, Result};
use crate::ops::build::outcome::Outcome;
use crate::ops::project::inputs::Request;
use crate::ops::{
    self, Session, Settings, build, cache, check, init, inspect, lock, plugins, push, tree,
};
use crate::report::{Report, bytes};
use crate::store::{Store, write_atomically};

pub(super) async fn run(cli: Cli, report: Report) -> Result<()> {
    let Cli { command, global } = cli;
    if let Some(folder) = &global.folder {
        std::env::set_current_dir(folder)
            .doing(|| format!("changing to the folder {}", folder.display()))?;
    }
    let session = |offline: bool, no_cache: bool| {
        let settings = Settings {
            offline,
            no_cache,
            insecure: global.insecure.clone(),
            authorities: global.authorities.clone(),
            mirrors: global.mirrors.clone(),
            stall: global.stall.map(Duration::from_secs),
            chunk: global.chunk.map(|mib| mib << 20),
        };
        Session::begin(&settings, report.clone())
    };
    match command {
        Command::Init(args) => {
            init::run(&global.manifest, args.from.as_deref())?;
            report.note(format!(
                "wrote {}: {}, then run `flinkpack build`",
                global.manifest.display(),
                match args.from {
                    Some(_) => "look through it",
                    None => "say what goes in",
                }
            ));
            Ok(())
        }
        Command::Lock(args) => {
            run_lock(
                &session(args.inputs.offline, args.inputs.no_cache)?,
                &global,
                &args,
            )
            .await
        }
        Command::Build(args) => {
            run_build(
                &session(args.inputs.offline, args.inputs.no_cache)?,
                &global,
                args,
            )
            .await
        }
        Command::Check(args) => {
            if let Some(code) = &args.explain {
                let rule = check::explain(code)?;
                return print(global.format, &rule, || render::check::explanation(&rule));
            }
            let session = session(args.inputs.offline, args.inputs.no_cache)?;
            run_check(&session, &global, &args).await
        }
        Command::Push(args) => run_push(&session(false, false)?, &global, &args).await,
        Command::Inspect(args) => {
            let session = session(args.offline, false)?;
            if let Some(which) = &args.document {
                let platform = args.platform.as_deref();
                let document = inspect::document(&session, &args.image, platform, which).await?;
                return write(&document);
            }
            let found = inspect::run(&session, &args.image, args.platform.as_deref()).await?;
            print(global.format, &found, || render::inspection::text(&found))
        }
        Command::Base(Base::Build(args)) => {
            run_base_build(&session(args.offline, false)?, &global, args).await
        }
        Command::Tree(args) => {
            let session = session(args.inputs.offline, args.inputs.no_cache)?;
            let request = request(&global, &args.inputs, false);
            let found = if args.coordinates.is_empty() {
                tree::of_manifest(&session, &request).await?
            } else {
                let asked = tree::Asked {
                    coordinates: args.coordinates,
                    exclude: args.exclude,
                    java: args.java,
                };
                tree::of_coordinates(&session, &request, &asked).await?
            };
            match &args.why {
                None => print(global.format, &render::tree::json(&found)?, || {
                    render::tree::text(&found)
                }),
                Some(name) => {
                    let paths = tree::why(&found, name)?;
                    print(global.format, &paths, || render::tree::ways(&paths))
                }
            }
        }
        Command::Plugins(args) => {
            let rows = plugins::run(&folder_of(&global.manifest), args.flink.as_deref())?;
            print(global.format, &rows, || {
                render::plugins::text(&rows, args.flink.as_deref())
            })
        }
        Command::Cache(args) => run_cache(&global, args),
        Command::Man { pages } => man(&pages),
        Command::Schema => {
            let mut text = serde_json::to_string_pretty(&crate::manifest::schema::schema())
                .doing(|| "encoding the schema")?;
            text.push('\n');
            write(text.as_bytes())
        }
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "flinkpack",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

/// Writes `flinkpack.1`, and `flinkpack-build.1` and the like beside it.
fn man(folder: &Path) -> Result<()> {
    let doing = || format!("writing manual pages into {}", folder.display());
    std::fs::create_dir_all(folder).doing(doing)?;
    clap_mangen::generate_to(Cli::command(), folder).doing(doing)
}

fn folder_of(manifest: &Path) -> PathBuf {
    manifest.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn request(global: &Global, args: &Inputs, locked: bool) -> Request {
    Request {
        manifest: global.manifest.clone(),
        base: args.base.clone(),
        platforms: args.platforms.clone(),
        locked,
        upgrade: None,
    }
}

async fn run_lock(session: &Session, global: &Global, args: &Lock) -> Result<()> {
    let mut request = request(global, &args.inputs, false);
    request.upgrade = args.upgrade.clone();
    let changes = lock::run(session, &request, args.check).await?;
    print(global.format, &changes, || {
        match (changes.is_empty(), args.check) {
            (true, _) => "the lock file is up to date\n".to_string(),
            (false, _) => changes.iter().map(|change| format!("{change}\n")).collect(),
        }
    })
}

async fn run_build(session: &Session, global: &Global, args: Build) -> Result<()> {
    let options = build::options::Options {
        request: request(global, &args.inputs, args.locked),
        tags: args.tags,
        push: args.push,
        load: args.load,
        outputs: args.output,
        sbom: args.sbom,
        provenance: args.provenance,
        check: !args.no_check,
    };
    if args.dry_run {
        let forecast = build::forecast::run(session, &options).await?;
        return print(global.format, &forecast, || {
            render::forecast::text(&forecast)
        });
    }
    let outcome = build::run(session, &options).await?;
    finish(session, global, &outcome, args.metadata_file.as_deref())?;
    // What changed nothing adds nothing to the cache.
    if let Some(max_size) = args.cache_max_size.filter(|_| !outcome.unchanged()) {
        bound_cache(session, max_size);
    }
    Ok(())
}

/// The image is where it should be, whatever becomes of this.
fn bound_cache(session: &Session, max_size: u64) {
    let rules = cache::Rules {
        unused: None,
        max_size: Some(max_size),
        spared: cache::SPARED,
    };
    match cache::prune(&session.store, &rules) {
        Ok(pruned) if pruned.files > 0 => session.report.note(format!(
            "deleted {} from the cache, {}",
            count(pruned.files as usize, "file"),
            bytes(pruned.bytes)
        )),
        Ok(_) => {}
        Err(error) => session.report.warn(format!("pruning the cache: {error}")),
    }
}

async fn run_check(session: &Session, global: &Global, args: &Check) -> Result<()> {
    let checked = match &args.image {
        Some(file) if check::is_dockerfile(Path::new(file)) => {
            check::of_dockerfile(session, Path::new(file), args.inputs.base.as_deref())?
        }
        Some(image) => {
            let platform = match args.inputs.platforms.as_slice() {
                [] => None,
                [one] => Some(one.as_str()),
                _ => {
                    return Err(Error::usage(
                        "an image is checked for one --platform at a time",
                    ));
                }
            };
            check::of_image(session, image, platform).await?
        }
        None => {
            // A record says how much was found, and not what.
            let whole = global.format == Format::Json || args.sarif.is_some() || global.verbose > 0;
            let request = request(global, &args.inputs, args.locked);
            check::of_manifest(session, &request, whole).await?
        }
    };
    if let Some(path) = &args.sarif {
        let file = args
            .image
            .as_ref()
            .filter(|file| check::is_dockerfile(Path::new(file)));
        let manifest = global.manifest.display().to_string();
        let manifest = file.cloned().unwrap_or(manifest);
        let mut text = serde_json::to_vec_pretty(&render::check::sarif(&checked, &manifest))
            .doing(|| "encoding the findings")?;
        text.push(b'\n');
        write_atomically(path, &text)
            .doing(|| format!("writing the findings to {}", path.display()))?;
    }
    print(global.format, &checked, || {
        render::check::findings(&checked, global.verbose > 0)
    })?;
    checked.verdict()
}

async fn run_push(session: &Session, global: &Global, args: &Push) -> Result<()> {
    let outcome = push::run(session, &global.manifest, &args.tags).await?;
    finish(session, global, &outcome, args.metadata_file.as_deref())
}

async fn run_base_build(session: &Session, global: &Global, args: BaseBuild) -> Result<()> {
    let options = ops::base::build::Options {
        distribution: args.distribution,
        sha256: args.sha256,
        os: args.os,
        tags: args.tags,
        with: args.with,
        dockerfiles: args.dockerfiles,
        push: args.push,
    };
    let folder = std::env::current_dir().doing(|| "looking for the current folder")?;
    let outcome = ops::base::build::run(session, &options, &folder).await?;
    finish(session, global, &outcome, args.metadata_file.as_deref())
}

/// Layers and places to stderr, the reference or the document to stdout.
fn finish(
    session: &Session,
    global: &Global,
    outcome: &Outcome,
    metadata_file: Option<&Path>,
) -> Result<()> {
    if !outcome.unchanged() {
        for line in render::layers::lines(outcome) {
            session.report.note(line);
        }
    }
    for line in outcome.deliveries.iter().flat_map(render::delivery::lines) {
        session.report.note(line);
    }
    if let Some(path) = metadata_file {
        let mut text = serde_json::to_vec_pretty(outcome).doing(|| "encoding the result")?;
        text.push(b'\n');
        write_atomically(path, &text)
            .doing(|| format!("writing the metadata file {}", path.display()))?;
    }
    print(global.format, outcome, || {
        format!("{}\n", outcome.reference())
    })
}

fn run_cache(global: &Global, args: Cache) -> Result<()> {
    let store = Store::open(Store::default_root()?);
    match args {
        Cache::Dir => {
            let place = store.root().display().to_string();
            print(global.format, &place, || format!("{place}\n"))
        }
        Cache::Size => {
            let size = cache::size(&store)?;
            print(global.format, &size, || render::cache::size(&size))
        }
        Cache::Prune {
            unused,
            max_size,
            all,
        } => {
            let rules = cache::Rules {
                unused: Some(if all { Duration::ZERO } else { unused }),
                max_size,
                spared: Duration::ZERO,
            };
            let pruned = cache::prune(&store, &rules)?;
            print(global.format, &pruned, || render::cache::pruned(&pruned))
        }
    }
}

fn print<T: Serialize>(format: Format, value: &T, text: impl FnOnce() -> String) -> Result<()> {
    let text = match format {
        Format::Text => text(),
        Format::Json => {
            let mut text = serde_json::to_string_pretty(value).doing(|| "encoding the result")?;
            text.push('\n');
            text
        }
    };
    write(text.as_bytes())
}

/// To stdout.
fn write(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // Whoever reads the pipe has enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.doing(|| "writing to stdout"),
    }
}
