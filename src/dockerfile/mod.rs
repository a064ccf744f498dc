//! What a Dockerfile puts where, read from its text: nothing is run or fetched.
//!
//! FROM, ARG, ENV, COPY, ADD, WORKDIR, LABEL and CMD are read as Docker does; of
//! RUN the plain commands are (wget, curl, cp, mv, ln, mkdir, rm). What is left
//! alone is told, with its line.

mod base_tag;
mod flink;
mod recipe;
mod rootfs;
mod shell;
mod words;

use parse_dockerfile::{Command, Dockerfile, Flag, Instruction, Source, Stage};

pub use base_tag::BaseTag;
pub use recipe::{Left, Recipe};
pub use rootfs::{Origin, Placed, Rootfs};
use words::{Variables, expanded, words};

/// Bytes of variables that are kept; what comes after them is not known.
const MOST_VARIABLES: usize = 256 << 10;

/// Stages that stand on each other which are followed.
const MOST_STAGES: usize = 50;

/// A file that a path or pattern of the build context means.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its path in the context.
    pub path: String,
    /// Its path below the target, where that is a folder.
    pub below: String,
    /// Whether a folder was named, which makes the target one.
    pub in_folder: bool,
}

/// Lists the files of the build context that a path or pattern means.
pub type List<'a> = &'a dyn Fn(&str) -> Vec<Listed>;

/// Reads a Dockerfile.
pub fn read(text: &str, list: List<'_>) -> Result<Recipe, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = &text.replace("\r\n", "\n");
    let file = parse_dockerfile::parse(text).map_err(|error| error.to_string())?;
    let (mut global, mut left) = (Variables::new(), MOST_VARIABLES);
    for arg in file.global_args() {
        declare(&arg.arguments.value, &mut global, &mut left);
    }
    let chain = chain(&file, &global);
    let Some(lowest) = chain.last() else {
        return Err("it has no stage".to_string());
    };
    let mut reader = Reader {
        text,
        list,
        variables: Variables::new(),
        folder: String::new(),
        room: left,
        recipe: Recipe {
            base: expanded(&lowest.from.image.value, &global).text,
            ..Recipe::default()
        },
    };
    // Official images set it, and work there.
    let home = "/opt/flink".to_string();
    reader.folder = home.clone();
    reader
        .variables
        .insert("FLINK_HOME".to_string(), home.clone());
    reader.recipe.rootfs.home = home;
    for stage in chain.iter().rev() {
        for instruction in stage.instructions {
            reader.instruction(instruction, &global);
        }
    }
    reader.recipe.args.extend(global);
    Ok(reader.recipe)
}

/// The last stage, and those that it stands on.
fn chain<'a, 'b>(file: &'b Dockerfile<'a>, global: &Variables) -> Vec<Stage<'a, 'b>> {
    let mut chain: Vec<Stage<'a, 'b>> = file.stages().last().into_iter().collect();
    while let Some(stage) = chain.last() {
        let name = expanded(&stage.from.image.value, global).text;
        let own = stage.from.from.span.start;
        let below = file
            .stage(&name)
            .filter(|below| below.from.from.span.start < own && chain.len() < MOST_STAGES);
        match below {
            Some(below) => chain.push(below),
            None => break,
        }
    }
    chain
}

/// `NAME=default`, several of them; those that are known already stay.
fn declare(text: &str, variables: &mut Variables, left: &mut usize) {
    for word in words(text, variables) {
        if let Some((name, value)) = word.text.split_once('=')
            && fits(left, name, value)
        {
            variables.insert(name.to_string(), value.to_string());
        }
    }
}

/// Whether there is room for one more variable.
fn fits(left: &mut usize, name: &str, value: &str) -> bool {
    let size = name.len() + value.len();
    let fits = size <= *left;
    *left = left.saturating_sub(size);
    fits
}

