//! The command line, as `cargo xtask compat` writes it.

use std::{path::PathBuf, time::Duration};

use etcd_harness::{Binary, ServiceKind};

use crate::set_up::{Kind, SetUp};

/// How long a check takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long nothing is written.
    pub(crate) idle: Duration,
    /// How many keys are watched at once.
    pub(crate) keys: usize,
    /// How many keys the map has.
    pub(crate) map_keys: usize,
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) pace: Pace,
    pub(crate) page: Option<PathBuf>,
    /// What can't be checked here, and why.
    pub(crate) missing: Vec<(String, String)>,
    etcds: Vec<Binary>,
    programs: Vec<(String, PathBuf)>,
    /// Only set-ups whose name has all of these words.
    only: Vec<String>,
}

impl Arguments {
    /// Parses `[--quick] [--page FILE] [--etcd FILE]… [--program NAME=FILE]… [--missing NAME=WHY]… [WORD]…`.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            pace: Pace { idle: Duration::from_secs(30), keys: 2000, map_keys: 3000 },
            page: None,
            missing: Vec::new(),
            etcds: Vec::new(),
            programs: Vec::new(),
            only: Vec::new(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                // Three probes of an idle stream.
                "--quick" => arguments.pace.idle = Duration::from_secs(7),
                "--page" => arguments.page = Some(value()?.into()),
                "--etcd" => arguments.etcds.push(Binary::at(value()?)),
                "--program" => {
                    let (name, path) = pair(&value()?)?;
                    arguments.programs.push((name, path.into()));
                }
                "--missing" => arguments.missing.push(pair(&value()?)?),
                _ => arguments.only.push(word),
            }
        }
        Ok(arguments)
    }

    /// What is to be checked.
    pub(crate) fn set_ups(&self) -> Vec<SetUp> {
        let mut set_ups = Vec::new();
        for etcd in &self.etcds {
            let own = |kind| SetUp::new(kind, Some(etcd), Some(etcd.path().to_owned()));
            set_ups.push(SetUp::new(Kind::Direct, Some(etcd), None));
            set_ups.push(own(Kind::Service(ServiceKind::Gateway)));
            set_ups.push(own(Kind::Service(ServiceKind::GrpcProxy)));
            for (kind, program) in [
                (ServiceKind::HaproxyTcp, "haproxy"),
                (ServiceKind::HaproxyHttp2, "haproxy"),
                (ServiceKind::Nginx, "nginx"),
                (ServiceKind::Envoy, "envoy"),
            ] {
                if let Some(path) = self.program(program) {
                    set_ups.push(SetUp::new(Kind::Service(kind), Some(etcd), Some(path)));
                }
            }
        }
        if let Some(kine) = self.program("kine") {
            set_ups.push(SetUp::new(Kind::Service(ServiceKind::Kine), None, Some(kine)));
        }
        set_ups.retain(|set_up| self.only.iter().all(|word| set_up.name().contains(word)));
        set_ups
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        self.programs.iter().find(|(known, _)| known == name).map(|(_, path)| path.clone())
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text} is no NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}
