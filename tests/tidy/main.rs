//! What the compiler cannot check: the direction of imports, links, the length of files.

use std::path::{Path, PathBuf};

use stepwell_tests::workspace;

/// Lines of code, tests aside, past which a file has to be split.
const LINES_MAX: usize = 700;

#[test]
fn store_integrations_and_clock_do_not_know_each_other_or_the_executor() {
    let source = workspace::root().join("engine/src");
    let modules = ["store", "integrations", "clock"];
    for module in modules {
        for (path, text) in sources(&source) {
            let relative = path.strip_prefix(&source).expect("it was found there");
            if !relative.starts_with(module) && relative != Path::new(&format!("{module}.rs")) {
                continue;
            }
            for other in modules.iter().chain(&["executor", "engine", "operations"]) {
                let import = format!("crate::{other}");
                assert!(
                    *other == module || !text.contains(&import),
                    "{} knows {import}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_pure_crates_depend_on_nothing_that_waits() {
    for package in ["language", "interpreter"] {
        let manifest = workspace::root()
            .join("engine")
            .join(package)
            .join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("the manifest is there");
        for dependency in ["tokio", "rusqlite", "reqwest", "axum", "futures"] {
            assert!(
                !text.contains(dependency),
                "{} depends on {dependency}",
                manifest.display()
            );
        }
    }
}

#[test]
fn no_file_has_grown_beyond_what_one_reads() {
    let long: Vec<String> = sources(&workspace::root())
        .into_iter()
        .filter_map(|(path, text)| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code.lines().count();
            (lines > LINES_MAX).then(|| format!("{} has {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in sources(&workspace::root()) {
        if path.ends_with("tests.rs") {
            continue; // The tests of the module above, moved out of its file.
        }
        let first = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        assert!(
            first.starts_with("//!"),
            "{} begins with {first:?}",
            path.display()
        );
    }
}

#[test]
fn relative_links_in_documents_lead_somewhere() {
    for path in files(&workspace::root(), "md") {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        for part in text.split("](").skip(1) {
            let Some(target) = part.split(')').next() else {
                continue;
            };
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            let folder = path.parent().expect("a file lies in a folder");
            assert!(
                folder.join(target).exists(),
                "{} links to {target}",
                path.display()
            );
        }
    }
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    files(folder, "rs")
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("it can be read");
            (path, text)
        })
        .collect()
}

/// The files below a folder with this ending, build results and hidden folders aside.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') && name != "node_modules" {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|extension| extension == ending)
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
