//! Pages of `docs/reference/` that the code makes. `TRUEUP_BLESS=1` writes them anew.

use std::{fs, path::PathBuf};

/// Compares a page with what the code makes of it, or writes it.
pub(crate) fn compare(name: &str, made: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs/reference")
        .join(name);
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        fs::write(&path, made).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "docs/reference/{name} is not what the code makes; run the test with `TRUEUP_BLESS=1`"
    );
}
