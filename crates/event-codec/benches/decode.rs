//! Compares the decoders with the libraries below them, on configurations of about 1 kB and 100 kB:
//! `cargo bench -p event-codec`.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use event_codec::{Json, Protobuf};
use event_core::{Bytes, Decoder};
use measure::{Record, Report, Role, rounds};
use prost::Message;
use serde::{Deserialize, Serialize};

/// A service's configuration. A larger one has more routes.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
struct Config {
    #[prost(string, tag = "1")]
    service: String,
    #[prost(bool, tag = "2")]
    enabled: bool,
    #[prost(uint32, tag = "3")]
    max_connections: u32,
    #[prost(double, tag = "4")]
    sampling: f64,
    #[prost(string, repeated, tag = "5")]
    hosts: Vec<String>,
    #[prost(map = "string, int64", tag = "6")]
    limits: HashMap<String, i64>,
    #[prost(message, repeated, tag = "7")]
    routes: Vec<Route>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
struct Route {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    timeout_ms: u64,
    #[prost(double, tag = "3")]
    weight: f64,
    #[prost(uint32, repeated, tag = "4")]
    ports: Vec<u32>,
    #[prost(map = "string, string", tag = "5")]
    labels: HashMap<String, String>,
}

const ROUNDS: usize = 301;
/// How many bytes a round decodes. The clock can't measure a much shorter round.
const BYTES: usize = 400_000;

fn main() -> std::io::Result<()> {
    let mut report = Report::new();
    for size in [1000, 100_000] {
        let json = |config: &Config| serde_json::to_vec(config).expect("a configuration is JSON");
        let document = Bytes::from(json(&of_size(size, |config| json(config).len())));
        let decoder = Json::<Config>::new();
        measure(
            &mut report,
            "JSON",
            &document,
            ("serde_json", || serde_json::from_slice::<Config>(&document).expect("it is JSON")),
            || decoder.decode(&document).expect("it is JSON"),
        );
        let message = Bytes::from(of_size(size, Config::encoded_len).encode_to_vec());
        let decoder = Protobuf::<Config>::new();
        measure(
            &mut report,
            "protobuf",
            &message,
            ("prost", || Config::decode(message.clone()).expect("it is a message")),
            || decoder.decode(&message).expect("it is a message"),
        );
    }
    report.finish("codec", true)
}

fn measure(
    report: &mut Report,
    format: &str,
    bytes: &Bytes,
    (library, plain): (&str, impl Fn() -> Config),
    ours: impl Fn() -> Config,
) {
    assert_eq!(plain(), ours());
    let mut plain = || time(bytes.len(), &plain);
    let mut ours = || time(bytes.len(), &ours);
    let taken = rounds(ROUNDS, &mut [&mut plain, &mut ours]);
    for (value, who, role) in
        [(taken[0], library, Role::Floor), (taken[1], "event-codec", Role::Ours)]
    {
        report.add(Record {
            work: format!("decode {format}, bytes"),
            size: Some(bytes.len() as u64),
            who: who.to_owned(),
            role,
            value,
            unit: "ns".to_owned(),
        });
    }
}

/// The time of one call, in nanoseconds.
fn time(bytes: usize, decode: impl Fn() -> Config) -> f64 {
    let times = u32::try_from(BYTES / bytes).unwrap_or(1).max(1);
    let start = Instant::now();
    for _ in 0..times {
        black_box(decode());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
}

/// A configuration with enough routes to reach `size` bytes.
fn of_size(size: usize, measured: impl Fn(&Config) -> usize) -> Config {
    let names = ["requests", "bytes", "open_files", "queue"];
    let mut config = Config {
        service: "payments".to_owned(),
        enabled: true,
        max_connections: 1000,
        sampling: 0.125,
        hosts: (1..=4).map(|host| format!("payments-{host}.internal:8443")).collect(),
        limits: names.iter().zip(1..).map(|(name, n)| ((*name).to_owned(), n * 65_536)).collect(),
        routes: Vec::new(),
    };
    while measured(&config) < size {
        let at = u32::try_from(config.routes.len()).expect("a count");
        config.routes.push(Route {
            path: format!("/v2/accounts/{at}/transfers"),
            timeout_ms: 250 + u64::from(at),
            weight: f64::from(at % 7) * 0.25,
            ports: vec![8080, 8443, 9000 + at % 500],
            labels: [("team", "ledger"), ("region", "eu-central-1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        });
    }
    config
}
