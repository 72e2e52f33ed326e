//! Lines of pg_hba.conf that let in more than they should, and the lines to write instead.

use super::finding::{by_hand, Code, Finding};
use super::store::HbaRule;
use std::net::IpAddr;

/// The file: where it is and what stands in it.
pub struct File {
    /// Its path.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether the caller may be shown lines of it.
    pub shown: bool,
}

/// Every finding on every line.
pub fn findings(rules: &[HbaRule], file: &File) -> Vec<Finding> {
    rules.iter().flat_map(|rule| of_line(rule, file)).collect()
}

fn of_line(rule: &HbaRule, file: &File) -> Vec<Finding> {
    let object = format!("line {} of pg_hba.conf", rule.line);
    let (Some(kind), Some(method)) = (&rule.kind, &rule.method) else {
        let why = rule.error.as_deref().unwrap_or("it is not understood");
        let sentence = match file.shown {
            true => {
                format!("The server cannot read it, and so takes nothing of the whole file: {why}.")
            }
            false => {
                "The server cannot read it, and so takes nothing of the whole file.".to_owned()
            }
        };
        let remedy = format!(
            "{}SELECT pg_catalog.pg_reload_conf();",
            by_hand(&format!(
                "Line {} of {} goes, or is put right.",
                rule.line, file.path
            ))
        );
        return vec![Finding::new(Code::HbaError, object, sentence, remedy)];
    };
    let faults = faults(rule, kind, method);
    if faults.is_empty() {
        return Vec::new();
    }
    let remedy = format!(
        "{}SELECT pg_catalog.pg_reload_conf();",
        by_hand(&instead(rule, kind, method, file))
    );
    faults
        .into_iter()
        .map(|(code, sentence)| Finding::new(code, object.clone(), sentence, remedy.clone()))
        .collect()
}

/// Where the clients of a line are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// On this machine.
    Here,
    /// Somewhere that the line names.
    Elsewhere,
    /// Anywhere.
    Everywhere,
}

fn reach(rule: &HbaRule) -> Reach {
    let Some(address) = rule.address.as_deref() else {
        return Reach::Here;
    };
    let mask: Option<IpAddr> = rule.netmask.as_deref().and_then(|m| m.parse().ok());
    match (address, address.parse::<IpAddr>()) {
        ("samehost", _) => Reach::Here,
        ("all", _) => Reach::Everywhere,
        (_, Ok(_)) if mask.is_some_and(|m| m.is_unspecified()) => Reach::Everywhere,
        (_, Ok(IpAddr::V4(ip))) if ip.is_loopback() && mask.is_some_and(|m| wide(m) >= 8) => {
            Reach::Here
        }
        (_, Ok(IpAddr::V6(ip))) if ip.is_loopback() && mask.is_some_and(|m| wide(m) == 128) => {
            Reach::Here
        }
        _ => Reach::Elsewhere,
    }
}

/// The bits of a netmask.
fn wide(mask: IpAddr) -> u32 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    }
}

/// What is wrong with a line.
fn faults(rule: &HbaRule, kind: &str, method: &str) -> Vec<(Code, String)> {
    if method == "reject" {
        return Vec::new();
    }
    let reach = reach(rule);
    let mut found = Vec::new();
    match method {
        "trust" | "ident" => found.push((
            Code::HbaTrust,
            "It takes anybody's word for who they are.".to_owned(),
        )),
        "password" => found.push((
            Code::HbaPassword,
            "It has the client send its password as it is.".to_owned(),
        )),
        "md5" => found.push((
            Code::HbaMd5,
            "It takes MD5 digests, which can be used as they are.".to_owned(),
        )),
        _ => {}
    }
    if reach == Reach::Everywhere {
        found.push((
            Code::HbaAllAddresses,
            "It lets in clients from any address.".to_owned(),
        ));
    }
    if reach != Reach::Here && !is_encrypted(kind) {
        found.push((
            Code::HbaNoTls,
            "It lets in clients of other machines without TLS.".to_owned(),
        ));
    }
    found
}

