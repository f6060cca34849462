//! What every store refuses to hand out as the content of a file.

use trueup_manifest::{TreeError, TreeErrorKind};

/// The largest file that is read: manifests are never that big, and a stray archive must not fill
/// the memory.
pub(super) const LARGEST_FILE: u64 = 64 << 20;

/// Refuses a file by its size, before it is read.
pub(super) fn check_size(bytes: u64, shown: &str) -> Result<(), TreeError> {
    if bytes <= LARGEST_FILE {
        return Ok(());
    }
    let reason = format!("the file has {bytes} bytes; the most is {LARGEST_FILE}");
    Err(TreeError::new(TreeErrorKind::TooLarge, shown, &reason))
}

/// Refuses the stand-in that Git LFS leaves for a file it keeps elsewhere: rendering it would apply
/// the stand-in in place of the file.
pub(super) fn check_content(content: &[u8], shown: &str) -> Result<(), TreeError> {
    const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid ";
    if !content.starts_with(LFS) {
        return Ok(());
    }
    Err(TreeError::new(
        TreeErrorKind::Io,
        shown,
        "the file is kept in Git LFS, which trueup does not fetch from",
    ))
}

/// Why a submodule cannot be read.
pub(super) const SUBMODULE: &str =
    "it is a Git submodule, and trueup does not fetch those; copy the files into the repository";
