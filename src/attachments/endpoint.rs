//! Endpoints: the named hosts and ports that URLs lead to.

use super::store;
use crate::core::app;
use crate::core::url::{check_sslmode, Endpoint};
use crate::error::{shown, Error, Kind, Result};
use crate::pg::lock;
use crate::settings;
use std::net::Ipv6Addr;

/// The endpoint that is always there.
pub const LEADER: &str = "leader";

/// The longest host: a name in DNS has 253 characters (RFC 1035), an address or a directory fits as well.
const LONGEST_HOST: usize = 253;

/// One endpoint by name; `leader` is what the settings say until it is set.
///
/// # Errors
/// `Kind::NotFound`; `Kind::BadArgument` where the setting `credential_manager.sslmode` is not one of libpq's words.
pub fn find(name: &str) -> Result<Endpoint> {
    match store::endpoint(name)? {
        Some(endpoint) => Ok(endpoint),
        None if name == LEADER => by_settings(),
        None => Err(unknown(name)),
    }
}

/// Every endpoint with its name, leader first.
pub fn all() -> Result<Vec<(String, Endpoint)>> {
    let mut all = store::endpoints()?;
    match all.iter().position(|(name, _)| name == LEADER) {
        Some(place) => all[..=place].rotate_right(1),
        None => all.insert(0, (LEADER.to_owned(), by_settings()?)),
    }
    Ok(all)
}

/// Makes an endpoint or changes it; tells whether it was another before.
///
/// # Errors
/// `Kind::BadName`; `Kind::BadArgument` for a host, a port (1 to 65535) or an sslmode that is none.
pub fn set(name: &str, host: &str, port: i32, sslmode: &str) -> Result<(Endpoint, bool)> {
    app::check_endpoint(name)?;
    check_host(host)?;
    let port = u16::try_from(port)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| {
            Kind::BadArgument
                .error(format!("port {port} is out of range"))
                .hint("Use 1 to 65535.")
        })?;
    check_sslmode(sslmode)?;
    let wanted = Endpoint {
        host: Some(host.to_owned()),
        port,
        sslmode: sslmode.to_owned(),
    };
    lock::endpoint_exclusively(name)?;
    let is_new = store::endpoint(name)?.as_ref() != Some(&wanted);
    if is_new {
        store::set_endpoint(name, &wanted)?;
    }
    Ok((wanted, is_new))
}

/// Forgets an endpoint that no attachment uses, and gives what it was. Leader is not gone then: URLs that lead there
/// go back to what the settings say, where these have a host.
///
/// # Errors
/// `Kind::NotFound`; `Kind::InUse` with the attachments.
pub fn drop(name: &str) -> Result<Endpoint> {
    lock::endpoint_exclusively(name)?;
    let there = store::endpoint(name)?.ok_or_else(|| match name {
        LEADER => Kind::NotFound
            .error("endpoint \"leader\" is not set")
            .detail("It is what the settings credential_manager.host, port and sslmode say."),
        _ => unknown(name),
    })?;
    let goes_on = name == LEADER && by_settings()?.host.is_some();
    let users: Vec<String> = super::all()?
        .iter()
        .filter(|a| a.endpoint == name && !goes_on)
        .map(super::Attachment::word)
        .collect();
    let Some(first) = users.first() else {
        store::drop_endpoint(name)?;
        return Ok(there);
    };
    let more = match users.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Err(Kind::InUse
        .error(format!("endpoint \"{}\" is in use", shown(name)))
        .detail(format!("URLs lead there: {first}{more}."))
        .hint("SELECT * FROM credentials.attachments();"))
}

fn by_settings() -> Result<Endpoint> {
    check_sslmode(&settings::sslmode())?;
    Ok(Endpoint {
        host: settings::host(),
        port: settings::port(),
        sslmode: settings::sslmode(),
    })
}

/// A name, an address or a directory: nothing that one client takes for a list of hosts and another for one.
fn check_host(host: &str) -> Result<()> {
    if (1..=LONGEST_HOST).contains(&host.len())
        && (is_place(host) || is_address(host) || is_name(host))
    {
        return Ok(());
    }
    Err(Kind::BadArgument
        .error(format!("host \"{}\" is none", shown(host)))
        .detail("It is one name, address or directory of a socket, without a port: 1 to 253 letters, digits, . _ -; colons in an IPv6 address alone; / first in a directory.")
        .hint("SELECT * FROM credentials.set_endpoint('leader', 'db.example.com', 5432);"))
}

/// A name in DNS, or an IPv4 address.
fn is_name(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    host.bytes().all(plain) && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// An IPv6 address, with the interface that it is on where it is a local one (RFC 4007): `fe80::1%eth0`.
fn is_address(host: &str) -> bool {
    let (address, interface) = host.split_once('%').unwrap_or((host, "eth0"));
    address.parse::<Ipv6Addr>().is_ok() && is_name(interface)
}

/// The directory of a socket, or the name of an abstract one.
fn is_place(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:/%@".contains(&b);
    host.starts_with(['/', '@']) && host.len() > 1 && host.bytes().all(plain)
}

/// The error for an endpoint that is not there.
pub fn unknown(name: &str) -> Error {
    Kind::NotFound
        .error(format!("endpoint \"{}\" does not exist", shown(name)))
        .hint("SELECT * FROM credentials.endpoints();")
}
