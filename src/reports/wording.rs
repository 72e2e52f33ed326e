//! What a caller calls an object: `shop.orders`, `shop.total(integer)`, `schema shop`.

/// A kind that a caller said before the name, in the words of GRANT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Tables and views of every kind.
    Table,
    /// Sequences.
    Sequence,
    /// Functions, procedures, aggregates.
    Routine,
    /// Schemas.
    Schema,
    /// Databases.
    Database,
}

/// What a caller wrote, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The kind, where it was said.
    pub word: Option<Word>,
    /// The name with what qualifies it, without quotes.
    pub name: Vec<String>,
    /// The types of a routine's arguments, where they were given.
    pub arguments: Option<Vec<String>>,
}

/// No object's name with a schema and a few types of arguments is longer; what is, is not looked for.
const LONGEST: usize = 4096;

/// Takes apart what a caller wrote; nothing where it names no object.
pub fn parse(text: &str) -> Option<Wording> {
    if text.len() > LONGEST {
        return None;
    }
    let (word, rest) = leading_word(text.trim());
    let mut reader = Reader(rest);
    let mut name = vec![reader.identifier()?];
    while reader.take('.') {
        name.push(reader.identifier()?);
    }
    let arguments = if reader.take('(') {
        Some(list(reader.0.trim_end().strip_suffix(')')?)?)
    } else if reader.0.is_empty() {
        None
    } else {
        return None;
    };
    Some(Wording {
        word,
        name,
        arguments,
    })
}

/// The kind before the name, and what comes after it. `table.x` is a name: a kind is followed by a space
/// and a name.
fn leading_word(text: &str) -> (Option<Word>, &str) {
    const WORDS: [(&str, Word); 8] = [
        ("table", Word::Table),
        ("view", Word::Table),
        ("sequence", Word::Sequence),
        ("function", Word::Routine),
        ("procedure", Word::Routine),
        ("routine", Word::Routine),
        ("schema", Word::Schema),
        ("database", Word::Database),
    ];
    let Some((first, rest)) = text.split_once(|c: char| c.is_ascii_whitespace()) else {
        return (None, text);
    };
    let rest = rest.trim_start();
    let known = WORDS.iter().find(|(w, _)| w.eq_ignore_ascii_case(first));
    match known {
        Some((_, word)) if !rest.starts_with(['.', '(']) => (Some(*word), rest),
        _ => (None, text),
    }
}

/// Reads identifiers as SQL does.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    /// An identifier, with the spaces around it: in quotes as it is, without in lower case.
    fn identifier(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        let (name, rest) = match text.strip_prefix('"') {
            Some(quoted) => in_quotes(quoted)?,
            None => {
                let of_name =
                    |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
                let end = text.find(|c| !of_name(c)).unwrap_or(text.len());
                let (name, rest) = text.split_at(end);
                if name.starts_with(|c: char| c.is_ascii_digit() || c == '$') {
                    return None;
                }
                (name.to_ascii_lowercase(), rest)
            }
        };
        self.0 = rest.trim_start();
        (!name.is_empty()).then_some(name)
    }

    fn take(&mut self, sign: char) -> bool {
        let rest = self.0.strip_prefix(sign);
        if let Some(rest) = rest {
            self.0 = rest;
        }
        rest.is_some()
    }
}

/// What stands before the closing quote, where two stand for one, and what comes after it.
fn in_quotes(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (piece, after) = rest.split_once('"')?;
        name.push_str(piece);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

/// The pieces between commas that are in no quotes and no parentheses.
fn list(text: &str) -> Option<Vec<String>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut pieces = vec![String::new()];
    let (mut depth, mut quoted) = (0_i32, false);
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth < 0 {
            return None;
        }
        pieces.last_mut()?.push(character);
    }
    let whole = depth == 0 && !quoted && pieces.iter().all(|p| !p.trim().is_empty());
    whole.then(|| pieces.iter().map(|p| p.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Option<(Option<Word>, String, Option<String>)> {
        let wording = parse(text)?;
        let arguments = wording.arguments.map(|a| a.join(";"));
        Some((wording.word, wording.name.join("|"), arguments))
    }

    #[test]
    fn names_are_read_as_sql_reads_them() {
        let name = |text| names(text).map(|(_, name, _)| name);
        assert_eq!(name("Shop.Orders").as_deref(), Some("shop|orders"));
        assert_eq!(
            name(" \"Shop\" . \"a.b\"\"c\" ").as_deref(),
            Some("Shop|a.b\"c")
        );
        assert_eq!(name("größe.x$1").as_deref(), Some("größe|x$1"));
        assert_eq!(name("\"\n\".\"'; DROP\"").as_deref(), Some("\n|'; DROP"));
        for not_a_name in [
            "", ".", "a.", ".a", "a..b", "\"a", "\"\"", "a b", "a;b", "1a", "a.(", "a(", "a)",
            "'a'", "a--b",
        ] {
            assert_eq!(name(not_a_name), None, "{not_a_name}");
        }
        assert_eq!(name(&"x".repeat(5000)), None);
    }

    #[test]
    fn a_kind_may_be_said_first_and_is_a_name_where_no_name_follows() {
        let word = |text| names(text).map(|(word, name, _)| (word, name));
        let said = |word, name: &str| Some((Some(word), name.to_owned()));
        assert_eq!(word("SCHEMA shop"), said(Word::Schema, "shop"));
        assert_eq!(word("table\n shop.x"), said(Word::Table, "shop|x"));
        assert_eq!(word("schema"), Some((None, "schema".to_owned())));
        assert_eq!(word("table . x"), Some((None, "table|x".to_owned())));
        assert_eq!(word("\"schema\".x"), Some((None, "schema|x".to_owned())));
        assert_eq!(word("user x"), None);
    }

    #[test]
    fn arguments_are_told_apart_by_commas_that_stand_free() {
        let arguments = |text| names(text).and_then(|(_, _, arguments)| arguments);
        assert_eq!(arguments("f()").as_deref(), Some(""));
        assert_eq!(
            arguments("s.f (int, numeric(10, 2), \"a,)\".t [])").as_deref(),
            Some("int;numeric(10, 2);\"a,)\".t []")
        );
        for broken in ["f(,)", "f(a,)", "f(a))", "f(a)(b", "f(\"a)"] {
            assert_eq!(names(broken), None, "{broken}");
        }
    }
}
