//! Random kustomizations: every field, odd values, colliding names. The same choices give the same
//! files, and fewer or smaller choices give simpler ones, so that a failure shrinks by itself.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of this"
)]

pub mod charts;
pub mod compare;
pub mod dice;
pub mod kustomizations;
pub mod objects;
pub mod patches;
pub mod plugins;
pub mod replacements;
pub mod schemas;
pub mod styles;

use std::collections::BTreeMap;

use dice::Dice;

/// Files by path, and the directory to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub files: BTreeMap<String, String>,
    pub target: String,
}

impl Sample {
    pub fn from(choices: &[u16]) -> Self {
        Self::of(Dice::new(choices))
    }

    /// A sample in which kustomizations inflate charts that lie beside them.
    pub fn with_charts(choices: &[u16]) -> Self {
        let mut dice = Dice::new(choices);
        dice.charts = true;
        Self::of(dice)
    }

    fn of(mut dice: Dice<'_>) -> Self {
        let mut files = BTreeMap::new();
        let target = kustomizations::tree(&mut dice, &mut files);
        Self { files, target }
    }

    /// All files, for a person.
    pub fn show(&self) -> String {
        let mut out = format!("build {}\n", self.target);
        for (path, text) in &self.files {
            out.push_str(&format!("--- {path}\n{text}"));
            if !text.ends_with('\n') {
                out.push_str("⏎\n");
            }
        }
        out
    }
}
