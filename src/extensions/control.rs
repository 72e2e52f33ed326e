//! What a control file says of where its scripts are.
//!
//! The server reads the file as it reads postgresql.conf; the lines that matter here are found in the
//! same way, and what cannot be read with certainty is not taken.

/// Why the scripts of a control file are not, or not for certain, in the server's own folder.
pub fn strays(text: &[u8]) -> Option<&'static str> {
    text.split(|byte| *byte == b'\n').find_map(line_strays)
}

fn line_strays(line: &[u8]) -> Option<&'static str> {
    let line = line.trim_ascii();
    let end = line
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
    let (word, rest) = line.split_at(end.unwrap_or(line.len()));
    let word = word.to_ascii_lowercase();
    if word.starts_with(b"include") {
        return Some("includes another file");
    }
    if word == b"directory" && !is_inside(rest) {
        return Some("names a directory of scripts outside the server's own");
    }
    None
}

/// Whether the rest of a line, `= 'value'`, is a plain path below the server's folder of shared files.
fn is_inside(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start();
    let value = match rest.strip_prefix(b"'") {
        Some(quoted) => match quoted.iter().position(|byte| *byte == b'\'') {
            Some(end) => &quoted[..end],
            None => return false,
        },
        None => rest
            .split(|byte| byte.is_ascii_whitespace() || *byte == b'#')
            .next()
            .unwrap_or_default(),
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./".contains(byte);
    !value.is_empty()
        && value.iter().all(is_plain)
        && !value.starts_with(b"/")
        && value.split(|byte| *byte == b'/').all(|part| part != b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_control_file_and_a_folder_below_the_servers_own_are_taken() {
        for text in [
            "",
            "comment = 'a'\ndefault_version = '1.0'\nrelocatable = true\n",
            "directory = 'extension'",
            "directory 'contrib/postgis-3.3'\n",
            "  directory=postgis # the usual place",
            "# directory = '/tmp'",
            "comment = 'its directory = /tmp'",
            "directory_of_nothing = '/tmp'",
        ] {
            assert_eq!(strays(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn scripts_from_elsewhere_and_what_cannot_be_read_for_certain_are_not() {
        for text in [
            "directory = '/tmp/evil'",
            "comment = 'a'\n\tdirectory = '/tmp'\n",
            "directory = '../../tmp'",
            "directory = 'extension/../../tmp'",
            "DIRECTORY = '/tmp'",
            "directory = ''",
            "directory",
            "directory = 'extension",
            "directory = '\\057tmp'",
            "directory = '''/tmp'",
            "directory = /tmp",
            "include '/tmp/evil.control'",
            "Include_If_Exists = '/tmp/x'",
            "include_dir '/tmp'",
            "directory\u{a0}= '/tmp'",
        ] {
            assert!(strays(text.as_bytes()).is_some(), "{text}");
        }
    }
}
