//! What came of a story, and its folder.

use std::{fmt, thread};

use tempfile::TempDir;

use super::checker::Finding;

/// How many findings are told in full.
const TOLD: usize = 20;

/// What came of a story.
#[derive(Debug)]
pub struct Outcome {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What happened, name and figure.
    pub figures: Vec<(&'static str, String)>,
    pub(crate) seed: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, figure) in &self.figures {
            writeln!(f, "{name:<34} {figure}")?;
        }
        if self.findings.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n{} findings with seed {}:",
            self.findings.len(),
            self.seed
        )?;
        for finding in self.findings.iter().take(TOLD) {
            writeln!(f, "  {finding}")?;
        }
        if self.findings.len() > TOLD {
            writeln!(f, "  … and {} more", self.findings.len() - TOLD)?;
        }
        Ok(())
    }
}

/// The story's folder. It stays where the story was broken off.
pub(crate) struct Folder(pub(crate) Option<TempDir>);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take().filter(|_| thread::panicking()) {
            let _path = folder.keep();
        }
    }
}

/// How many findings there are of each kind.
pub(crate) fn kinds(findings: &[Finding]) -> [(&'static str, String); 3] {
    let found = |words: &[&str]| {
        let is_of = |finding: &&Finding| {
            let rule = format!("{:?}", finding.rule);
            words.iter().any(|word| rule.ends_with(word))
        };
        findings.iter().filter(is_of).count()
    };
    let (lost, doubled) = (found(&["Lost", "NotAcknowledged"]), found(&["Doubled"]));
    [
        ("lost", lost.to_string()),
        ("doubled", doubled.to_string()),
        (
            "otherwise wrong",
            (findings.len() - lost - doubled).to_string(),
        ),
    ]
}
