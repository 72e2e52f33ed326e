//! How far streaming standbys have come with the write-ahead log of this server.

use super::spi;
use crate::error::Result;
use pgrx::pg_sys;

/// Where the record of this process's last commit ends, as the text of a `pg_lsn`; nothing where it has
/// committed nothing that was written to the log.
///
/// The end of a record, not the place where the next one will be: past a page's edge the two differ, and a
/// standby that has nothing left to replay would never come to the latter.
pub fn last_commit_end() -> Option<String> {
    // SAFETY: a plain global of this process (xlog.h).
    let end = unsafe { pg_sys::XactLastCommitEnd };
    (end != 0).then(|| shown(end))
}

/// Up to where this standby has replayed the log; a number that grows.
pub fn replayed() -> u64 {
    // SAFETY: reads shared memory; the time line is not asked for.
    unsafe { pg_sys::GetXLogReplayRecPtr(std::ptr::null_mut()) }
}

/// A position as the server writes it.
fn shown(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & 0xFFFF_FFFF)
}

/// Whether every streaming physical standby has replayed the log up to `position`.
///
/// A logical subscriber (its WAL sender is connected to a database), pg_receivewal and pg_basebackup (they
/// replay nothing, and say so) let nobody log in, so they are not waited for. A standby tells how far it
/// is when it gets more of the log, and else each `wal_receiver_status_interval`: whoever waits here
/// should commit something now and then.
pub fn is_replayed(position: &str) -> Result<bool> {
    let behind = spi::number(
        "SELECT pg_catalog.count(*)
           FROM pg_catalog.pg_stat_get_wal_senders() w
           JOIN pg_catalog.pg_stat_get_activity(NULL::pg_catalog.int4) a ON a.pid OPERATOR(pg_catalog.=) w.pid
          WHERE a.datid IS NULL
            AND w.state OPERATOR(pg_catalog.=) ANY (ARRAY['streaming', 'catchup'])
            AND w.replay_lsn OPERATOR(pg_catalog.<) $1::pg_catalog.pg_lsn",
        &[position.into()],
    )?;
    Ok(behind == 0)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_position_is_written_as_the_server_writes_it() {
        assert_eq!(shown(0x0000_0001_0000_0ABC), "1/ABC");
        assert_eq!(shown(0x1600_0000), "0/16000000");
    }
}
