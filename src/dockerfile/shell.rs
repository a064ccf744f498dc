//! What the plain commands of a RUN do to files.

use super::rootfs::{Origin, Placed, Rootfs};
use super::words::{Token, Variables, Word, tokens};

/// Words that begin what is more than one command.
const CONTROL: &[&str] = &[
    "for", "while", "until", "if", "case", "select", "function", "{", "eval",
];

/// Commands that change no file that matters here, whatever they are given.
const HARMLESS: &[&str] = &[
    "chmod",
    "chown",
    "echo",
    "ls",
    "set",
    "test",
    "[",
    "true",
    "sync",
    "sha256sum",
    "sha512sum",
    "md5sum",
    "file",
    "unzip",
    "jar",
];

/// Options of curl that take a value, beside those that name a file.
const CURL_VALUES: &str = "AbcCdDeEFHKmPQrtTuUwxXyYz";

/// One shell.
pub struct Shell<'a> {
    /// The files.
    pub rootfs: &'a mut Rootfs,
    /// The variables; what the commands set is forgotten afterwards.
    pub variables: Variables,
    /// The folder it is in.
    pub folder: String,
    /// The RUN's line.
    pub line: usize,
}

/// Why a command was left alone.
pub type Left = String;

/// One command.
#[derive(Default)]
struct Command {
    words: Vec<Word>,
    /// Where its output goes.
    output: Option<Word>,
    /// Whether it is part of something that is more than a list of commands.
    is_part: bool,
}

