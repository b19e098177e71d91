//! Terraform's files, parsed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use hcl::{Block, Body};

/// A folder of Terraform's files, with its modules.
pub(super) struct Modules {
    /// The files of each module, by its folder.
    modules: BTreeMap<PathBuf, Vec<Body>>,
    texts: Vec<(String, String)>,
}

impl Modules {
    pub(super) fn read(folder: &Path) -> Self {
        let mut read = Self {
            modules: BTreeMap::new(),
            texts: Vec::new(),
        };
        read.add(folder);
        assert!(
            read.modules.len() > 1,
            "there are no modules in {}",
            folder.display()
        );
        read
    }

    pub(super) fn of_text(text: &str) -> Self {
        let body = hcl::parse(text).unwrap();
        Self {
            modules: BTreeMap::from([(PathBuf::new(), vec![body])]),
            texts: vec![("planted".to_owned(), text.to_owned())],
        }
    }

    fn add(&mut self, folder: &Path) {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                self.add(&path);
            } else if path.extension().is_some_and(|extension| extension == "tf") {
                let text = fs::read_to_string(&path).unwrap();
                let body =
                    hcl::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                self.modules
                    .entry(folder.to_owned())
                    .or_default()
                    .push(body);
                self.texts.push((path.display().to_string(), text));
            }
        }
    }

    /// The blocks of each module.
    pub(super) fn modules(&self) -> impl Iterator<Item = Vec<&Block>> {
        self.modules
            .values()
            .map(|bodies| bodies.iter().flat_map(Body::blocks).collect())
    }

    /// Every block of this kind.
    pub(super) fn blocks(&self, kind: &str) -> impl Iterator<Item = &Block> {
        self.modules
            .values()
            .flatten()
            .flat_map(Body::blocks)
            .filter(move |block| block.identifier() == kind)
    }

    /// The value of this name among the locals.
    pub(super) fn local(&self, name: &str) -> hcl::Expression {
        self.blocks("locals")
            .flat_map(|block| block.body().attributes())
            .find(|attribute| attribute.key() == name)
            .unwrap_or_else(|| panic!("there is no local `{name}`"))
            .expr()
            .clone()
    }

    /// Files by name.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

/// What `terraform fmt` would change, as far as it is seen without it: indents of two spaces, no trailing spaces, and `=`
/// of neighbouring lines in one column.
pub(super) fn format_faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut depth = 0_usize;
    // Line number and column of `=` of each line in the run that is being read.
    let mut run: Vec<(usize, usize)> = Vec::new();
    let end_run = |run: &mut Vec<(usize, usize)>, faults: &mut Vec<String>| {
        let furthest = run.iter().map(|(_, column)| *column).min().unwrap_or(0);
        let is_uneven = run.iter().any(|(_, column)| *column != furthest);
        if is_uneven {
            let (line, _) = run.iter().find(|(_, column)| *column != furthest).unwrap();
            faults.push(format!("line {line}: `=` is not below the others"));
        }
        run.clear();
    };
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.trim_end() != line || line.contains('\t') {
            faults.push(format!("line {number}: spaces at its end, or tabs"));
        }
        let code = line.trim();
        let closing = code.chars().take_while(|c| "})]".contains(*c)).count();
        let indent = line.len() - line.trim_start().len();
        let expected = depth.saturating_sub(usize::from(closing > 0)) * 2;
        if !code.is_empty() && indent != expected {
            faults.push(format!(
                "line {number}: it is indented by {indent}, not by {expected}"
            ));
        }
        let opens = code.chars().filter(|c| "{[(".contains(*c)).count();
        let closes = code.chars().filter(|c| "})]".contains(*c)).count();
        // Terraform indents once for a line, however much it opens.
        if opens > closes {
            depth += 1;
        } else if closes > opens {
            depth = depth.saturating_sub(1);
        }
        let is_single_line = opens == closes;
        match code.find(" = ") {
            Some(_) if !code.starts_with('#') && is_single_line => {
                run.push((number, line.find(" = ").unwrap()));
            }
            // The first line of a value over several lines ends the run before it.
            _ => end_run(&mut run, &mut faults),
        }
    }
    end_run(&mut run, &mut faults);
    faults
}
