//! Words of a shell command or of a Dockerfile's arguments, with the variables
//! that are known put in.

use std::collections::BTreeMap;

/// Variables within variables that are followed: `${A:-${B:-c}}`.
const DEPTH: usize = 8;

/// Bytes that a word may grow to: variables that hold each other double it with
/// every line.
const MAX_WORD: usize = 8 << 10;

/// Bytes that all words of one text may grow to.
const MAX_ALL: usize = 4 << 20;

/// What is known of variables.
pub type Variables = BTreeMap<String, String>;

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Its text; what could not be put in is as it is written.
    pub text: String,
    /// Whether all of it is known.
    pub is_known: bool,
}

/// A piece of a shell command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word.
    Word(Word),
    /// `&&`, `||`, `;` (or the end of a line), `|`, `&`, `(`, `)`, `<`, `>`, `>>`.
    Operator(&'static str),
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    variables: &'a Variables,
    depth: usize,
}

/// The tokens of a shell text. Comments are left out, and so are line ends after a
/// backslash.
pub fn tokens(text: &str, variables: &Variables) -> Vec<Token> {
    let mut scanner = Scanner::new(text, variables, DEPTH);
    let mut tokens = Vec::new();
    let mut left = MAX_ALL;
    while let Some(c) = scanner.peek().filter(|_| left > 0) {
        let rest = scanner.rest();
        if rest.starts_with("\\\n") {
            scanner.at += 2;
            scanner.skip_comments();
        } else if c == '\n' {
            scanner.at += 1;
            tokens.push(Token::Operator(";"));
        } else if c.is_whitespace() {
            scanner.at += c.len_utf8();
        } else if c == '#' {
            scanner.skip_line();
        } else if let Some(operator) = operator(rest) {
            scanner.at += operator.len();
            tokens.push(Token::Operator(operator));
        } else {
            let word = scanner.word(true);
            left = left.saturating_sub(word.text.len());
            tokens.push(Token::Word(word));
        }
    }
    tokens
}

/// The words of a Dockerfile's arguments.
pub fn words(text: &str, variables: &Variables) -> Vec<Word> {
    let mut scanner = Scanner::new(text, variables, DEPTH);
    let mut words = Vec::new();
    let mut left = MAX_ALL;
    while let Some(c) = scanner.peek().filter(|_| left > 0) {
        if c.is_whitespace() {
            scanner.at += c.len_utf8();
            continue;
        }
        let word = scanner.word(false);
        left = left.saturating_sub(word.text.len());
        words.push(word);
    }
    words
}

/// One word, however many spaces it has.
pub fn expanded(text: &str, variables: &Variables) -> Word {
    within(text, variables, DEPTH)
}

fn within(text: &str, variables: &Variables, depth: usize) -> Word {
    let mut scanner = Scanner::new(text, variables, depth);
    let mut word = Word {
        text: String::new(),
        is_known: true,
    };
    while scanner.peek().is_some() {
        scanner.step(&mut word);
    }
    word
}

