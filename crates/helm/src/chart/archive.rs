//! Reading `.tgz` archives of charts, within limits.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::File;
use crate::error::Error;

/// The most bytes that a whole chart may unpack to: 100 MiB, as in Helm.
pub const MAX_CHART: u64 = 100 * 1024 * 1024;
/// The most bytes of one file: 5 MiB, as in Helm.
pub const MAX_FILE: u64 = 5 * 1024 * 1024;
/// The most entries of one archive. Helm has no such limit; empty files cost nothing packed.
pub const MAX_ENTRIES: usize = 100_000;

/// The files of a packed chart, in the archive's order, each without the archive's one top folder.
///
/// Links are read as the empty files that tar makes of them, as in Helm: they never lead anywhere.
pub fn files(packed: &[u8]) -> Result<Vec<File>, Error> {
    if !packed.starts_with(&[0x1f, 0x8b]) {
        return Err(Error::new("helm/archive", "gzip: invalid header")
            .help("a packed chart is what `helm package` makes: a `.tgz` file"));
    }
    // One byte above the limit tells a chart that is too large from one that just fits. The headers
    // of tar are room enough: 512 bytes for each of so many entries.
    let limit = MAX_CHART + MAX_ENTRIES as u64 * 1024;
    let mut archive = tar::Archive::new(MultiGzDecoder::new(packed).take(limit));
    let mut files = Vec::new();
    let mut left = MAX_CHART;
    for (count, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(Error::new(
                "helm/archive",
                format!("the chart's archive has more than {MAX_ENTRIES} entries"),
            ));
        }
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() || raw.ends_with('/') || kind.is_pax_global_extensions() {
            continue;
        }
        let name = inside(&raw)?;
        let size = entry.size();
        if size > left {
            return Err(too_large());
        }
        if size > MAX_FILE {
            return Err(Error::new(
                "helm/archive",
                format!(
                    "decompressed chart file {} is larger than the maximum file size {MAX_FILE}",
                    crate::go::quote(&raw)
                ),
            ));
        }
        let mut data = Vec::new();
        entry
            .by_ref()
            .take(left)
            .read_to_end(&mut data)
            .map_err(unreadable)?;
        let read = data.len() as u64;
        left = left.saturating_sub(read);
        if read < size || left == 0 {
            return Err(too_large());
        }
        files.push(File {
            name: name.into(),
            data: without_mark(&data).into(),
        });
    }
    if files.is_empty() {
        return Err(Error::new("helm/archive", "no files in chart archive"));
    }
    Ok(files)
}

/// The bytes without a byte order mark.
pub(super) fn without_mark(data: &[u8]) -> &[u8] {
    data.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(data)
}

fn too_large() -> Error {
    Error::new(
        "helm/archive",
        format!("decompressed chart is larger than the maximum file size {MAX_CHART}"),
    )
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn unreadable(error: std::io::Error) -> Error {
    Error::new("helm/archive", error.to_string())
        .help("the archive is damaged or cut short; fetch it again")
}

/// The name inside the chart, which is that of the entry without its first part.
fn inside(raw: &str) -> Result<String, Error> {
    let refuse = |text: String| Err(Error::new("helm/archive", text));
    // An archive made on Windows may hold backslashes.
    let delimiter = if raw.contains('\\') { '\\' } else { '/' };
    let (top, rest) = raw.split_once(delimiter).unwrap_or((raw, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return refuse("chart illegally contains absolute paths".to_owned());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return refuse("chart illegally references parent directory".to_owned());
                }
            }
            part => parts.push(part),
        }
    }
    let name = parts.join("/");
    if name.is_empty() {
        return refuse(format!(
            "chart illegally contains content outside the base directory: {}",
            crate::go::quote(raw)
        ));
    }
    if name.starts_with("..") {
        return refuse("chart illegally references parent directory".to_owned());
    }
    if name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name.get(1..).is_some_and(|rest| rest.starts_with(":/"))
    {
        return refuse("chart contains illegally named files".to_owned());
    }
    if top == "Chart.yaml" {
        return refuse("chart yaml not in base directory".to_owned());
    }
    Ok(name)
}
