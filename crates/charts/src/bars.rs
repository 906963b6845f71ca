//! The bars of maps: what each measurement may be at most, and which of them it is not.

use std::fmt::Write;

use measure::{Record, Report, Role};

/// What ours may be at most, of which measurement.
pub(crate) struct Bar {
    /// The file of the records.
    pub(crate) records: &'static str,
    pub(crate) work: &'static str,
    pub(crate) size: Option<u64>,
    limit: Limit,
}

/// What ours may be at most.
#[derive(Clone, Copy)]
enum Limit {
    /// So much in the unit of the measurement.
    Value(f64),
    /// So much of the best peer.
    Peer(f64),
    /// So much of the contender of this name.
    Of(&'static str, f64),
}

const KEYS: Option<u64> = Some(100_000);
const MANY: Option<u64> = Some(1_000_000);
const WATCHERS: Option<u64> = Some(1000);
const READS: &str = "the same reads, thrown away";

const fn in_memory(work: &'static str, size: Option<u64>, limit: Limit) -> Bar {
    Bar { records: "maps", work, size, limit }
}

const fn over_etcd(work: &'static str, size: Option<u64>, limit: Limit) -> Bar {
    Bar { records: "etcd-maps", work, size, limit }
}

/// All bars.
pub(crate) const BARS: &[Bar] = &[
    in_memory("map: put, nobody waits", KEYS, Limit::Of("HashMap", 2.5)),
    in_memory("map: put, nobody waits", KEYS, Limit::Peer(0.5)),
    in_memory("map: put, all wait", WATCHERS, Limit::Of("waking alone", 1.05)),
    in_memory("map: put, all asleep", WATCHERS, Limit::Of("no watcher", 1.05)),
    in_memory("map: the longest put of new keys", MANY, Limit::Value(5.0)),
    in_memory("map: the longest put of known keys", MANY, Limit::Value(5.0)),
    in_memory("map: take one change", KEYS, Limit::Of("get of a u64", 2.0)),
    in_memory("map: take one change", KEYS, Limit::Peer(0.5)),
    in_memory("map: take 1,000,000 changes of one key", Some(1), Limit::Value(10_000.0)),
    in_memory("map: as_value, one change", KEYS, Limit::Of("rpds, its own insert", 1.3)),
    in_memory("map: take a snapshot", KEYS, Limit::Value(20.0)),
    in_memory("map: memory of a key beside its content", KEYS, Limit::Value(160.0)),
    in_memory("map: memory of a key beside its content", KEYS, Limit::Of("HashMap", 1.25)),
    in_memory("map: memory of a waiting watcher", WATCHERS, Limit::Value(64.0)),
    in_memory(
        "map: memory after 1,000,000 new keys came and went, of what it was",
        KEYS,
        Limit::Value(2.0),
    ),
    over_etcd("load a map", KEYS, Limit::Of(READS, 1.15)),
    over_etcd("load a map", KEYS, Limit::Peer(1.0)),
    over_etcd("load a map", MANY, Limit::Of(READS, 1.25)),
    over_etcd("client memory of a loaded map, a key beside its content", KEYS, Limit::Value(160.0)),
    over_etcd(
        "client memory of a loaded map, a key beside its content",
        KEYS,
        Limit::Of("HashMap", 1.25),
    ),
    over_etcd(
        "client memory at its peak while it loads, of what it is then",
        KEYS,
        Limit::Value(1.3),
    ),
    over_etcd(
        "server memory at its peak while a map is loaded",
        KEYS,
        Limit::Of("a RangeStream, thrown away", 1.1),
    ),
    over_etcd(
        "read again, nothing changed: client memory at its peak, of what it was",
        KEYS,
        Limit::Value(1.1),
    ),
    over_etcd("read again, nothing changed: changes yielded", KEYS, Limit::Value(0.0)),
    over_etcd("a map is right again, from the connection", KEYS, Limit::Of(READS, 1.1)),
    over_etcd("10,000 changes/s, CPU of the follower", KEYS, Limit::Of("raw, one read", 1.2)),
    over_etcd("a map, watches at the server", WATCHERS, Limit::Value(1.0)),
    over_etcd("put to change of a map, median", None, Limit::Peer(1.05)),
    over_etcd("put to change of a map, p99", None, Limit::Peer(1.2)),
    over_etcd("the end of a lease, until all deletes are seen", WATCHERS, Limit::Peer(1.2)),
    over_etcd("the end of a lease, in batches", WATCHERS, Limit::Value(1.0)),
];

impl Bar {
    /// A line that says by how much the bar is missed; `None` if it is kept.
    pub(crate) fn missed(&self, report: &Report) -> Result<Option<String>, String> {
        let of_work = |record: &&Record| record.work == self.work && record.size == self.size;
        let records: Vec<&Record> = report.records().iter().filter(of_work).collect();
        let lacks = |what: &str| format!("{}: {}: no record of {what}", self.records, self.work);
        let ours = records.iter().find(|record| record.role == Role::Ours);
        let ours = ours.ok_or_else(|| lacks("ours"))?;
        let size = self.size.map_or(String::new(), |size| format!(" ({size})"));
        let line = format!("- *{}{size}*: ", self.work);
        let (other, limit) = match self.limit {
            Limit::Value(limit) if ours.value <= limit => return Ok(None),
            Limit::Value(limit) => {
                let value = format!("{:.2} {}", ours.value, ours.unit);
                return Ok(Some(format!("{line}{}; the bar is {limit}", value.trim_end())));
            }
            Limit::Peer(limit) => {
                let peers = records.iter().filter(|record| record.role == Role::Peer);
                let best = peers.min_by(|a, b| a.value.total_cmp(&b.value));
                (best.ok_or_else(|| lacks("a peer"))?, limit)
            }
            Limit::Of(who, limit) => {
                let of_who = records.iter().find(|record| record.who == who);
                (of_who.ok_or_else(|| lacks(who))?, limit)
            }
        };
        let ratio = ours.value / other.value;
        let text = format!("{line}{ratio:.2} of {}; the bar is {limit}", other.who);
        Ok((ratio > limit).then_some(text))
    }
}

/// How many bars are kept, and the others as a list.
pub(crate) fn list(missed: &[String]) -> String {
    let kept = BARS.len() - missed.len();
    let mut list = format!("{kept} of {} bars are kept.", BARS.len());
    if !missed.is_empty() {
        list.push_str(" These are missed:");
    }
    list.push('\n');
    for line in missed {
        let _ = writeln!(list, "{line}"); // a string takes all
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(values: &[(&str, Role, f64)]) -> Report {
        let mut report = Report::new();
        for &(who, role, value) in values {
            let (work, who, unit) = ("put".to_owned(), who.to_owned(), "ns".to_owned());
            report.add(Record { work, size: None, who, role, value, unit });
        }
        report
    }

    fn missed(limit: Limit, values: &[(&str, Role, f64)]) -> Option<String> {
        in_memory("put", None, limit).missed(&report(values)).unwrap()
    }

    #[test]
    fn a_bar_is_missed_if_ours_takes_more() {
        let values =
            [("ours", Role::Ours, 10.0), ("quick", Role::Peer, 8.0), ("slow", Role::Peer, 20.0)];
        assert_eq!(missed(Limit::Value(10.0), &values), None);
        assert_eq!(missed(Limit::Peer(1.25), &values), None);
        assert_eq!(missed(Limit::Of("slow", 0.5), &values), None);
        let line = missed(Limit::Value(9.0), &values).unwrap();
        assert_eq!(line, "- *put*: 10.00 ns; the bar is 9");
        let line = missed(Limit::Peer(1.2), &values).unwrap();
        assert_eq!(line, "- *put*: 1.25 of quick; the bar is 1.2");
        let line = missed(Limit::Of("slow", 0.4), &values).unwrap();
        assert_eq!(line, "- *put*: 0.50 of slow; the bar is 0.4");
    }

    #[test]
    fn a_bar_without_its_records_is_an_error() {
        let bar = in_memory("put", None, Limit::Peer(1.0));
        assert!(bar.missed(&report(&[])).is_err());
        assert!(bar.missed(&report(&[("ours", Role::Ours, 1.0)])).is_err());
    }
}
