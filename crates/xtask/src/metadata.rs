//! The packages of the workspace and their dependencies, as `cargo metadata` prints them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_json::Value;

use crate::run::{self, cargo};

/// What `cargo metadata` prints.
pub(crate) struct Metadata {
    packages: Vec<Value>,
    nodes: Vec<Value>,
}

/// A crate that goes to the registry.
pub(crate) struct Published {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) folder: PathBuf,
    /// Without `default`.
    pub(crate) features: Vec<String>,
    pub(crate) has_default_features: bool,
    pub(crate) rust_version: String,
    /// The features that `package.metadata.msrv` lists, because they need a newer Rust.
    pub(crate) newer_features: Vec<String>,
    /// The dependencies that only these features turn on, as Rust spells their names.
    newer_dependencies: Vec<String>,
    id: String,
}

impl Metadata {
    pub(crate) fn read() -> Result<Self, String> {
        let output = run::quiet(cargo(["metadata", "--format-version", "1", "--all-features"]))?;
        let mut metadata: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("cargo metadata: {error}"))?;
        Ok(Self {
            packages: array(metadata["packages"].take()),
            nodes: array(metadata["resolve"]["nodes"].take()),
        })
    }

    /// The members of the workspace that do not say `publish = false`.
    pub(crate) fn published(&self) -> Vec<Published> {
        let ours = self.packages.iter().filter(|package| package["source"].is_null());
        ours.filter(|package| package["publish"].is_null()).map(published).collect()
    }

    /// The dependencies of a package that need a newer Rust than the package declares, including
    /// indirect ones and those of other platforms. The features that declare a newer Rust do not count.
    pub(crate) fn needing_newer_rust(&self, package: &Published) -> Vec<String> {
        let ours = version(&package.rust_version);
        let dependencies = self.dependencies(package);
        let dependencies =
            self.packages.iter().filter(|package| dependencies.contains(text(&package["id"])));
        let newer =
            dependencies.filter(|dependency| version(text(&dependency["rust_version"])) > ours);
        newer
            .map(|dependency| {
                let [name, version, rust_version] =
                    ["name", "version", "rust_version"].map(|field| text(&dependency[field]));
                format!("{name} {version} needs Rust {rust_version}")
            })
            .collect()
    }

    /// The ids of everything that a user of the package builds.
    fn dependencies<'a>(&'a self, package: &'a Published) -> BTreeSet<&'a str> {
        let nodes: BTreeMap<&str, &Value> =
            self.nodes.iter().map(|node| (text(&node["id"]), node)).collect();
        let mut found = BTreeSet::new();
        let mut next = vec![package.id.as_str()];
        while let Some(id) = next.pop() {
            if !found.insert(id) {
                continue;
            }
            let dependencies = nodes.get(id).and_then(|node| node["deps"].as_array());
            let newer = |dependency: &Value| {
                let name = text(&dependency["name"]);
                id == package.id && package.newer_dependencies.iter().any(|newer| newer == name)
            };
            let built = dependencies
                .into_iter()
                .flatten()
                .filter(|dependency| is_built(dependency) && !newer(dependency));
            next.extend(built.map(|dependency| text(&dependency["pkg"])));
        }
        found
    }
}

/// Whether a user of the package builds this dependency: dev-dependencies are not built.
fn is_built(dependency: &Value) -> bool {
    let kinds = dependency["dep_kinds"].as_array();
    kinds.into_iter().flatten().any(|kind| kind["kind"] != "dev")
}

fn published(package: &Value) -> Published {
    let features = package["features"].as_object().into_iter().flatten();
    let newer = package["metadata"]["msrv"].as_object().into_iter().flatten();
    let newer: Vec<String> = newer.map(|(feature, _)| feature.clone()).collect();
    let (of_newer, of_others): (Vec<_>, Vec<_>) =
        features.clone().partition(|(name, _)| newer.contains(name));
    let of_others = turned_on(&of_others);
    let newer_dependencies =
        turned_on(&of_newer).into_iter().filter(|name| !of_others.contains(name)).collect();
    let names = features.map(|(name, _)| name);
    let (default, features): (Vec<_>, Vec<_>) = names.partition(|name| *name == "default");
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    Published {
        name: text(&package["name"]).to_owned(),
        version: text(&package["version"]).to_owned(),
        folder: manifest.parent().map(PathBuf::from).unwrap_or_default(),
        features: features.into_iter().cloned().collect(),
        has_default_features: !default.is_empty(),
        rust_version: text(&package["rust_version"]).to_owned(),
        newer_features: newer,
        newer_dependencies,
        id: text(&package["id"]).to_owned(),
    }
}

/// The dependencies that features turn on, as Rust spells their names.
fn turned_on(features: &[(&String, &Value)]) -> Vec<String> {
    let items = features.iter().filter_map(|(_, items)| items.as_array()).flatten();
    items.filter_map(|item| Some(text(item).strip_prefix("dep:")?.replace('-', "_"))).collect()
}

/// The numbers of a version such as `1.85` or `1.85.0`. Two versions compare as their numbers do.
pub(crate) fn version(text: &str) -> [u32; 3] {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or_default());
    [(); 3].map(|()| numbers.next().unwrap_or_default())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn array(value: Value) -> Vec<Value> {
    if let Value::Array(values) = value { values } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("1.85"), version("1.85.0"));
        assert!(version("1.9") < version("1.85"));
        assert!(version("1.85.1") > version("1.85"));
        assert!(version("") < version("1.0"));
    }
}