impl Shell<'_> {
    /// Does what a text says, as far as it is plain, and says what it left alone.
    pub fn run(&mut self, text: &str) -> Vec<Left> {
        let mut left = Vec::new();
        // Variables may be set on the way, so that each command is read after those
        // before it were done.
        let mut at = 0;
        loop {
            let all = split(tokens(text, &self.variables));
            let Some(command) = all.get(at) else { break };
            at += 1;
            let first = command.words.first().map(|word| word.text.as_str());
            if first.is_some_and(|first| CONTROL.contains(&first)) {
                let rest = &all[at - 1..];
                if rest.iter().any(|one| self.matters(one)) {
                    left.push("a loop or a condition".to_string());
                }
                break;
            }
            if let Err(why) = self.command(command) {
                left.push(why);
            }
            if at > MOST {
                left.push(format!("more than {MOST} commands"));
                break;
            }
        }
        left
    }

    /// Whether a command may have to do with what Flink loads.
    fn matters(&self, command: &Command) -> bool {
        let home = format!("{}/", self.rootfs.home);
        let words = command.words.iter().chain(&command.output);
        words.into_iter().any(|word| {
            let text = &word.text;
            text.contains(".jar") || text.starts_with(&home) || text.starts_with("plugins/")
        })
    }

    fn command(&mut self, command: &Command) -> Result<(), Left> {
        let mut words = command.words.as_slice();
        // NAME=value, before a command or alone.
        while let [first, rest @ ..] = words {
            let Some((name, value)) = assignment(&first.text) else {
                break;
            };
            if rest.is_empty() && first.is_known {
                self.variables.insert(name.to_string(), value.to_string());
            }
            words = rest;
        }
        let Some((name, arguments)) = words.split_first() else {
            return Ok(());
        };
        let name = name.text.rsplit('/').next().unwrap_or_default();
        if name == "sudo" || name == "gosu" {
            return Err(format!("`{name}`"));
        }
        let is_known = arguments.iter().all(|word| word.is_known);
        let is_plain = is_known && !command.is_part;
        let texts: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
        match name {
            "cd" | "export" | "mkdir" | "wget" | "curl" | "cp" | "mv" | "ln" | "rm" | "install"
                if !is_plain =>
            {
                match self.matters(command) {
                    true if is_known => Err(format!("`{name}` as part of a pipe or alternative")),
                    true => Err(format!("`{name}` with a value that is not known")),
                    false => Ok(()),
                }
            }
            "cd" => {
                if let [folder] = texts[..] {
                    self.folder = Rootfs::absolute(&self.folder, folder);
                }
                Ok(())
            }
            "export" => {
                for (name, value) in texts.iter().filter_map(|text| assignment(text)) {
                    self.variables.insert(name.to_string(), value.to_string());
                }
                Ok(())
            }
            "mkdir" => {
                for folder in plain(&texts, "m") {
                    if folder.contains(['{', '*']) {
                        return Err(format!("`mkdir {folder}`"));
                    }
                    let folder = Rootfs::absolute(&self.folder, folder);
                    self.rootfs.folders.insert(folder);
                }
                Ok(())
            }
            "rm" => {
                for path in plain(&texts, "") {
                    let path = Rootfs::absolute(&self.folder, path);
                    self.rootfs.remove(&path);
                }
                Ok(())
            }
            "cp" | "mv" | "ln" | "install" => self.copy(name, &texts),
            "wget" => self.wget(&texts, command),
            "curl" => self.curl(&texts, command),
            _ if HARMLESS.contains(&name) => Ok(()),
            _ if self.matters(command) => Err(format!("`{name}`")),
            _ => Ok(()),
        }
    }

    fn copy(&mut self, name: &str, arguments: &[&str]) -> Result<(), Left> {
        let mut into = None;
        let mut all = arguments.iter();
        let mut others: Vec<&str> = Vec::new();
        while let Some(argument) = all.next() {
            match *argument {
                "-t" => into = all.next().copied(),
                one => match one.strip_prefix("--target-directory=") {
                    Some(folder) => into = Some(folder),
                    None => others.push(one),
                },
            }
        }
        let values = if name == "install" { "mogSt" } else { "S" };
        let mut paths = plain(&others, values);
        let last = match into {
            Some(into) => Some(format!("{into}/")),
            None => paths.pop().map(str::to_string),
        };
        let (Some(last), false) = (last, paths.is_empty()) else {
            return Err(format!("`{name}` of nothing"));
        };
        let is_one = paths.len() == 1 && !paths[0].contains(['*', '?', '[']);
        for path in paths {
            let from = Rootfs::absolute(&self.folder, path);
            let known = self.rootfs.matching(&from);
            if known.is_empty() {
                self.of_base(&from, &last, is_one)?;
            }
            // A folder takes its name along; what is below it is below that.
            let is_folder =
                !known.is_empty() && self.rootfs.is_folder(&from) && !known.contains(&from);
            for file in known {
                let placed = Placed {
                    line: self.line,
                    ..self.rootfs.files[&file].clone()
                };
                let below = match is_folder {
                    true => file.strip_prefix(&from).unwrap_or_default(),
                    false => "",
                };
                let own = from.rsplit('/').next().unwrap_or_default();
                let base = file.rsplit('/').next().unwrap_or_default();
                let name_there = if is_folder { own } else { base };
                let target = self.rootfs.target(&self.folder, &last, name_there, is_one);
                if name == "mv" {
                    self.rootfs.files.remove(&file);
                }
                self.rootfs.files.insert(format!("{target}{below}"), placed);
            }
        }
        Ok(())
    }

    /// Something that the Dockerfile did not put there: it is the base's, if it is
    /// Flink's.
    fn of_base(&mut self, from: &str, to: &str, is_one: bool) -> Result<(), Left> {
        let Some(below) = self
            .rootfs
            .below_home(from)
            .filter(|below| below.ends_with(".jar"))
        else {
            let target = Rootfs::absolute(&self.folder, to);
            return match self.rootfs.below_home(&target).is_some() || from.ends_with(".jar") {
                true => Err(format!("nobody knows what is at {from}")),
                false => Ok(()),
            };
        };
        let name = below.rsplit('/').next().unwrap_or_default();
        let target = self.rootfs.target(&self.folder, to, name, is_one);
        let origin = Origin::Base(below.to_string());
        let line = self.line;
        self.rootfs.files.insert(target, Placed { origin, line });
        Ok(())
    }

    fn wget(&mut self, arguments: &[&str], command: &Command) -> Result<(), Left> {
        let (mut urls, mut file, mut folder) = (Vec::new(), None, None);
        let mut all = arguments.iter().copied();
        while let Some(argument) = all.next() {
            if is_address(argument) {
                urls.push(argument);
            } else if let Some(value) = option(argument, "--output-document", 'O', &mut all) {
                file = Some(value);
            } else if let Some(value) = option(argument, "--directory-prefix", 'P', &mut all) {
                folder = Some(value);
            }
        }
        let folder = Rootfs::absolute(&self.folder, &folder.unwrap_or_default());
        let output = command.output.as_ref().map(|word| word.text.clone());
        match (file.as_deref(), output) {
            (Some("-"), Some(output)) => self.download(&urls, &self.folder.clone(), Some(&output)),
            (Some("-"), None) => Ok(()),
            (Some(file), _) => self.download(&urls, &self.folder.clone(), Some(file)),
            (None, _) => self.download(&urls, &folder, None),
        }
    }

    fn curl(&mut self, arguments: &[&str], command: &Command) -> Result<(), Left> {
        let (mut urls, mut file, mut is_named, mut folder) = (Vec::new(), None, false, None);
        let mut all = arguments.iter().copied();
        while let Some(argument) = all.next() {
            if is_address(argument) {
                urls.push(argument);
            } else if let Some(long) = argument.strip_prefix("--") {
                match long.split_once('=').unwrap_or((long, "")) {
                    ("output", "") => file = all.next(),
                    ("output-dir", "") => folder = all.next(),
                    ("output", value) => file = Some(value),
                    ("output-dir", value) => folder = Some(value),
                    ("remote-name" | "remote-name-all", _) => is_named = true,
                    ("url", "") => urls.extend(all.next()),
                    _ => {}
                }
            } else if let Some(short) = argument.strip_prefix('-') {
                for (at, letter) in short.char_indices() {
                    let rest = &short[at + letter.len_utf8()..];
                    if letter == 'O' {
                        is_named = true;
                    } else if letter == 'o' || CURL_VALUES.contains(letter) {
                        let value = if rest.is_empty() {
                            all.next()
                        } else {
                            Some(rest)
                        };
                        if letter == 'o' {
                            file = value;
                        }
                        break;
                    }
                }
            }
        }
        let folder = Rootfs::absolute(&self.folder, folder.unwrap_or_default());
        let output = command.output.as_ref().map(|word| word.text.clone());
        match (file, output) {
            (Some(file), _) => self.download(&urls, &folder, Some(file)),
            (None, Some(output)) => self.download(&urls, &self.folder.clone(), Some(&output)),
            (None, None) if is_named => self.download(&urls, &folder, None),
            (None, None) => Ok(()),
        }
    }

    fn download(&mut self, urls: &[&str], folder: &str, file: Option<&str>) -> Result<(), Left> {
        if let ([_, _, ..], Some(_)) = (urls, file) {
            return Err("several addresses into one file".to_string());
        }
        for url in urls {
            let path = url.split(['?', '#']).next().unwrap_or(url);
            let name = file.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default());
            let target = Rootfs::absolute(folder, name);
            let origin = Origin::Url(url.to_string(), None);
            let line = self.line;
            self.rootfs.files.insert(target, Placed { origin, line });
        }
        Ok(())
    }
}

