//! Names and texts as a person can paste them into a statement.
//!
//! The house itself runs no statement that was put together from text: objects go by OID, values as
//! parameters. What stands here is for statements that are *shown*, as a remedy or a step of a plan,
//! and somebody will run them as they are printed. A name may be anything that fits into 63 bytes.

/// Words that cannot stand for a name without quotes: every keyword of PostgreSQL 15 to 18 but the
/// unreserved ones. In byte order, to be searched by halves.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce",
    "collate", "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog",
    "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user",
    "dec", "decimal", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists",
    "extract", "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant", "greatest",
    "group", "grouping", "having", "ilike", "in", "initially", "inner", "inout", "int", "integer", "intersect",
    "interval", "into", "is", "isnull", "join", "json", "json_array", "json_arrayagg", "json_exists",
    "json_object", "json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table", "json_value",
    "lateral", "leading", "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action",
    "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric",
    "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position",
    "precision", "primary", "real", "references", "returning", "right", "row", "select", "session_user",
    "setof", "similar", "smallint", "some", "substring", "symmetric", "system_user", "table", "tablesample",
    "then", "time", "timestamp", "to", "trailing", "treat", "trim", "true", "union", "unique", "user", "using",
    "values", "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat",
    "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize",
    "xmltable",
];

/// An identifier, in double quotes unless it is one plain word, as `quote_ident` writes it.
pub fn ident(name: &str) -> String {
    if is_plain(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An object's name with its schema.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// A text constant, as `quote_literal` writes it: one with a backslash is an escape string, so that it
/// says the same whatever `standard_conforming_strings` is.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        return format!("E'{}'", doubled.replace('\\', "\\\\"));
    }
    format!("'{doubled}'")
}

/// Whether a name is read back as itself without quotes.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && KEYWORDS.binary_search(&name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Takes off the quotes again, as the server's scanner does.
    fn unquoted(text: &str, quote: char) -> Option<String> {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        let twice = [quote, quote].iter().collect::<String>();
        // What is left once the pairs are gone would end the name early.
        (!inner.replace(&twice, "").contains(quote))
            .then(|| inner.replace(&twice, &quote.to_string()))
    }

    #[test]
    fn a_plain_word_stands_as_it_is_and_everything_else_in_quotes() {
        for plain in ["a", "_x", "app_shop2", "name", "text"] {
            assert_eq!(ident(plain), plain);
        }
        for (odd, quoted) in [
            ("", "\"\""),
            ("Shop", "\"Shop\""),
            ("2x", "\"2x\""),
            ("a$b", "\"a$b\""),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("é", "\"é\""),
            ("select", "\"select\""),
            ("user", "\"user\""),
        ] {
            assert_eq!(ident(odd), quoted);
        }
        assert_eq!(qualified("shop", "Order"), "shop.\"Order\"");
    }

    #[test]
    fn a_literal_ends_where_its_text_ends() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(literal(""), "''");
    }

    #[test]
    fn the_keywords_are_in_the_order_that_they_are_searched_in() {
        assert!(KEYWORDS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    proptest! {
        #[test]
        fn any_name_reads_back_as_itself(name in "\\PC{0,40}|[a-z\"'\\\\\n]{0,20}") {
            let text = ident(&name);
            let back = if text.starts_with('"') { unquoted(&text, '"') } else { Some(text) };
            prop_assert_eq!(back, Some(name));
        }

        #[test]
        fn any_text_reads_back_as_itself(name in "\\PC{0,40}|[a-z\"'\\\\\n]{0,20}") {
            let text = literal(&name);
            let back = match text.strip_prefix('E') {
                Some(escaped) => unquoted(escaped, '\'').map(|t| t.replace("\\\\", "\\")),
                None => unquoted(&text, '\''),
            };
            prop_assert_eq!(back, Some(name));
        }
    }
}