struct Reader<'a> {
    text: &'a str,
    list: List<'a>,
    variables: Variables,
    folder: String,
    /// Bytes of variables that there is room for.
    room: usize,
    recipe: Recipe,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        1 + self.text[..at.min(self.text.len())].matches('\n').count()
    }

    fn leave(&mut self, at: usize, why: impl Into<String>) {
        let line = self.line(at);
        let text = self.text[at..].lines().next().unwrap_or_default().trim();
        let mut text: String = text.trim_end_matches('\\').trim_end().to_string();
        if text.chars().count() > 60 {
            text = text.chars().take(59).chain(['…']).collect();
        }
        let why = why.into();
        self.recipe.left.push(Left { line, text, why });
    }

    fn instruction(&mut self, instruction: &Instruction<'_>, global: &Variables) {
        match instruction {
            Instruction::Arg(arg) => {
                for word in words(&arg.arguments.value, &self.variables) {
                    let (name, value) = match word.text.split_once('=') {
                        Some((name, value)) => (name, Some(value)),
                        None => (
                            word.text.as_str(),
                            global.get(&word.text).map(String::as_str),
                        ),
                    };
                    if let Some(value) = value
                        && fits(&mut self.room, name, value)
                    {
                        self.recipe.args.insert(name.to_string(), value.to_string());
                        // An ENV of this name counts instead.
                        let known = self.variables.entry(name.to_string());
                        known.or_insert_with(|| value.to_string());
                    }
                }
            }
            Instruction::Env(env) => {
                for (name, value) in self.pairs(&env.arguments.value) {
                    if !fits(&mut self.room, &name, &value) {
                        continue;
                    }
                    if name == "FLINK_HOME" {
                        self.recipe.rootfs.home = Rootfs::absolute("/", &value);
                    }
                    self.variables.insert(name.clone(), value.clone());
                    self.recipe.env.insert(name, value);
                }
            }
            Instruction::Label(label) => {
                let pairs = self.pairs(&label.arguments.value);
                self.recipe.labels.extend(pairs);
            }
            Instruction::Workdir(workdir) => {
                let folder = expanded(&workdir.arguments.value, &self.variables).text;
                self.folder = Rootfs::absolute(&self.folder, &folder);
            }
            Instruction::Copy(copy) => {
                self.copy(
                    copy.copy.span.start,
                    &copy.options,
                    &copy.src,
                    &copy.dest.value,
                );
            }
            Instruction::Add(add) => {
                self.copy(add.add.span.start, &add.options, &add.src, &add.dest.value);
            }
            Instruction::Run(run) => {
                let at = run.run.span.start;
                let mut texts: Vec<String> = Vec::new();
                match &run.arguments {
                    Command::Shell(shell) if run.here_docs.is_empty() => {
                        texts.push(shell.value.to_string());
                    }
                    Command::Shell(_) => {
                        texts.extend(run.here_docs.iter().map(|doc| doc.value.to_string()));
                    }
                    Command::Exec(words) => {
                        let quoted = words.value.iter();
                        let quoted = quoted.map(|word| format!("'{}'", word.value));
                        texts.push(quoted.collect::<Vec<_>>().join(" "));
                    }
                    _ => {}
                }
                for text in texts {
                    let line = self.line(at);
                    let mut shell = shell::Shell {
                        rootfs: &mut self.recipe.rootfs,
                        variables: self.variables.clone(),
                        folder: self.folder.clone(),
                        line,
                    };
                    for why in shell.run(&text) {
                        self.leave(at, why);
                    }
                }
            }
            Instruction::Cmd(cmd) => {
                self.recipe.command = match &cmd.arguments {
                    Command::Exec(words) => {
                        let words = words.value.iter();
                        words.map(|word| word.value.to_string()).collect()
                    }
                    Command::Shell(text) => {
                        let words = words(text.value, &self.variables).into_iter();
                        words.map(|word| word.text).collect()
                    }
                    _ => Vec::new(),
                };
            }
            Instruction::Entrypoint(entrypoint) => {
                self.leave(
                    entrypoint.entrypoint.span.start,
                    "the base's entrypoint is kept",
                );
            }
            _ => {}
        }
    }

    /// `NAME=value` pairs, or one `NAME value`.
    fn pairs(&self, text: &str) -> Vec<(String, String)> {
        let all = words(text, &self.variables);
        let is_list = all.first().is_some_and(|word| word.text.contains('='));
        if !is_list {
            let (name, value) = text
                .trim()
                .split_once(char::is_whitespace)
                .unwrap_or_default();
            let value = expanded(value.trim(), &self.variables).text;
            let is_pair = !name.is_empty();
            return is_pair
                .then(|| (name.to_string(), value))
                .into_iter()
                .collect();
        }
        let pairs = all.iter().filter_map(|word| word.text.split_once('='));
        pairs
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    fn copy(&mut self, at: usize, options: &[Flag<'_>], sources: &[Source<'_>], to: &str) {
        let option = |name: &str| {
            let mut all = options.iter();
            let flag = all.find(|flag| flag.name.value == name)?;
            Some(flag.value.as_ref()?.value.to_string())
        };
        let (stage, sum) = (option("from"), option("checksum"));
        let sum = sum.and_then(|sum| sum.strip_prefix("sha256:").map(str::to_string));
        let line = self.line(at);
        let to = expanded(to, &self.variables);
        let mut found: Vec<(Origin, String)> = Vec::new();
        let mut is_one = sources.len() == 1;
        for source in sources {
            let Source::Path(path) = source else {
                found.push((Origin::Text, String::new()));
                continue;
            };
            let path = expanded(&path.value, &self.variables);
            if !path.is_known || !to.is_known {
                self.leave(at, "a variable of it is not known");
                return;
            }
            let name = path.text.split(['?', '#']).next().unwrap_or_default();
            let name = name
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            if let Some(stage) = &stage {
                if !name.ends_with(".jar") {
                    self.leave(at, format!("what the stage {stage} has is not known"));
                    continue;
                }
                found.push((Origin::Stage(stage.clone()), name.to_string()));
            } else if path.text.contains("://") {
                let origin = Origin::Url(path.text.clone(), sum.clone());
                found.push((origin, name.to_string()));
            } else {
                let listed = (self.list)(&path.text);
                if listed.is_empty() {
                    let is_pattern = path.text.contains(['*', '?', '[']);
                    self.leave(at, "it is not in the build context");
                    if is_pattern || !name.ends_with(".jar") {
                        continue;
                    }
                    found.push((Origin::Context(path.text.clone()), name.to_string()));
                }
                is_one &= listed.iter().all(|one| !one.in_folder);
                let listed = listed.into_iter();
                found.extend(listed.map(|one| (Origin::Context(one.path), one.below)));
            }
        }
        let is_one = is_one && found.len() == 1;
        for (origin, below) in found {
            let target = self
                .recipe
                .rootfs
                .target(&self.folder, &to.text, &below, is_one);
            self.recipe
                .rootfs
                .files
                .insert(target, Placed { origin, line });
        }
    }
}

#[cfg(test)]
mod tests;