fn operator(rest: &str) -> Option<&'static str> {
    let all = ["&&", "||", ">>", ";", "|", "&", "(", ")", "<", ">"];
    all.into_iter().find(|one| rest.starts_with(one))
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, variables: &'a Variables, depth: usize) -> Scanner<'a> {
        Scanner {
            text,
            at: 0,
            variables,
            depth,
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    /// Lines of comments within a command that goes on: Docker drops them.
    fn skip_comments(&mut self) {
        while self.rest().trim_start_matches([' ', '\t']).starts_with('#') {
            self.skip_line();
            self.next();
        }
    }

    fn word(&mut self, is_shell: bool) -> Word {
        let mut word = Word {
            text: String::new(),
            is_known: true,
        };
        while let Some(c) = self.peek() {
            let ends = c.is_whitespace() || (is_shell && operator(self.rest()).is_some());
            if ends {
                break;
            }
            self.step(&mut word);
        }
        word
    }

    /// Takes the next part of a word: a character, a quoted text, a variable.
    fn step(&mut self, word: &mut Word) {
        if word.text.len() > MAX_WORD {
            word.is_known = false;
            self.at = self.text.len();
            return;
        }
        match self.next() {
            Some('\'') => {
                let rest = self.rest();
                let end = rest.find('\'');
                word.text.push_str(&rest[..end.unwrap_or(rest.len())]);
                self.at += end.map_or(rest.len(), |end| end + 1);
            }
            Some('"') => self.quoted(word),
            Some('\\') => match self.next() {
                None | Some('\n') => {}
                Some(c) => word.text.push(c),
            },
            Some('$') => self.variable(word),
            Some('`') => {
                self.unknown(word, "`");
            }
            Some(c) => word.text.push(c),
            None => {}
        }
    }

    fn quoted(&mut self, word: &mut Word) {
        loop {
            match self.next() {
                None | Some('"') => return,
                Some('\\') => match self.next() {
                    None | Some('\n') => {}
                    Some(c @ ('$' | '`' | '"' | '\\')) => word.text.push(c),
                    Some(c) => word.text.extend(['\\', c]),
                },
                Some('$') => self.variable(word),
                Some('`') => self.unknown(word, "`"),
                Some(c) => word.text.push(c),
            }
            if word.text.len() > MAX_WORD {
                word.is_known = false;
                return;
            }
        }
    }

    /// Text up to `end`, whose meaning is not known.
    fn unknown(&mut self, word: &mut Word, end: &str) {
        let rest = self.rest();
        let length = rest.find(end).map_or(rest.len(), |at| at + end.len());
        word.text.push_str(&rest[..length]);
        word.is_known = false;
        self.at += length;
    }

    /// What follows a `$`.
    fn variable(&mut self, word: &mut Word) {
        let rest = self.rest();
        if rest.starts_with('(') {
            word.text.push('$');
            return self.unknown(word, ")");
        }
        let (inside, length) = match rest.strip_prefix('{') {
            Some(inner) => {
                let Some(end) = closing(inner) else {
                    word.text.push('$');
                    return self.unknown(word, "}");
                };
                (&inner[..end], end + 2)
            }
            None => {
                let length = name_length(rest);
                (&rest[..length], length)
            }
        };
        self.at += length;
        let (name, rest) = inside.split_at(name_length(inside));
        if name.is_empty() {
            word.text.push('$');
            word.text.push_str(inside);
            // Such as $? and $1.
            word.is_known &= length == 0 && !self.rest().starts_with(|c: char| !c.is_whitespace());
            return;
        }
        let value = self.variables.get(name).filter(|value| {
            // With a colon an empty one counts as unset.
            !rest.starts_with(':') || !value.is_empty()
        });
        let other = rest.trim_start_matches(':');
        let known = match (value, other.chars().next()) {
            (Some(value), None | Some('-' | '?' | '=')) => Some((value.clone(), true)),
            (None, Some('-' | '=')) | (Some(_), Some('+')) if self.depth > 0 => {
                let word = within(&other[1..], self.variables, self.depth - 1);
                Some((word.text, word.is_known))
            }
            (None, Some('+')) => Some((String::new(), true)),
            _ => None,
        };
        match known {
            Some((text, is_known)) => {
                word.text.push_str(&text);
                word.is_known &= is_known;
            }
            None => {
                word.text.push_str(&format!("${{{inside}}}"));
                word.is_known = false;
            }
        }
    }
}

fn name_length(text: &str) -> usize {
    let is_part = |(at, c): (usize, char)| {
        c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit())
    };
    text.char_indices().take_while(|one| is_part(*one)).count()
}

/// Where the brace ends that was opened before this text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        [("A", "a b"), ("V", "1.20"), ("E", "")]
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .into()
    }

    #[test]
    fn variables_are_put_in_as_the_shell_does() {
        for (text, wanted, is_known) in [
            ("x-$V.jar", "x-1.20.jar", true),
            ("${V}_x", "1.20_x", true),
            ("\"$A\"'$A'\\$A", "a b$A$A", true),
            ("${N:-${V}-y}", "1.20-y", true),
            ("${E:-z}|${E-z}|${V:+set}", "z||set", true),
            ("$N/x", "${N}/x", false),
            ("${V%.*}", "${V%.*}", false),
            ("$(date)", "$(date)", false),
            ("a$", "a$", true),
        ] {
            let word = expanded(text, &variables());
            assert_eq!(
                (word.text.as_str(), word.is_known),
                (wanted, is_known),
                "{text}"
            );
        }
    }

    #[test]
    fn a_command_has_words_and_operators() {
        let text = "mkdir -p a && \\\n# why\n  wget -O \"x y\" 'u' ; cp a>b # end\nls";
        let told: Vec<String> = tokens(text, &variables())
            .into_iter()
            .map(|token| match token {
                Token::Word(word) => word.text,
                Token::Operator(operator) => format!("[{operator}]"),
            })
            .collect();
        assert_eq!(
            told.join("|"),
            "mkdir|-p|a|[&&]|wget|-O|x y|u|[;]|cp|a|[>]|b|[;]|ls"
        );
        let pairs = words("K=\"x y\" L=$V M", &variables());
        let pairs: Vec<&str> = pairs.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(pairs, ["K=x y", "L=1.20", "M"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_or_grows(text in "[\\x09-\\x7eé]{0,80}") {
            for token in tokens(&text, &variables()) {
                if let Token::Word(word) = token {
                    proptest::prop_assert!(word.text.len() <= text.len() * 6 + 16);
                }
            }
            words(&text, &variables());
            expanded(&text, &variables());
        }
    }
}