/// Commands of one RUN that are read.
const MOST: usize = 200;

fn is_address(text: &str) -> bool {
    ["https://", "http://", "ftp://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// `NAME=value`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let starts = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
    (starts && name.chars().all(is_name)).then_some((name, value))
}

/// What is no option; short options among `values` take the next word.
fn plain<'t>(arguments: &[&'t str], values: &str) -> Vec<&'t str> {
    let mut out = Vec::new();
    let mut all = arguments.iter();
    while let Some(argument) = all.next() {
        match argument.strip_prefix('-') {
            Some(short) if !short.is_empty() => {
                if short.len() == 1 && values.contains(short) {
                    all.next();
                }
            }
            _ => out.push(*argument),
        }
    }
    out
}

/// The value of an option: `--long=value`, `--long value`, `-Xvalue`, `-X value`,
/// or at the end of short ones, as in `-qX value`.
fn option<'t>(
    argument: &'t str,
    long: &str,
    short: char,
    all: &mut impl Iterator<Item = &'t str>,
) -> Option<String> {
    if let Some(rest) = argument.strip_prefix(long) {
        return match rest.strip_prefix('=') {
            Some(value) => Some(value.to_string()),
            None if rest.is_empty() => all.next().map(str::to_string),
            None => None,
        };
    }
    let letters = argument
        .strip_prefix('-')
        .filter(|one| !one.starts_with('-'))?;
    let (_, value) = letters.split_once(short)?;
    match value {
        "" => all.next().map(str::to_string),
        value => Some(value.to_string()),
    }
}

/// The commands of a list.
fn split(tokens: Vec<Token>) -> Vec<Command> {
    let mut all: Vec<Command> = Vec::new();
    let mut current = Command::default();
    let mut tokens = tokens.into_iter().peekable();
    let mut is_part = false;
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => current.words.push(word),
            Token::Operator(">" | ">>") => {
                // 2> and its like are about what is told.
                let is_told = current.words.last().is_some_and(|word| word.text == "2");
                let target = tokens.next_if(|token| matches!(token, Token::Word(_)));
                if is_told {
                    current.words.pop();
                } else if let Some(Token::Word(word)) = target {
                    current.output = Some(word);
                }
            }
            Token::Operator("&") if matches!(tokens.peek(), Some(Token::Word(_))) => {
                // As in 2>&1.
                tokens.next();
            }
            Token::Operator(operator) => {
                let joins = matches!(operator, "|" | "||" | "(" | ")" | "<" | "&");
                current.is_part = is_part || operator == "|";
                is_part = joins;
                if !current.words.is_empty() {
                    all.push(std::mem::take(&mut current));
                } else {
                    current = Command::default();
                }
            }
        }
    }
    current.is_part = is_part;
    if !current.words.is_empty() {
        all.push(current);
    }
    all
}
