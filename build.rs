//! How the program is linked in a release build: at a fixed address and with OpenSSL and zlib inside,
//! where the system has their archives, so that starting it relocates and looks up next to nothing
//! (`docs/decisions/0014-linked-at-a-fixed-address.md`).
//!
//! Every other build, and one for another system, is linked as ever. `TRUEUP_LINK=usual` asks for that
//! in a release build too, `TRUEUP_LINK=fixed` for the opposite in any, so that tests can run on it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// What OpenSSL's archives may need that the program has anyway, or gets here.
const KNOWN: [&str; 7] = [
    "-lssl",
    "-lcrypto",
    "-lz",
    "-ldl",
    "-pthread",
    "-lpthread",
    "-lm",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TRUEUP_LINK");
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    let here = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    let linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let wanted =
        is("TRUEUP_LINK", "fixed") || (is("PROFILE", "release") && !is("TRUEUP_LINK", "usual"));
    if !wanted || !here || !linux {
        return;
    }
    println!("cargo::rustc-link-arg-bin=trueup=-no-pie");
    order();
    if let Some(folder) = archives() {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
}

/// Puts the functions that a rendering calls side by side
/// (`docs/decisions/0016-what-runs-lies-together.md`). That is said in the language of the linker which rustc
/// brings for this system; another one, where somebody has asked for it, may not know it.
fn order() {
    let brought = env::var("TARGET").is_ok_and(|target| target == "x86_64-unknown-linux-gnu")
        && env::var_os("RUSTC_LINKER").is_none()
        && !env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("link"));
    let Some(root) = env::var_os("CARGO_MANIFEST_DIR").filter(|_| brought) else {
        return;
    };
    let script = Path::new(&root).join("link/first.ld");
    println!("cargo::rerun-if-changed={}", script.display());
    if script.exists() {
        println!(
            "cargo::rustc-link-arg-bin=trueup=-Wl,-T,{}",
            script.display()
        );
    }
}

/// A folder with nothing but archives of OpenSSL and zlib, where the linker finds them before the
/// shared libraries.
fn archives() -> Option<PathBuf> {
    let needed = pkg_config(&["--static", "--libs", "openssl"])?;
    let libraries = needed.split_whitespace();
    if !libraries
        .filter(|word| !word.starts_with("-L"))
        .all(|word| KNOWN.contains(&word))
    {
        return None;
    }
    let from = pkg_config(&["--variable=libdir", "openssl"])?;
    let folder = Path::new(&env::var_os("OUT_DIR")?).join("archives");
    let link = |name: &str| link(Path::new(from.trim()), &folder, name);
    // Both or none: they are of one build.
    fs::create_dir_all(&folder).ok()?;
    link("libcrypto.a")
        .and_then(|()| link("libssl.a"))
        .or_else(|error| {
            fs::remove_dir_all(&folder)?;
            Err(error)
        })
        .ok()?;
    // Without this one zlib is a shared library as ever.
    let _ = link("libz.a");
    Some(folder)
}

fn link(from: &Path, folder: &Path, name: &str) -> io::Result<()> {
    let archive = from.join(name).canonicalize()?;
    let link = folder.join(name);
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(archive, link)
}

fn pkg_config(arguments: &[&str]) -> Option<String> {
    let answer = Command::new("pkg-config").args(arguments).output().ok()?;
    if !answer.status.success() {
        return None;
    }
    String::from_utf8(answer.stdout).ok()
}
