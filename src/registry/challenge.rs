//! `WWW-Authenticate`: what a server wants to see (RFC 9110 §11.6.1).

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `basic`, `bearer`, …, in lower case.
    pub scheme: String,
    /// Its parameters, names in lower case.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads the value of one header, which may hold several challenges. What
/// cannot be understood is left out: another challenge may still do.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            // A stray `=` or quotation mark.
            let Some(stray) = rest.chars().next() else {
                return found;
            };
            rest = &rest[stray.len_utf8()..];
            continue;
        }
        let spaced = after.trim_start_matches([' ', '\t']);
        match spaced.strip_prefix('=') {
            Some(value) => {
                let (value, after) = parameter(value.trim_start_matches([' ', '\t']));
                rest = after;
                // `Negotiate abc==` has no parameter, but a bare token.
                if !value.starts_with('=')
                    && let Some(challenge) = found.last_mut()
                {
                    challenge
                        .parameters
                        .push((word.to_ascii_lowercase(), value));
                }
            }
            None => {
                found.push(Challenge {
                    scheme: word.to_ascii_lowercase(),
                    parameters: Vec::new(),
                });
                rest = after;
            }
        }
    }
}

/// A parameter's value, quoted or bare, and what follows it.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_string(), &text[end..]);
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn docker_hubs_challenge() {
        let found = parse(
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].scheme, "bearer");
        assert_eq!(found[0].get("realm"), Some("https://auth.docker.io/token"));
        assert_eq!(found[0].get("scope"), Some("repository:a/b:pull,push"));
    }

    #[test]
    fn several_challenges_bare_values_and_odd_spacing() {
        let found = parse(
            r#"Negotiate YWJj==, BASIC Realm = "a \"b\", c" , bearer service=x,realm=https://y/z"#,
        );
        let schemes: Vec<_> = found.iter().map(|c| c.scheme.as_str()).collect();
        assert!(
            schemes.contains(&"basic") && schemes.contains(&"bearer"),
            "{found:?}"
        );
        let basic = found.iter().find(|c| c.scheme == "basic").unwrap();
        assert_eq!(basic.get("realm"), Some(r#"a "b", c"#));
        let bearer = found.iter().find(|c| c.scheme == "bearer").unwrap();
        assert_eq!(bearer.get("realm"), Some("https://y/z"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC*") {
            parse(&text);
        }

        #[test]
        fn what_is_quoted_comes_back(value in "[ -~]*", scheme in "[A-Za-z]{1,8}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let found = parse(&format!("{scheme} realm=\"{quoted}\", other=1"));
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].get("realm"), Some(value.as_str()));
            prop_assert_eq!(found[0].get("other"), Some("1"));
        }
    }
}