fn is_encrypted(kind: &str) -> bool {
    matches!(kind, "hostssl" | "hostgssenc")
}

/// What the type, the address and the method become.
fn better(rule: &HbaRule, kind: &str, method: &str) -> (String, Option<&'static str>, String) {
    let reach = reach(rule);
    let new_kind = match reach != Reach::Here && !is_encrypted(kind) {
        true => "hostssl",
        false => kind,
    };
    let new_method = match method {
        "trust" if kind == "local" => "peer",
        "trust" | "ident" | "password" | "md5" => "scram-sha-256",
        other => other,
    };
    let new_address = (reach == Reach::Everywhere).then_some("samenet");
    (new_kind.to_owned(), new_address, new_method.to_owned())
}

/// What to write, in words that tell what to change: the whole line where it may be shown and holds nothing
/// but the rule. Options may be secrets, so a line that has some is not repeated.
fn instead(rule: &HbaRule, kind: &str, method: &str, file: &File) -> String {
    let (new_kind, new_address, new_method) = better(rule, kind, method);
    let whole = logical_line(&file.text, rule.line).filter(|_| file.shown);
    if let Some(line) =
        whole.and_then(|line| rewritten(&line, kind, method, &new_kind, new_address, &new_method))
    {
        return format!("Line {} of {} becomes:\n{line}", rule.line, file.path);
    }
    let mut changes = Vec::new();
    if new_kind != kind {
        changes.push(format!("{new_kind} for {kind}"));
    }
    if let Some(address) = new_address {
        changes.push(format!("{address} for the address"));
    }
    if new_method != method {
        changes.push(format!("{new_method} for {method}"));
    }
    format!(
        "In line {} of {} write {}.",
        rule.line,
        file.path,
        changes.join(", ")
    )
}

/// A line of the file with those that continue it.
fn logical_line(text: &str, number: i32) -> Option<String> {
    let mut lines = text
        .lines()
        .skip(usize::try_from(number).ok()?.checked_sub(1)?);
    let mut whole = String::new();
    loop {
        let line = lines.next()?;
        match line.strip_suffix('\\') {
            Some(more) => whole.push_str(more),
            None => {
                whole.push_str(line);
                return Some(whole);
            }
        }
    }
}

/// The line with its type, address and method changed and every name as it was written; nothing where it is
/// not the line that the server spoke of, or holds more.
fn rewritten(
    line: &str,
    kind: &str,
    method: &str,
    new_kind: &str,
    address: Option<&str>,
    new_method: &str,
) -> Option<String> {
    let fields = fields(line);
    // type, database, user; where it comes over the network, an address and perhaps a mask; method.
    let addresses = fields.len().checked_sub(4)?;
    let local = kind == "local";
    if fields.first()? != kind
        || fields.last()? != method
        || addresses > 2
        || (addresses == 0) != local
    {
        return None;
    }
    let mut out = vec![new_kind.to_owned(), fields[1].clone(), fields[2].clone()];
    match address {
        Some(new) => out.push(new.to_owned()),
        None => out.extend_from_slice(&fields[3..3 + addresses]),
    }
    out.push(new_method.to_owned());
    Some(out.join(" "))
}

/// The fields of a line as they are written, quotes kept: separated by blanks, and a comma holds the next one
/// (hba.c: next_token, next_field_expand).
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::<String>::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '#' if !quoted => break,
            ' ' | '\t' | '\r' if !quoted => {
                if !field.is_empty() && !field.ends_with(',') {
                    fields.push(std::mem::take(&mut field));
                }
            }
            _ => {
                quoted ^= c == '"';
                field.push(c);
            }
        }
    }
    if !field.is_empty() {
        fields.push(field);
    }
    fields
}

#[cfg(test)]
mod tests;
